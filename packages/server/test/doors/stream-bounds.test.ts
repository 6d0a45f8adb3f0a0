// The stream of what goes on, without HTTP: what waits while a watcher is given what it missed, and what a failing store costs.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { EventStream } from '../../src/doors/admin/stream.ts'
import type { Batch, Watcher } from '../../src/live/broadcast.ts'
import { openAdmin } from './admin-door.ts'

const nothing: Batch = { authentications: [], unshown: 0, registrations: [], links: [], changes: [], seconds: [] }

/** A stream of scripted batches to one watcher. */
function openStream(
  t: TestContext,
  of: {
    since?: () => Promise<never[]>
    isAllowed?: () => Promise<boolean>
    isStuck?: boolean
    isViewer?: boolean
  } = {},
) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let watcher: Watcher | undefined
  const second = { local: { accepted: 0, refused: 0 }, remote: { accepted: 0, refused: 0 }, undecided: 0 }
  const live = {
    watch: (one: Watcher) => {
      watcher = one
      return () => {}
    },
    second: (at: number) => ({ at, ...second }),
  }
  const authentications = { since: of.since ?? (async () => []), show: async () => [] }
  const totals = { get: async () => ({ registered: 0, connected: 0 }) }
  const stream = new EventStream({ live, totals, authentications } as never)
  let text = ''
  const response = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      if (!of.isStuck) done()
    },
  })
  t.after(() => stream.close())
  const isAllowed = of.isAllowed ?? (async () => true)
  stream.add({
    token: 'ann',
    isViewer: of.isViewer ?? false,
    response,
    topics: new Set(['gateways', 'overview', 'authentications', 'changes']),
    isAllowed,
    after: of.since && 1,
  })
  const take = async (batch: Partial<Batch>) => watcher?.take({ ...nothing, ...batch })
  const told = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
  return { stream, response, take, told }
}

const link = (identity: string) => ({ links: [{ identity, connected: true, at: 0 }] })

test('what happens while a watcher is given what it missed comes after that, 500 events of it', async (t) => {
  const missed = Promise.withResolvers<never[]>()
  const { take, told } = openStream(t, { since: () => missed.promise })
  for (let n = 1; n <= 600; n++) await take(link(`gw-${n}`))
  assert.deepEqual(told(), [])
  missed.resolve([])
  await new Promise(setImmediate)
  const gateways = told().map(({ identity }) => identity)
  assert.deepEqual([gateways.length, gateways[0], gateways.at(-1)], [500, 'gw-1', 'gw-500'])
  await take(link('gw-601'))
  assert.equal(told().at(-1).identity, 'gw-601')
})

test('a watcher that cannot be given what it missed is cut off: it comes again', async (t) => {
  const { response } = openStream(t, { since: async () => Promise.reject(new Error('the store is busy')) })
  await new Promise(setImmediate)
  assert.ok(response.destroyed)
})

test('a store that cannot tell whether a token is good ends no stream; one that says it is not does', async (t) => {
  const answers = [() => Promise.reject(new Error('the store is busy')), async () => false]
  const { response } = openStream(t, { isAllowed: () => answers.shift()?.() ?? Promise.resolve(false) })
  t.mock.timers.tick(1000)
  await new Promise(setImmediate)
  assert.ok(!response.writableEnded)
  t.mock.timers.tick(1000)
  await new Promise(setImmediate)
  assert.ok(response.writableEnded)
})

test('a watcher that reads nothing any more is cut off when its token is no longer good, and nothing is written to it', async (t) => {
  const { stream, response, take } = openStream(t, { isAllowed: async () => false, isStuck: true })
  const errors: Error[] = []
  response.on('error', (error) => errors.push(error))
  t.mock.timers.tick(1000)
  await new Promise(setImmediate)
  await take(link('gw-1'))
  t.mock.timers.tick(15_000)
  await new Promise(setImmediate)
  assert.deepEqual(errors, [], 'an error that nobody hears would end the server')
  assert.deepEqual([response.destroyed, stream.watchers], [true, 0])
})

test('a stream that ends while a watcher is given what it missed writes nothing more', async (t) => {
  const missed = Promise.withResolvers<never[]>()
  const { stream, response, take } = openStream(t, { since: () => missed.promise })
  const errors: Error[] = []
  response.on('error', (error) => errors.push(error))
  for (const identity of ['gw-1', 'gw-2']) await take(link(identity))
  stream.close()
  missed.resolve([])
  await new Promise(setImmediate)
  assert.deepEqual(errors, [])
})

test('how many were not told is told once', async (t) => {
  const { take, told } = openStream(t)
  await take({ unshown: 3 })
  await take({ unshown: 4, seconds: [1] })
  await take({ unshown: 0, seconds: [2] })
  assert.deepEqual(
    told().map(({ unshown }) => unshown),
    [7, 0],
  )
})

test('gateways of our own protocol that have no link are disconnected', async (t) => {
  const { call, store } = await openAdmin(t)
  const { cpns, revoked } = (await store.counts()).gateways
  const { gateways } = (await call('GET', '/v1/overview')).body
  assert.deepEqual(gateways, { connected: 1, disconnected: cpns - 1, revoked })
})

test('a viewer is told what was changed, but not by whom, and of operators nothing', async (t) => {
  const { take, told } = openStream(t, { isViewer: true })
  const audit = { type: 'audit', id: 1, at: 0, actor: 'ann', role: 'admin', target: 'bob', outcome: 'done' } as const
  const rotation = { type: 'rotation', id: 2, at: 0, result: 'assigned', reason: null, pne: 'pne-1' } as const
  const operators = ['token.add', 'token.revoke', 'session.close'].map((action) => ({ ...audit, action }))
  const device = { ...rotation, gateway: null, user: null, ticket: null }
  await take({ changes: [...operators, { ...audit, action: 'user.add' }, device] })
  const at = new Date(0).toISOString()
  assert.deepEqual(told(), [
    { ...audit, action: 'user.add', actor: null, role: null, at },
    { ...device, at },
  ])
})

test('whoever may read the audit log is told who changed what', async (t) => {
  const { take, told } = openStream(t)
  const audit = { type: 'audit', id: 1, at: 0, actor: 'ann', role: 'admin', target: 'bob', outcome: 'done' } as const
  await take({ changes: [{ ...audit, action: 'token.add' }] })
  assert.deepEqual(told(), [{ ...audit, action: 'token.add', at: new Date(0).toISOString() }])
})
