// Every page with real data: for everybody (axe-core finds nothing, light and dark, wide and at 320 px), within the policy that
// it is sent with, and with nothing on it that somebody else's name has made it do.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { noBrowser, type Watched } from './support/browser.ts'
import { Desk } from './support/operator.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What somebody may call a device, and hope for. */
const NAMES = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(2)</script>',
  "'-alert(3)-'",
  '{{constructor.constructor("alert(4)")()}}',
  'watch',
]
const HOSTILE = '<svg onload=alert(5)><b>bold</b>'

interface Finding {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** Loads axe-core past the policy, as a debugger may, and gives what it finds. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const options = "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }"
  const { violations } = (await page.evaluate(`axe.run(document, ${options})`)) as { violations: Finding[] }
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  )
}

/** Paths of all pages, with things on them. */
async function furnish(t: TestContext): Promise<{ desk: Desk; paths: string[] }> {
  const desk = await Desk.open(t, 'home-gw', 'hotel-gw')
  const ids: string[] = []
  for (const [at, name] of NAMES.entries()) ids.push(await desk.pair(name, 'home-gw', `device-${at}.json`))
  for (const gateway of ['home-gw', 'hotel-gw'])
    for (const at of [0, 4]) await desk.connect(`device-${at}.json`, gateway)
  await desk.ask('POST', `/v1/pnes/${ids[4]}/revoke`, {})
  await desk.connect('device-4.json', 'hotel-gw')
  await desk.ask('POST', `/v1/pnes/${encodeURIComponent(HOSTILE)}/revoke`, {})
  await desk.ask('PATCH', '/v1/users/alice', { policy: { roaming: 'listed', gateways: ['hotel-gw'], sessionsMax: 3 } })
  await desk.makeToken('grafana', 'viewer')
  forgeEvent(desk.town.path('server'), ids[4] ?? '')
  await until(async () => (await desk.get('/v1/authentications?result=refused')).items.length > 1)
  const { items } = await desk.get('/v1/authentications?limit=10')
  const flows = items.map(({ id }: { id: number }) => `/flow/${id}`)
  const lists = [
    '/',
    '/flow',
    '/pnes',
    '/gateways',
    '/users',
    '/networks',
    '/pair',
    '/audit',
    '/tokens',
    '/flow?result=refused',
    '/pnes?q=none-is-called-that',
  ]
  const details = [
    `/pnes/${ids[0]}`,
    `/pnes/${ids[4]}`,
    '/gateways/home-gw',
    '/users/alice',
    '/networks/home-gw',
    '/pair/home-gw',
  ]
  return {
    desk,
    paths: [...lists, ...details, flows[0], flows.at(-1), `/pnes/${encodeURIComponent(HOSTILE)}`, '/no/such/page'],
  }
}

/** As if a gateway, a device and a program had said the worst in every field that comes from elsewhere. */
function forgeEvent(folder: string, pne: string): void {
  const database = new DatabaseSync(`${folder}/opencpns.db`)
  const insert = database.prepare(`
    INSERT INTO events (at, type, result, reason, pne_id, gateway, user, "case", ms, session, steps, facts)
    VALUES (?, 'authentication', 'refused', ?, ?, ?, ?, 'local', 1, ?, '[1,0,2,100]', ?)`)
  const facts = JSON.stringify({ key: null, serverRoundTrips: 0, at: Date.now() })
  insert.run(Date.now(), HOSTILE, pne, `${HOSTILE}@example.org`, HOSTILE, randomBytes(16).toString('base64url'), facts)
  database.close()
}

async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor()
  await until(async () => (await page.locator('.waiting').count()) === 0)
}

let shared: { desk: Desk; paths: string[] }

test('the pages', { skip: noBrowser }, async (t) => {
  shared = await furnish(t)
  const { desk, paths } = shared

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      await t.test(`axe-core finds nothing on any page: ${colorScheme}, ${width} px`, async () => {
        const browser = await desk.logIn({ colorScheme, viewport: { width, height: 800 } })
        for (const path of paths) {
          await browser.page.goto(path)
          await settled(browser.page)
          assert.deepEqual(await findings(browser.page), [], path)
          const { scrollWidth, innerWidth } = (await browser.page.evaluate(
            '({ scrollWidth: document.documentElement.scrollWidth, innerWidth })',
          )) as { scrollWidth: number; innerWidth: number }
          assert.ok(scrollWidth <= innerWidth, `${path} is ${scrollWidth} px wide`)
        }
        browser.assertClean(desk.base)
        await browser.close()
      })
    }
  }

  await t.test('axe-core finds nothing in dialogs, forms and the log-in', async () => {
    for (const colorScheme of ['light', 'dark'] as const) await dialogs(desk, colorScheme)
  })

  await t.test('a name is a name, on every page, whatever it says', async () => {
    const browser = await desk.logIn()
    for (const path of paths) await assertNames(browser, path)
    await browser.page.goto('/pnes')
    for (const name of NAMES) await browser.page.getByText(name, { exact: true }).waitFor()
    browser.assertClean(desk.base)
    await browser.close()
  })
})

async function dialogs(desk: Desk, colorScheme: 'light' | 'dark'): Promise<void> {
  const browser = await desk.browse({ colorScheme, viewport: { width: 320, height: 700 } })
  const { page } = browser
  await page.goto('/')
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  assert.deepEqual(await findings(page), [], 'log-in')
  await page.locator('input[type=password]').fill(await desk.token())
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Menu' }).click()
  assert.deepEqual(await findings(page), [], 'menu')
  for (const [path, button] of [
    ['/users', 'Add user'],
    ['/gateways', 'Add gateway'],
    ['/tokens', 'Make token'],
    ['/users/alice', 'Remove'],
  ] as const) {
    await page.goto(path)
    await page.getByRole('button', { name: button }).click()
    await page.getByRole('dialog').waitFor()
    assert.deepEqual(await findings(page), [], button)
    await page.keyboard.press('Escape')
    await until(async () => (await page.getByRole('dialog').count()) === 0, 'Escape closes a dialog')
  }
  for (const path of ['/users/alice', '/gateways/home-gw']) {
    await page.goto(path)
    await page.getByRole('button', { name: 'Edit policy' }).click()
    assert.deepEqual(await findings(page), [], `policy at ${path}`)
  }
  await page.goto('/pair/home-gw')
  await page.getByRole('button', { name: 'Make ticket' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  assert.deepEqual(await findings(page), [], 'ticket')
  browser.assertClean(desk.base)
  await browser.close()
}

/** Elements that no page of ours has, or only with our own attributes. */
const STRANGERS = `[...document.querySelectorAll('script:not([src^="/assets/"]), iframe, object, embed, main img, main b b, [onerror], [onload], [onclick], [style]')].map((one) => one.outerHTML)`

async function assertNames({ page }: Watched, path: string): Promise<void> {
  await page.goto(path)
  await settled(page)
  assert.deepEqual(await page.evaluate(STRANGERS), [], path)
}
