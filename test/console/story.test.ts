// The story of an operator at the console, with real processes: a device is paired by the URI of the page, comes in at home and
// elsewhere, is revoked, and is refused with the reason in words. Afterwards the token stands nowhere.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/until.ts'
import { inBrowser, type Watched } from './support/browser.ts'
import { Desk, giveToken } from './support/operator.ts'

test('a device from its ticket to its revocation, all in sight', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw', 'hotel-gw')
  const browser = await desk.browse({ permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = browser
  const token = await desk.system.token()

  await page.goto('/pair')
  assert.equal(await page.title(), 'OpenCPNS')
  await giveToken(page, token)
  assert.equal(new URL(page.url()).pathname, '/pair', 'after the log-in one is where one wanted to be')

  await page.getByRole('link', { name: 'home-gw' }).click()
  await page.getByRole('textbox', { name: 'Name of the device' }).fill('watch')
  await page.getByRole('button', { name: 'Make ticket' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  await page.getByRole('button', { name: 'Copy the URI' }).click()
  await browser.hears('Copied')
  const uri = String(await page.evaluate('navigator.clipboard.readText()'))
  assert.match(uri, /^cpns:127\.0\.0\.1:\d+\?/)
  assert.match((await page.getByRole('timer').textContent()) ?? '', /^(10:00|9:\d\d)$/)

  await desk.system.town.run('pne', 'pair', uri, '--credential', desk.system.town.path('watch.json'))
  await page.getByText('watch is paired.').waitFor()
  assert.equal(await page.getByRole('img', { name: /QR code/ }).count(), 0, 'a used ticket is shown no longer')

  await page.getByRole('link', { name: 'Flow' }).click()
  await page.getByText('Nothing has been authenticated yet').waitFor()
  for (const [gateway, theCase] of [
    ['home-gw', 'local'],
    ['hotel-gw', 'remote'],
  ] as const) {
    assert.equal((await desk.system.connect('watch.json', gateway)).code, 0)
    const entry = page.getByRole('link', { name: new RegExp(`watch at ${gateway}.*${theCase}, accepted`, 's') })
    await entry.waitFor()
    await page
      .getByRole('img', { name: new RegExp(`of watch at ${gateway}: ${theCase} case, accepted in .* m?s`) })
      .waitFor()
    await page.locator('svg .end.secured').waitFor()
  }
  // What the server tells of its part may come after it has begun to play.
  const done = page.locator('svg .step.done .ms')
  await until(async () => (await done.count()) === 8, 'not all eight steps have happened')
  const steps = await done.allTextContents()
  assert.ok(
    steps.every((ms) => /^(<0\.1|[\d.]+) m?s$/.test(ms)),
    steps.join(),
  )
  assert.deepEqual(await page.locator('svg .step .key').allTextContents(), ['EUKey', 'transient key', 'transient key'])

  await page.getByRole('link', { name: 'PNEs', exact: true }).click()
  await page.getByRole('link', { name: 'watch' }).click()
  await page.getByRole('button', { name: 'Revoke' }).click()
  const dialog = page.getByRole('dialog', { name: 'Revoke watch?' })
  assert.match((await dialog.textContent()) ?? '', /cannot be undone.*no gateway lets it in again/)
  await dialog.getByRole('button', { name: 'Revoke for ever' }).click()
  await browser.hears('watch was revoked.')
  await page.locator('dd').getByText('revoked', { exact: true }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Revoke' }).count(), 0, 'what is revoked cannot be revoked again')

  await until(async () => (await desk.system.connect('watch.json', 'hotel-gw')).code !== 0)
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('link', { name: 'The device was revoked' }).first().click()
  await page.getByRole('img', { name: /of watch at hotel-gw: remote case, refused at step [45]/ }).waitFor()
  await page.locator('svg .end.refused').waitFor()
  await page
    .locator('.why')
    .getByText(/The device was revoked.*PNE_REVOKED/)
    .waitFor()
  assert.match(page.url(), /\/flow\/\d+$/)

  browser.assertClean(desk.system.base)
  await assertUntold(desk, browser, token)
})

/** All that a page may keep. */
const KEPT =
  'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, document.documentElement.outerHTML])'

/** The token is in no URL, no storage, no page, and nothing that a process has printed. */
async function assertUntold(desk: Desk, { page, urls }: Watched, token: string) {
  assert.ok(urls.length > 20 && urls.every((url) => !url.includes(token)))
  const kept = String(await page.evaluate(KEPT))
  assert.ok(!kept.includes(token))
  const said = Buffer.concat(desk.system.town.machine.said.map(({ octets }) => octets)).toString()
  assert.ok(said.length > 500 && !said.includes(token))
  const cookies = await page.context().cookies()
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
    [{ name: 'opencpns_session', httpOnly: true, sameSite: 'Strict', path: '/' }],
  )
  assert.ok(!cookies[0]?.value.includes(token) && !said.includes(cookies[0]?.value ?? ''))
}
