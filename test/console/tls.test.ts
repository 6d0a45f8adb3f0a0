// The console over TLS, beyond the loopback address: with a certificate that the operator made, a cookie that goes over nothing
// else, and tabs that share a stream.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { addressOf, freePort, ProcessTown } from '../end-to-end/town.ts'
import { makeCertificate, noOpenssl } from '../support/openssl.ts'
import { until } from '../support/until.ts'
import { inBrowser, noBrowser, Watched } from './support/browser.ts'
import { giveToken } from './support/operator.ts'

const options = { ...inBrowser, skip: noBrowser || noOpenssl }

/** A server on all addresses, and a gateway. The command line takes the certificate from the data folder. */
async function openTown(t: TestContext) {
  const town = await ProcessTown.open()
  t.after(() => town.close())
  const [cert, key, port] = [town.path('cert.pem'), town.path('key.pem'), await freePort()]
  makeCertificate(cert, key, 'DNS:localhost,IP:127.0.0.1')
  const where = ['--listen', '127.0.0.1:0', '--admin', `0.0.0.0:${port}`]
  const tls = ['--admin-tls-cert', cert, '--admin-tls-key', key]
  const server = await town.machine.start('server', 'run', '--data', town.path('server'), ...where, ...tls)
  await town.addUser()
  await town.addGateway('home-gw')
  await town.startGateway('home-gw', addressOf(server, 'cpns'))
  const { token } = await town.run(
    'admin',
    'token',
    'add',
    'carol',
    '--role',
    'operator',
    '--data',
    town.path('server'),
  )
  const base = `https://127.0.0.1:${port}`
  return { town, base, port, token: String(token) }
}

test('over TLS the console works as it does without, and its cookie goes over nothing else', options, async (t) => {
  const { town, base, port, token } = await openTown(t)
  const browser = await Watched.open(base, { ignoreHTTPSErrors: true })
  t.after(() => browser.close())
  const { page } = browser
  await page.goto('/pair/home-gw')
  await giveToken(page, token)
  await page.locator('.stream.live').waitFor()
  const [cookie] = await page.context().cookies()
  assert.deepEqual([cookie?.secure, cookie?.httpOnly, cookie?.sameSite], [true, true, 'Strict'])

  const other = await page.context().newPage()
  await other.goto('/')
  await other.locator('.stream.live').waitFor()
  await page.getByRole('button', { name: 'Make ticket' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  const uri = await page.locator('.copy code').first().textContent()
  await town.run('pne', 'pair', uri ?? '', '--credential', town.path('watch.json'))
  await page.getByText(/is paired\./).waitFor()
  await until(async () => (await other.locator('.tile b').allTextContents())[2] === '1', 'the other tab is not told')

  await page.getByRole('button', { name: 'Log out' }).click()
  for (const tab of [page, other]) await tab.getByRole('heading', { name: 'Log in' }).waitFor()
  assert.equal((await page.request.get('/metrics')).status(), 401, 'beyond the loopback address it needs a token')
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'there is nothing without TLS')
  browser.assertClean(base)
})
