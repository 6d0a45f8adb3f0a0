// Several tabs of one browser: they share one stream, for a browser gives a host six connections, and one session.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { inBrowser, type Watched } from './support/browser.ts'
import { Desk, giveToken } from './support/operator.ts'

/** More than a browser has connections to one host. */
const TABS = 7

/** Tabs beside the first, which is logged in and has the stream; all live. */
async function openTabs({ page }: Watched, count: number, path = '/flow'): Promise<Page[]> {
  await page.locator('.stream.live').waitFor()
  const tabs = await Promise.all(Array.from({ length: count - 1 }, () => page.context().newPage()))
  for (const tab of tabs) await tab.goto(path)
  for (const tab of [page, ...tabs]) await tab.locator('.stream.live').waitFor()
  return tabs
}

/** A browser that is logged in, with two tabs. */
async function openTwo(desk: Desk): Promise<{ browser: Watched; page: Page; other: Page }> {
  const browser = await desk.logIn({ path: '/users' })
  const [other = assert.fail()] = await openTabs(browser, 2, '/users')
  return { browser, page: browser.page, other }
}

const isLive = async (tab: Page) => (await tab.locator('.stream.live').count()) === 1

test(`${TABS} tabs have one stream, and when the tab that has it is closed another goes on`, inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  await desk.system.pair('watch', 'home-gw', 'watch.json')
  const browser = await desk.logIn({ path: '/flow' })
  const streams = new Set<Page>()
  browser.page.context().on('request', (request) => {
    if (request.url().includes('/v1/stream')) streams.add(request.frame().page())
  })
  await browser.page.reload()
  const tabs = await openTabs(browser, TABS)
  assert.deepEqual([...streams], [browser.page])
  const arrived = (tab: Page, count: number) =>
    until(async () => (await tab.getByRole('link', { name: /watch at home-gw/ }).count()) === count, 'it is not told')
  assert.equal((await desk.system.connect('watch.json', 'home-gw')).code, 0)
  for (const tab of [browser.page, ...tabs]) await arrived(tab, 1)
  await browser.page.close()
  await until(() => streams.size === 2, 'no other tab has a stream')
  for (const tab of tabs) await until(() => isLive(tab))
  assert.equal((await desk.system.connect('watch.json', 'home-gw')).code, 0)
  for (const tab of tabs) await arrived(tab, 2)
  assert.equal(streams.size, 2)
  browser.assertClean(desk.system.base)
})

test('all tabs say that the server is away, and each of them can have it tried again at once', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const browser = await desk.logIn({ path: '/users' })
  const { page } = browser
  await page.clock.install()
  await page.reload()
  const [other] = await openTabs(browser, 2, '/gateways')
  if (!other) throw new Error('no other tab')
  await desk.system.stopServer()
  const lost = (tab: Page) => tab.getByText('The connection with the server is lost. Next')
  for (const tab of [page, other]) await lost(tab).waitFor()
  // The tab that has the stream waits from here on until it is asked: its pauses do not end. The attempt for which this was the
  // time has failed, for it says when the next one would be.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 10_000)
  await page.getByText(/Next attempt in [1-9]\d* s\./).waitFor()
  await desk.system.startServer()
  for (const tab of [page, other]) assert.equal(await lost(tab).count(), 1)
  await other.getByRole('button', { name: 'Try now' }).click()
  for (const tab of [page, other]) await tab.locator('.stream.live').waitFor()
})

test(
  'who logs out in one tab is out in all, and who logs in is in; a copy of the old cookie is good for nothing',
  inBrowser,
  async (t) => {
    const desk = await Desk.open(t)
    const { browser, page, other } = await openTwo(desk)
    const [copy] = await page.context().cookies()
    const status = async () =>
      (await fetch(`${desk.system.base}/v1/users`, { headers: { cookie: `${copy?.name}=${copy?.value}` } })).status
    assert.equal(await status(), 200)
    await page.getByRole('button', { name: 'Log out' }).click()
    for (const tab of [page, other]) await tab.getByRole('heading', { name: 'Log in' }).waitFor()
    for (const tab of [page, other]) await tab.getByText('Your session has ended').waitFor({ state: 'detached' })
    assert.equal(await status(), 401)
    await giveToken(other, await desk.system.makeToken('carol', 'operator'))
    await page.getByText('carol, operator').waitFor()
    await page.locator('.stream.live').waitFor()
    assert.equal(new URL(page.url()).pathname, '/users')
    browser.assertClean(desk.system.base)
  },
)

test(
  'tabs that lose the session before they hear of the log-out say of it that it was lost only until then',
  inBrowser,
  async (t) => {
    const desk = await Desk.open(t)
    const { page, other } = await openTwo(desk)
    const answered = Promise.withResolvers<void>()
    await page.route('**/v1/session', async (route) => {
      const response = await route.fetch()
      await answered.promise
      await route.fulfill({ response })
    })
    await page.getByRole('button', { name: 'Log out' }).click()
    const ended = (tab: Page) => tab.getByText('Your session has ended')
    for (const tab of [page, other]) await ended(tab).waitFor()
    answered.resolve()
    for (const tab of [page, other]) await ended(tab).waitFor({ state: 'detached' })
  },
)
