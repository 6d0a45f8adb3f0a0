// With nothing but the keyboard: from the log-in to a revocation, and the player of Flow.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { inBrowser } from './support/browser.ts'
import { Desk } from './support/operator.ts'

const FOCUSED = `(() => {
  const { activeElement: one } = document
  const name = one.getAttribute('aria-label') ?? (one.labels?.[0] ?? one).textContent.trim()
  const { outlineStyle, outlineWidth } = getComputedStyle(one)
  return { name, isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, isText: one.matches('input') }
})()`

interface Focused {
  readonly name: string
  readonly isSeen: boolean
  readonly isText: boolean
}

const focused = (page: Page) => page.evaluate(FOCUSED) as Promise<Focused>

/** Presses Tab until what is called so has the focus; wherever it comes to, one sees where it is. */
async function tabTo(page: Page, name: RegExp, most = 60): Promise<void> {
  for (let pressed = 0; pressed < most; pressed++) {
    await page.keyboard.press('Tab')
    const now = await focused(page)
    assert.ok(now.isSeen || now.name === '' || now.name.length > 200, `one does not see that ${now.name} has the focus`)
    if (name.test(now.name)) return
  }
  assert.fail(`Tab never comes to ${name}`)
}

test('from the log-in to a revocation without a mouse', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  const id = await desk.system.pair('watch', 'home-gw', 'watch.json')
  const browser = await desk.browse()
  const { page } = browser
  await page.goto('/')
  await until(async () => (await focused(page)).name === 'Token', 'the log-in has the focus')
  await page.keyboard.type(await desk.system.token())
  await page.keyboard.press('Enter')
  await until(async () => (await focused(page)).name === 'Overview', 'after the log-in it goes on at the page')

  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.keyboard.press('Tab')
  assert.equal((await focused(page)).name, 'Skip to content', 'the first stop leads past the menu')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate('document.activeElement.id'), 'content')

  await page.keyboard.press('/')
  await until(async () => (await focused(page)).name === 'Search by name or id', '/ searches')
  await page.keyboard.type('wat/')
  assert.equal(await page.getByRole('searchbox').inputValue(), 'wat/', 'where one writes, / is a letter')
  await page.keyboard.press('Backspace')
  await tabTo(page, /^watch$/)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'watch' }).waitFor()
  await until(async () => (await focused(page)).name === 'watch', 'a new page is read from its heading on')

  await tabTo(page, /^Revoke$/)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  assert.equal((await focused(page)).name, 'Cancel', 'the way out has the focus')
  for (let pressed = 0; pressed < 6; pressed++) {
    await page.keyboard.press('Tab')
    const isInside = await page.evaluate(
      "document.activeElement === document.body || document.activeElement.closest('dialog') !== null",
    )
    assert.ok(isInside, 'the focus stays in the dialog')
  }
  await page.keyboard.press('Escape')
  await until(async () => (await focused(page)).name === 'Revoke', 'the focus comes back')
  await page.locator('dialog .dialog').waitFor({ state: 'detached' })
  assert.equal((await desk.system.get(`/v1/pnes/${id}`)).state, 'active', 'Escape does nothing else')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await tabTo(page, /^Revoke for ever$/, 4)
  await page.keyboard.press('Enter')
  await browser.hears('watch was revoked.')
})

test('Flow plays, pauses and steps by keys', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw', 'hotel-gw')
  await desk.system.pair('watch', 'home-gw', 'watch.json')
  await desk.system.connect('watch.json', 'hotel-gw')
  await until(async () => (await desk.system.get('/v1/authentications')).items[0]?.complete === true)
  const { id } = (await desk.system.get('/v1/authentications')).items[0]
  const { page } = await desk.logIn({ path: `/flow/${id}` })
  const place = () => page.locator('.place').textContent()
  await page.locator('svg .end.secured').waitFor()
  assert.equal(await place(), '8 of 8')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  assert.equal(await place(), '7 of 8')
  assert.equal(await page.locator('svg .end').count(), 0)
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  assert.equal(await page.locator('svg .end.secured').count(), 1)
  // Where much time passes between two keys, it is at its end again before it pauses.
  await until(async () => {
    await page.keyboard.press('Home')
    await page.keyboard.press(' ')
    return /^[0-7] of 8$/.test((await place()) ?? '')
  }, 'Home plays it again')
  const paused = await place()
  await page.getByRole('button', { name: 'Play (space)' }).waitFor()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  assert.equal(await place(), paused, 'while it is paused it stays')
  await page.keyboard.press(' ')
  await page.locator('svg .end.secured').waitFor()

  await page.getByText('As a table').click()
  const rows = await page.locator('.as-table tbody tr').allTextContents()
  assert.equal(rows.length, 8)
  assert.match(rows[4] ?? '', /5PNECPNS ServerEAP-GPSK, PSK from the EUKey/)
})

/** Every place of the player that one could have seen. */
const WATCH_PLACES = `globalThis.places = new Set()
new MutationObserver(() => places.add(document.querySelector('.place')?.textContent ?? ''))
  .observe(document.body, { subtree: true, childList: true, characterData: true })`

test('whoever wants less motion sees each authentication at once', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  await desk.system.pair('watch', 'home-gw', 'watch.json')
  const { page } = await desk.logIn({ path: '/flow', reducedMotion: 'reduce' })
  await page.getByText('Nothing has been authenticated yet').waitFor()
  await page.locator('.stream.live').waitFor()
  await page.evaluate(WATCH_PLACES)
  await desk.system.connect('watch.json', 'home-gw')
  await page.locator('svg .end.secured').waitFor()
  const between = ((await page.evaluate('[...globalThis.places]')) as string[]).filter((place) =>
    /^[1-4] of/.test(place),
  )
  assert.deepEqual(between, [], 'no step is shown on its own')
  assert.equal(await page.evaluate("getComputedStyle(document.querySelector('svg .step .line')).animationName"), 'none')
})
