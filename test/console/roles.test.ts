// A viewer sees, and can change nothing: the page does not offer it, and the API refuses it. An operator acts on devices only.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { inBrowser } from './support/browser.ts'
import { Desk } from './support/operator.ts'

const VERBS = /\b(add|make|pair|revoke|rotate|remove|edit|retire|new 1st seed|save)\b/i

/** Names of all links and buttons of the page that are for changing something. */
async function offers(page: Page, path: string): Promise<string[]> {
  await page.goto(path)
  await page.locator('main h1').waitFor()
  await until(async () => (await page.locator('.waiting').count()) === 0)
  const names = await page.locator('main :is(button, a.button)').allTextContents()
  return names.filter((name) => VERBS.test(name)).sort()
}

/** A request with the cookie of this browser, as a script of the page would send it. */
function send(page: Page, method: string, path: string, body: object = {}): Promise<unknown> {
  const init = `{ method: '${method}', headers: { 'x-opencpns-console': '1', 'content-type': 'application/json' }, body: '${JSON.stringify(body)}' }`
  return page.evaluate(
    `fetch('${path}', ${init}).then(async (response) => [response.status, (await response.json()).code])`,
  )
}

test('roles', inBrowser, async (t) => {
  const desk = await Desk.open(t, 'home-gw')
  const id = await desk.system.pair('watch', 'home-gw', 'watch.json')
  const paths = [
    '/',
    '/flow',
    '/pnes',
    `/pnes/${id}`,
    '/gateways',
    '/gateways/home-gw',
    '/users',
    '/users/alice',
    '/networks',
    '/pair/home-gw',
    '/audit',
    '/tokens',
  ]
  const changes = [
    ['POST', '/v1/users', { name: 'mallory' }],
    ['PATCH', '/v1/users/alice', { policy: { roaming: 'none' } }],
    ['DELETE', '/v1/users/alice'],
    ['POST', '/v1/users/alice/rotate'],
    ['POST', '/v1/gateways', { name: 'rogue', user: 'alice' }],
    ['PATCH', '/v1/gateways/home-gw', { visitors: false }],
    ['POST', '/v1/gateways/home-gw/revoke'],
    ['POST', '/v1/gateways/home-gw/tickets', { name: 'camera' }],
    ['POST', `/v1/pnes/${id}/revoke`],
    ['POST', `/v1/pnes/${id}/rotate`],
    ['POST', '/v1/tokens', { name: 'more', role: 'admin' }],
  ] as const

  await t.test('a viewer is offered nothing, and refused everything', async () => {
    const { page } = await desk.logIn({ token: await desk.system.makeToken('eve', 'viewer') })
    for (const path of paths) assert.deepEqual(await offers(page, path), [], path)
    const places = await page.getByRole('navigation', { name: 'Console' }).getByRole('link').allTextContents()
    assert.deepEqual(places, ['Overview', 'Flow', 'PNEs', 'Gateways', 'Users', 'Personal networks'])
    for (const [method, path, body] of changes) {
      assert.deepEqual(await send(page, method, path, body), [403, 'ROLE_INSUFFICIENT'], path)
    }
    assert.equal((await desk.system.get(`/v1/pnes/${id}`)).state, 'active')
  })

  await t.test('an operator is offered what is about devices and policies, and no more', async () => {
    const { page } = await desk.logIn({ token: await desk.system.makeToken('oscar', 'operator') })
    assert.deepEqual(await offers(page, `/pnes/${id}`), ['Revoke', 'Rotate key'])
    assert.deepEqual(await offers(page, '/users/alice'), ['Edit policy'])
    assert.deepEqual(await offers(page, '/users'), [])
    assert.deepEqual(await offers(page, '/gateways'), [])
    assert.deepEqual(await offers(page, '/tokens'), [])
    for (const [method, path, body] of changes.filter(([, path]) => /\/v1\/(users$|gateways$|tokens$)/.test(path))) {
      assert.deepEqual(await send(page, method, path, body), [403, 'ROLE_INSUFFICIENT'], path)
    }
  })

  await t.test('another page cannot make this browser change anything', async () => {
    const { page } = await desk.logIn()
    const forged = `fetch('/v1/pnes/${id}/revoke', { method: 'POST' }).then(async (response) => [response.status, (await response.json()).code])`
    assert.deepEqual(await page.evaluate(forged), [403, 'CONSOLE_HEADER_REQUIRED'])
    assert.equal((await desk.system.get(`/v1/pnes/${id}`)).state, 'active')
  })
})
