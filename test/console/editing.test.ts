// Changing things: what is shown once, what somebody else has changed meanwhile, and what a search finds as one types.

import assert from 'node:assert/strict'
import { chmod, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Locator, Page, Request } from 'playwright-core'
import { until } from '../support/until.ts'
import { inBrowser } from './support/browser.ts'
import { Desk } from './support/operator.ts'

test(
  'a user and a gateway are added; its credential is saved once, and a gateway runs with it',
  inBrowser,
  async (t) => {
    const desk = await Desk.open(t)
    const browser = await desk.logIn({ path: '/users' })
    const { page } = browser
    await page.getByRole('button', { name: 'Add user' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('bob')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'bob' }).waitFor()

    await page.getByRole('link', { name: 'Gateways' }).click()
    await page.getByRole('button', { name: 'Add gateway' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('office-gw')
    await dialog.getByLabel('User').fill('nobody-there')
    await dialog.getByRole('button', { name: 'Add gateway' }).click()
    await dialog.getByRole('alert').getByText('USER_UNKNOWN').waitFor()
    await dialog.getByLabel('User').fill('bob')
    await dialog.getByRole('button', { name: 'Add gateway' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Save office-gw.json' }).click(),
    ])
    assert.equal(download.suggestedFilename(), 'office-gw.json')
    const credential = JSON.parse(await readFile(await download.path(), 'utf8'))
    assert.deepEqual(Object.keys(credential), ['type', 'version', 'identity', 'realm', 'secret'])
    assert.deepEqual(
      [credential.type, credential.identity, Buffer.from(credential.secret, 'base64url').length],
      ['opencpns-gateway', 'office-gw@example.org', 32],
    )
    await dialog.getByRole('button', { name: 'I have it: close' }).click()
    await page.getByRole('link', { name: 'office-gw' }).waitFor()
    assert.ok(!(await page.content()).includes(credential.secret), 'the secret is gone with the dialog')

    await download.saveAs(desk.system.town.path('office-gw.json'))
    await chmod(desk.system.town.path('office-gw.json'), 0o600)
    await desk.system.runGateway('office-gw')
    await page.getByRole('row', { name: /office-gw.*connected/ }).waitFor()
    browser.assertClean(desk.system.base)
  },
)

test('what was made although no answer came is not made twice', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const browser = await desk.logIn({ path: '/users' })
  const { page } = browser
  let isLost = true
  await page.route('**/v1/users', async (route) => {
    if (route.request().method() !== 'POST' || !isLost) return route.continue()
    isLost = false
    await route.fetch()
    await route.abort('connectionreset')
  })
  await page.getByRole('button', { name: 'Add user' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('bob')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('UNREACHABLE').waitFor()
  assert.equal((await desk.system.get('/v1/users/bob')).name, 'bob', 'it was made')
  await page.keyboard.press('Enter')
  await browser.hears('The user bob was added.')
})

test('a token is shown once, works, and is revoked', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const browser = await desk.logIn({ path: '/tokens' })
  const { page } = browser
  await page.getByRole('button', { name: 'Make token' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('grafana')
  await dialog.getByRole('button', { name: 'Make token' }).click()
  const token = (await dialog.locator('code').textContent()) ?? ''
  assert.match(token, /^[\w-]{40,}$/)
  const asked = () => fetch(`${desk.system.base}/v1/users`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await asked()).status, 200)
  await dialog.getByRole('button', { name: 'I have it: close' }).click()
  await page.getByRole('cell', { name: /^grafana/ }).waitFor()
  assert.ok(!(await page.content()).includes(token))
  await page.getByRole('button', { name: 'Revoke grafana' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke for ever' }).click()
  await browser.hears('The token grafana was revoked.')
  await until(async () => (await asked()).status === 401)
})

test('a policy that somebody else has changed meanwhile is not written over unseen', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const browser = await desk.logIn({ path: '/users/alice' })
  const { page } = browser
  const policy = async () => (await desk.system.get('/v1/users/alice')).policy
  const edit = async () => {
    await page.getByRole('button', { name: 'Edit policy' }).click()
    await page.getByLabel('nowhere').check()
  }
  await edit()
  await desk.system.ask('PATCH', '/v1/users/alice', { policy: { sessionsMax: 7 } })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Somebody else has changed this meanwhile').waitFor()
  assert.match((await page.getByRole('alert').textContent()) ?? '', /roaming at every gateway.*sessions: 7/)
  assert.deepEqual(await policy(), { roaming: 'any', gateways: [], sessionsMax: 7 })
  await page.getByRole('button', { name: 'Take theirs' }).click()
  await page.locator('dd').getByText('7', { exact: true }).waitFor()

  await edit()
  await desk.system.ask('PATCH', '/v1/users/alice', { policy: { sessionsMax: 8 } })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Somebody else has changed this meanwhile').waitFor()
  await page.getByRole('button', { name: 'Save' }).click()
  await browser.hears('The policy of alice was changed.')
  assert.deepEqual(
    await policy(),
    { roaming: 'none', gateways: [], sessionsMax: 7 },
    'all of mine is in place of theirs',
  )
})

test('whether a gateway takes visitors is changed, and told to who looks on', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  const browser = await desk.logIn({ path: '/gateways/home-gw' })
  const { page } = browser
  const other = await desk.logIn({ path: '/gateways' })
  await other.page.getByRole('cell', { name: 'welcome' }).waitFor()
  await page.getByRole('button', { name: 'Edit policy' }).click()
  await page.getByLabel('none').check()
  await page.getByRole('button', { name: 'Save' }).click()
  await browser.hears('home-gw: no visitors.')
  await other.page.getByRole('cell', { name: 'no', exact: true }).waitFor()
})

/** A search for the first word alone. */
const OLDER = /q=kitchen(&|$)/

/** Letter by letter, quicker than any pause. */
function typeAtOnce(page: Page, text: string): Promise<unknown> {
  return page.evaluate(`for (const letter of ${JSON.stringify(text)}) {
    const field = document.activeElement
    field.value += letter
    field.dispatchEvent(new InputEvent('input', { bubbles: true }))
  }`)
}

test('a search finds as one types: the last words count, an older answer never comes after', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  for (const [at, name] of ['kitchen lamp', 'kitchen scale', 'garage door'].entries())
    await desk.system.pair(name, 'home-gw', `${at}.json`)
  const { page, urls } = await desk.logIn({ path: '/pnes' })
  await page.getByRole('link', { name: 'garage door' }).waitFor()
  const held = Promise.withResolvers<void>()
  await page.route(OLDER, async (route) => {
    await held.promise
    await route.continue().catch(() => {})
  })
  const isOlder = (request: Request) => OLDER.test(request.url())
  const asked = page.waitForEvent('request', isOlder)
  const givenUp = page.waitForEvent('requestfailed', isOlder)
  await page.keyboard.press('/')
  await typeAtOnce(page, 'kitchen')
  await asked
  await typeAtOnce(page, ' la')
  await page.getByRole('link', { name: 'kitchen lamp' }).waitFor()
  await page.getByRole('link', { name: 'kitchen scale' }).waitFor({ state: 'detached' })
  await givenUp
  held.resolve()
  // What happens meanwhile is a reason to ask the same again.
  const words = urls.filter((url) => url.includes('/v1/pnes?q=')).map((url) => new URL(url).searchParams.get('q'))
  assert.deepEqual([...new Set(words)], ['kitchen', 'kitchen la'], 'not every letter is a request')
  assert.equal(new URL(page.url()).search, '?q=kitchen+la')
  await page.reload()
  await page.getByRole('link', { name: 'kitchen lamp' }).waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), 'kitchen la')
})

test('a long list goes page by page, forth and back, and begins anew with another search', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  for (let at = 10; at < 64; at++) await desk.system.ask('POST', '/v1/users', { name: `user-${at}` })
  const { page } = await desk.logIn({ path: '/users' })
  const names = () => page.locator('tbody td:first-child').allTextContents()
  const [older, newer] = ['Older', 'Newer'].map((name) => page.getByRole('button', { name })) as [Locator, Locator]
  await older.waitFor()
  const first = await names()
  assert.deepEqual([first.length, await newer.isDisabled()], [50, true])
  await older.click()
  await until(async () => (await names()).length === 5)
  const rest = await names()
  assert.equal(new Set([...first, ...rest]).size, 55, 'each user is on one page')
  assert.deepEqual([await older.isDisabled(), await newer.isDisabled()], [true, false])
  await newer.click()
  await until(async () => (await names()).length === 50)
  assert.deepEqual(await names(), first)
  await older.click()
  await until(async () => (await names()).length === 5)
  await page.getByRole('searchbox').fill('user-1')
  await until(async () => (await names()).length === 10)
  assert.equal(await page.getByRole('navigation', { name: 'Pages of the list' }).count(), 0)
})

test('an empty server says how to begin', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.logIn()
  for (const [path, command] of [
    ['/', 'opencpns admin user add alice --data ./server'],
    ['/gateways', 'opencpns admin gateway add home-gw --user alice --out home-gw.json --data ./server'],
    ['/pnes', 'opencpns gateway pair --data ./home-gw --name watch'],
    ['/flow', 'opencpns pne connect 127.0.0.1:7411 --credential watch.json'],
    ['/networks', 'opencpns admin gateway add home-gw'],
    ['/pair', 'opencpns admin gateway add home-gw'],
    ['/tokens', 'opencpns admin token add grafana --role viewer --data ./server'],
  ] as const) {
    await page.goto(path)
    await page.locator('.copy code').getByText(command).first().waitFor()
  }
})
