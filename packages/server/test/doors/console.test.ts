import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { addConsole } from '../../src/doors/console.ts'

function openDoor(t: TestContext) {
  const app = Fastify()
  addConsole(app)
  t.after(() => app.close())
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, get }
}

/** The files that the page names. */
async function assetsOf(page: { body: string }): Promise<string[]> {
  return [...page.body.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
}

test('each page of the console gets the one document, which is asked for again each time', async (t) => {
  const { get } = openDoor(t)
  const page = await get('/')
  assert.equal(page.statusCode, 200)
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(page.headers['cache-control'], 'no-cache')
  for (const path of ['/flow', '/flow/123', '/pnes/pne-a?q=x', '/gateways/home-gw', '/audit', '/tokens']) {
    assert.equal((await get(path)).body, page.body, path)
  }
})

test('its files have names of their content, and may be kept for ever', async (t) => {
  const { get } = openDoor(t)
  const paths = await assetsOf(await get('/'))
  assert.equal(paths.length, 3)
  for (const path of paths) {
    const { statusCode, headers } = await get(path)
    assert.equal(statusCode, 200, path)
    assert.match(path, /-[A-Z0-9]{8}\.(js|css|svg)$/)
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
  }
})

test('what a page may do is told with each file: nothing from elsewhere, nothing inline, in no frame', async (t) => {
  const { get } = openDoor(t)
  const page = await get('/')
  for (const path of ['/', ...(await assetsOf(page))]) {
    const { headers } = await get(path)
    const policy = String(headers['content-security-policy']).split('; ')
    assert.ok(policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"), path)
    for (const what of ['script', 'style', 'img', 'connect', 'font']) assert.ok(policy.includes(`${what}-src 'self'`))
    assert.ok(!/unsafe|data:|blob:|https?:|\*/.test(policy.join()), policy.join())
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  }
  assert.ok(!/<style|<script(?![^>]* src=)|style=|\son[a-z]+=|https?:/i.test(page.body), page.body)
})

test('a file comes in the encoding that the browser takes, and is the same in each', async (t) => {
  const { get } = openDoor(t)
  const [path = ''] = (await assetsOf(await get('/'))).filter((one) => one.endsWith('.js'))
  const [plain, brotli, gzip] = await Promise.all([
    get(path),
    get(path, { 'accept-encoding': 'gzip, br;q=0.9' }),
    get(path, { 'accept-encoding': 'br;q=0, gzip' }),
  ])
  assert.deepEqual(
    [plain, brotli, gzip].map(({ headers }) => headers['content-encoding']),
    [undefined, 'br', 'gzip'],
  )
  assert.deepEqual(brotliDecompressSync(brotli.rawPayload), plain.rawPayload)
  assert.deepEqual(gunzipSync(gzip.rawPayload), plain.rawPayload)
  assert.ok([plain, brotli, gzip].every(({ headers }) => headers.vary === 'accept-encoding'))
  assert.ok((await get(path, { 'accept-encoding': 'zstd' })).headers['content-encoding'] === undefined)
})

test('what a browser has already is not sent again', async (t) => {
  const { get } = openDoor(t)
  const { headers } = await get('/')
  const etag = String(headers.etag)
  for (const given of [etag, `"other", ${etag}`, etag.replace('W/', ''), '*']) {
    const again = await get('/', { 'if-none-match': given })
    assert.deepEqual([again.statusCode, again.body, again.headers.etag], [304, '', etag], given)
  }
  assert.equal((await get('/', { 'if-none-match': '"other"' })).statusCode, 200)
})

test('what is none of its files is no page', async (t) => {
  const { get, app } = openDoor(t)
  for (const path of ['/assets/none.js', '/assets/', '/assets/..%2f..%2fpackage.json', '/assets/../src/index.ts']) {
    const { statusCode, body } = await get(path)
    assert.deepEqual([statusCode, body.includes('<!doctype html>')], [404, false], path)
  }
  for (const path of ['/v1/none', '/none', '/flowing', '/favicon.ico'])
    assert.equal((await get(path)).statusCode, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE'] as const) {
    assert.equal((await app.inject({ method, url: '/flow' })).statusCode, 404)
  }
})

test('the licences of what is bundled are there to be read', async (t) => {
  const { get } = openDoor(t)
  const { body, headers } = await get('/assets/licences.txt')
  for (const name of ['preact', '@preact/signals', 'uqr']) assert.ok(body.includes(`${name}\n`), name)
  assert.ok(body.includes('MIT License') && headers['content-type'] === 'text/plain; charset=utf-8')
})
