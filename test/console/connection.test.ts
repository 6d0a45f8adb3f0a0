// When the server goes away and comes back, and when a session ends: the page says so, and goes on where it was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/until.ts'
import { inBrowser } from './support/browser.ts'
import { Desk, giveToken } from './support/operator.ts'

test('the stream comes back after a restart of the server, and the page says both', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  await desk.system.pair('watch', 'home-gw', 'watch.json')
  const browser = await desk.logIn({ path: '/flow' })
  const { page } = browser
  await page.locator('.stream.live').waitFor()
  await desk.system.stopServer()
  await page.getByText('The connection with the server is lost. Next attempt in').waitFor()
  assert.equal(await page.locator('.stream').textContent(), 'not live')
  await desk.system.startServer()
  await page.locator('.stream.live').waitFor()
  assert.equal(await page.getByText('The connection with the server is lost').count(), 0)
  assert.equal((await desk.system.connect('watch.json', 'home-gw')).code, 0)
  await page.getByRole('link', { name: /watch at home-gw/ }).waitFor()
  assert.equal(await page.getByRole('heading', { name: 'Log in' }).count(), 0, 'the session outlives the restart')
  browser.assertClean(desk.system.base)
})

test('what a page asked for in vain can be asked for again', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.logIn()
  await page.locator('.stream.live').waitFor()
  await desk.system.stopServer()
  await page.getByRole('link', { name: 'Users' }).click()
  await page.getByText('The server does not answer').waitFor()
  await desk.system.startServer()
  await page.getByRole('link', { name: 'alice' }).waitFor()
})

test('what happens between the first look and the first word of the stream is shown', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  await desk.system.pair('watch', 'home-gw', 'watch.json')
  const { page } = await desk.logIn()
  const first = Promise.withResolvers<void>()
  await page.route('**/v1/stream', async (route) => {
    await first.promise
    await route.continue()
  })
  await page.goto('/flow')
  await page.getByText('Nothing has been authenticated yet').waitFor()
  assert.equal((await desk.system.connect('watch.json', 'home-gw')).code, 0)
  await until(async () => (await desk.system.get('/v1/authentications')).items.length === 1)
  await page.getByRole('link', { name: 'Users' }).click()
  await page.getByRole('link', { name: 'alice' }).waitFor()
  assert.equal((await desk.system.ask('POST', '/v1/users', { name: 'bob' })).status, 201)
  first.resolve()
  await page.getByRole('link', { name: 'bob' }).waitFor()
})

test('a session that is lost leads to the log-in, and from there back', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const token = await desk.system.makeToken('carol', 'operator')
  const browser = await desk.logIn({ token, path: '/users/alice' })
  const { page } = browser
  await page.getByRole('heading', { name: 'alice' }).waitFor()
  const { items } = await desk.system.get('/v1/tokens')
  const { id } = items.find(({ name }: { name: string }) => name === 'carol')
  assert.equal((await desk.system.ask('DELETE', `/v1/tokens/${id}`)).status, 200)
  await page.getByText('Your session has ended').waitFor()
  await page.locator('input[type=password]').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').getByText('TOKEN_REQUIRED').waitFor()
  await giveToken(page, await desk.system.token())
  await page.getByRole('heading', { name: 'alice' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/users/alice')
  browser.assertClean(desk.system.base)
})

test('who logs out is out', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.logIn()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  // The stream may have ended before the answer came.
  await page.getByText('Your session has ended').waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  assert.equal(await page.evaluate("fetch('/v1/users').then(({ status }) => status)"), 401)
})

/** All that are allowed, at once: within a minute on any machine. */
const GUESS = `Promise.all(Array.from({ length: 10 }, (_, at) =>
  fetch('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: 'guess-' + at }),
  }).then(({ status }) => status),
))`

test('whoever guesses is slowed down, and told for how long', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.browse()
  await page.goto('/')
  const statuses = await page.evaluate(GUESS)
  assert.deepEqual(statuses, new Array(10).fill(401))
  await page.locator('input[type=password]').fill('guess')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').getByText('TOO_MANY_ATTEMPTS').waitFor()
})
