// Every page with real data: for everybody (axe-core finds nothing, light and dark, wide and at 320 px), within the policy that
// it is sent with, and with nothing on it that somebody else's name has made it do.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { inBrowser, noBrowser, type Watched } from './support/browser.ts'
import { Desk } from './support/operator.ts'

/** Only a page that hangs takes so long, whatever else the machine does. */
const MANY_PAGES_MS = 900_000

/** What somebody may call a device, and hope for. */
const NAMES = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(2)</script>',
  "'-alert(3)-'",
  '{{constructor.constructor("alert(4)")()}}',
  'watch',
]
const HOSTILE = '<svg onload=alert(5)><b>bold</b>'

interface Furnished {
  readonly desk: Desk
  /** Of all pages, with things on them. */
  readonly paths: readonly string[]
}

let furnished: Promise<Furnished> | undefined
after(async () => (await furnished)?.desk.close())

/** Once for all tests of this file. */
function furnish(): Promise<Furnished> {
  furnished ??= Desk.start('home-gw', 'hotel-gw').then(async (desk) => ({ desk, paths: await fill(desk) }))
  return furnished
}

async function fill(desk: Desk): Promise<string[]> {
  const ids: string[] = []
  for (const [at, name] of NAMES.entries()) ids.push(await desk.system.pair(name, 'home-gw', `device-${at}.json`))
  for (const at of [0, 4])
    for (const gateway of ['home-gw', 'hotel-gw']) await desk.system.connect(`device-${at}.json`, gateway)
  await desk.system.ask('POST', `/v1/pnes/${ids[4]}/revoke`, {})
  await until(async () => (await desk.system.connect('device-4.json', 'hotel-gw')).code !== 0, 'it is not refused')
  await desk.system.ask('POST', `/v1/pnes/${encodeURIComponent(HOSTILE)}/revoke`, {})
  await desk.system.ask('PATCH', '/v1/users/alice', {
    policy: { roaming: 'listed', gateways: ['hotel-gw'], sessionsMax: 3 },
  })
  await desk.system.makeToken('grafana', 'viewer')
  forgeEvent(desk.system.town.path('server'), ids[4] ?? '')
  await until(async () => (await desk.system.get('/v1/authentications?result=refused')).items.length > 1)
  const { items } = await desk.system.get('/v1/authentications?limit=10')
  const flows = [items[0], items.at(-1)].map(({ id }: { id: number }) => `/flow/${id}`)
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
    '/pnes?q=none',
  ]
  const details = [
    `/pnes/${ids[0]}`,
    `/pnes/${ids[4]}`,
    '/gateways/home-gw',
    '/users/alice',
    '/networks/home-gw',
    '/pair/home-gw',
  ]
  return [...lists, ...details, ...flows, `/pnes/${encodeURIComponent(HOSTILE)}`, '/flow/no/such/page']
}

/** As if a gateway, a device and a program had said the worst in every field that comes from elsewhere. */
function forgeEvent(folder: string, pne: string): void {
  const database = new DatabaseSync(`${folder}/cpns.db`, { timeout: 30_000 })
  const insert = database.prepare(`
    INSERT INTO events (at, type, result, reason, pne_id, gateway, user, "case", ms, session)
    VALUES (?, 'authentication', 'refused', ?, ?, ?, ?, 'local', 1, ?)`)
  const session = randomBytes(16).toString('base64url')
  const { lastInsertRowid } = insert.run(Date.now(), HOSTILE, pne, `${HOSTILE}@example.org`, HOSTILE, session)
  const facts = JSON.stringify({ key: null, serverRoundTrips: 0, at: Date.now() })
  database
    .prepare('INSERT INTO event_details (id, steps, facts) VALUES (?, ?, ?)')
    .run(lastInsertRowid, '[1,0,2,100]', facts)
  database.close()
}

for (const width of [1280, 320]) {
  test(`no page keeps anybody out, or does what a name says, at ${width} px`, {
    skip: noBrowser,
    timeout: MANY_PAGES_MS,
  }, async () => {
    const { desk, paths } = await furnish()
    const browser = await desk.logIn({ viewport: { width, height: 800 } })
    for (const path of paths) await checkPage(browser, path)
    browser.assertClean(desk.system.base)
    await browser.close()
  })
}

test('no dialog, form or log-in keeps anybody out', { skip: noBrowser, timeout: MANY_PAGES_MS }, async () => {
  const { desk } = await furnish()
  const browser = await desk.browse({ viewport: { width: 320, height: 700 } })
  const { page } = browser
  await page.goto('/')
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  await assertForEverybody(page, 'log-in')
  await page.locator('input[type=password]').fill(await desk.system.token())
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Menu' }).click()
  await assertForEverybody(page, 'menu')
  await checkDialogs(page)
  for (const path of ['/users/alice', '/gateways/home-gw']) {
    await page.goto(path)
    await page.getByRole('button', { name: 'Edit policy' }).click()
    await assertForEverybody(page, `policy at ${path}`)
  }
  await page.goto('/pair/home-gw')
  await page.getByRole('button', { name: 'Make ticket' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  await assertForEverybody(page, 'ticket')
  browser.assertClean(desk.system.base)
  await browser.close()
})

test('what somebody calls a device is shown as it is', inBrowser, async () => {
  const { desk } = await furnish()
  const browser = await desk.logIn({ path: '/pnes' })
  for (const name of NAMES) await browser.page.getByText(name, { exact: true }).waitFor()
  await browser.page.goto('/flow?result=refused')
  // The title of a drawing holds it too, and is never visible.
  await browser.page.getByText('<svg onload=alert').filter({ visible: true }).first().waitFor()
  browser.assertClean(desk.system.base)
  await browser.close()
})

async function checkDialogs(page: Page): Promise<void> {
  const dialogs = [
    ['/users', 'Add user'],
    ['/gateways', 'Add gateway'],
    ['/tokens', 'Make token'],
    ['/users/alice', 'Remove'],
  ] as const
  for (const [path, button] of dialogs) {
    await page.goto(path)
    await page.getByRole('button', { name: button }).click()
    await page.getByRole('dialog').waitFor()
    await assertForEverybody(page, button)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
}

/** Elements that no page of ours has, or only with our own attributes. */
const STRANGERS = `[...document.querySelectorAll(
  'script:not([src^="/assets/"]), iframe, object, embed, main img, main bdi *, [onerror], [onload], [onclick], [style]'
)].map((one) => one.outerHTML)`

/** What does not fit into its frame. */
const SPILLS = `[...document.querySelectorAll('main, main .card, main .list, main table')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.className + ': ' + one.scrollWidth + ' px in ' + one.clientWidth)`

const WIDTHS = '[document.documentElement.scrollWidth, innerWidth]'

async function checkPage({ page }: Watched, path: string): Promise<void> {
  await page.goto(path)
  await page.locator('main h1').first().waitFor()
  await until(async () => (await page.locator('.waiting').count()) === 0, `${path} never has its data`)
  assert.deepEqual(await page.evaluate(STRANGERS), [], path)
  const [content = 0, screen = 0] = (await page.evaluate(WIDTHS)) as number[]
  assert.ok(content <= screen, `${path} is ${content} px wide`)
  assert.deepEqual(await page.evaluate(SPILLS), [], path)
  await assertForEverybody(page, path)
}

interface Finding {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

const ALL = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"
/** In the dark the page is the same but for its colours. */
const COLOURS = "['color-contrast', 'link-in-text-block']"

/** In light and in dark. axe-core is loaded past the policy, as a debugger may. */
async function assertForEverybody(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source)
  const passes = [
    ['light', ALL],
    ['dark', COLOURS],
  ] as const
  for (const [colorScheme, rules] of passes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const run = `axe.run(document, { runOnly: ${rules}, resultTypes: ['violations'] })`
    const { violations } = (await page.evaluate(run)) as { violations: Finding[] }
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
    )
    assert.deepEqual(found, [], `${what}, ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
}
