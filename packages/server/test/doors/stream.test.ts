// The stream of what goes on: what each topic tells, resuming, and whoever does not read, is too many, or may no longer watch.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { until } from '../../../../test/support/until.ts'
import { createAdminDoor } from '../../src/doors/admin/door.ts'
import { EventStream, type Topic } from '../../src/doors/admin/stream.ts'
import type { NewEvent } from '../../src/events.ts'
import { openLive } from '../../src/live/open.ts'
import { Totals } from '../../src/live/totals.ts'
import { Registry } from '../../src/registry.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Vault } from '../../src/vault.ts'
import { furnish, GATEWAY } from '../store/furnish.ts'

const token = randomBytes(32).toString('base64url')

/** A door over a store with two users and a gateway each, and what comes in at it. */
async function openDoor(t: TestContext) {
  const store = openSqlite(':memory:')
  await furnish(store)
  const seen = await openLive({ store, logger: silent, now: Date.now })
  const registry = new Registry({
    store,
    vault: new Vault(Buffer.alloc(32, 1)),
    realm: 'example.org',
    events: seen.events,
  })
  const gateways = { count: 1, connectedSince: () => undefined, makeTicket: never, askToRotate: never }
  const watch = { ...seen, totals: new Totals(store, async () => 1), gateways }
  const door = createAdminDoor({ registry, events: seen.events, watch, token })
  const { url } = await door.listen()
  const open: ClientRequest[] = []
  t.after(async () => {
    for (const request of open) request.destroy()
    await door.close()
    await seen.events.close()
    await store.close()
  })
  const stream = async (query = '', headers: Record<string, string> = {}) => {
    const all = { authorization: `Bearer ${token}`, ...headers }
    const request = get(`${url}/v1/stream${query}`, { headers: all, agent: false })
    open.push(request.on('error', () => {}))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return new Stream(request, response)
  }
  return { ...seen, registry, door, watch, store, stream }
}

function never(): never {
  throw new Error('nobody asks for this')
}

interface Told {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, whose shape is what the test is about
  readonly data: any
}

/** The reading end. */
class Stream {
  readonly request: ClientRequest
  readonly response: IncomingMessage
  text = ''
  isOver = false

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.request = request
    this.response = response
    response.setEncoding('utf8').on('data', (text) => {
      this.text += text
    })
    response.on('close', () => {
      this.isOver = true
    })
    response.on('error', () => {})
  }

  get told(): Told[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n\n') + 2)
    const blocks = whole.split('\n\n').filter((block) => block.includes('event: '))
    return blocks.map((block) => {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)))
      return { id: fields['id'], event: fields['event'], data: JSON.parse(fields['data']) }
    })
  }

  of(event: string): Told[] {
    return this.told.filter((told) => told.event === event)
  }
}

function authentication(changes: Partial<NewEvent> = {}): NewEvent {
  return {
    type: 'authentication',
    result: 'accepted',
    case: 'remote',
    gateway: GATEWAY,
    ms: 1,
    steps: [4, 10, 5, 20],
    ...changes,
  }
}

test('each topic tells its own events, and nobody hears of what was not asked for', async (t) => {
  const { stream, events, live } = await openDoor(t)
  const all = await stream()
  const few = await stream('?topics=gateways,changes')
  assert.deepEqual([all.response.statusCode, all.response.headers['content-type']], [200, 'text/event-stream'])
  assert.equal(all.response.headers['cache-control'], 'no-store')
  events.record(authentication())
  events.record({ type: 'registration', result: 'began', gateway: GATEWAY, pneId: 'pne-1' })
  events.record({ type: 'link', result: 'connected', gateway: GATEWAY })
  events.record({ type: 'rotation', result: 'assigned', gateway: GATEWAY, pneId: 'pne-1', user: 'alice' })
  const audit = {
    id: 7,
    at: Date.now(),
    actor: 'ann',
    role: 'admin',
    action: 'user.add',
    target: 'bob',
    outcome: 'done',
  } as const
  live.audited({ ...audit, facts: null, from: '127.0.0.1' })
  await until(() =>
    ['authentication', 'registration', 'gateway', 'overview'].every((event) => all.of(event).length > 0),
  )
  await until(() => all.of('change').length === 2 && few.of('change').length === 2 && few.of('gateway').length === 1)
  assert.deepEqual(new Set(few.told.map(({ event }) => event)), new Set(['gateway', 'change']))
  const [registration] = all.of('registration')
  assert.deepEqual(registration?.data, { pne: 'pne-1', name: null, gateway: GATEWAY, kind: 'began', registered: 0 })
  const { at, ...gateway } = all.of('gateway')[0]?.data ?? {}
  assert.deepEqual([gateway, Number.isNaN(Date.parse(at))], [{ identity: GATEWAY, connected: true }, false])
  const types = all.of('change').map(({ data }) => [data.type, data.action ?? data.result])
  assert.deepEqual(types.sort(), [
    ['audit', 'user.add'],
    ['rotation', 'assigned'],
  ])
  const [second] = all.of('overview')
  const fields = ['at', 'connected', 'local', 'registered', 'remote', 'undecided', 'unshown']
  assert.deepEqual(Object.keys(second?.data).sort(), fields)
})

test('a stream that broke goes on after the last event that came', async (t) => {
  const { stream, events } = await openDoor(t)
  const first = await stream('?topics=authentications')
  events.record(authentication())
  await until(() => first.of('authentication').length === 1)
  const [last] = first.told
  first.request.destroy()
  for (let missed = 0; missed < 3; missed++) events.record(authentication({ pneId: `missed-${missed}` }))
  await events.flush()
  const second = await stream('?topics=authentications', { 'last-event-id': last?.id ?? '' })
  await until(() => second.told.length >= 3)
  // What was told to the first meanwhile may come to the second, too: by its id it is known as the same.
  const ids = new Set(second.told.map(({ id }) => id))
  assert.deepEqual([...new Set(second.told.map(({ data }) => data.pne))], ['missed-0', 'missed-1', 'missed-2'])
  assert.equal(ids.size, 3)
  events.record(authentication({ pneId: 'later' }))
  await until(() => second.told.at(-1)?.data.pne === 'later')
})

test('of more than 500 that were missed the newest come', async (t) => {
  const { stream, events } = await openDoor(t)
  for (let missed = 0; missed < 600; missed++) events.record(authentication({ pneId: `missed-${missed}` }))
  await events.flush()
  const resumed = await stream('?topics=authentications', { 'last-event-id': '1' })
  await until(() => resumed.told.length >= 500)
  assert.deepEqual([resumed.told[0]?.data.pne, resumed.told.length], ['missed-100', 500])
})

test('a last event that is none of ours begins now; one that is too long is refused', async (t) => {
  const { stream, events } = await openDoor(t)
  events.record(authentication({ pneId: 'before' }))
  await events.flush()
  for (const id of ['x', '-1', '0', '99999999999999999999']) {
    const begun = await stream('?topics=authentications', { 'last-event-id': id })
    events.record(authentication({ pneId: 'now' }))
    await until(() => begun.told.length > 0)
    assert.equal(begun.told[0]?.data.pne, 'now', id)
    begun.request.destroy()
  }
  const refused = await stream('', { 'last-event-id': 'x'.repeat(65) })
  assert.equal(refused.response.statusCode, 400)
})

test('what is no list of topics is refused', async (t) => {
  const { stream } = await openDoor(t)
  for (const query of ['?topics=', '?topics=all', '?topics=gateways,', '?topics=gateways&topics=changes', '?x=1']) {
    const { response } = await stream(query)
    assert.deepEqual(
      [response.statusCode, response.headers['content-type']],
      [400, 'application/problem+json; charset=utf-8'],
    )
  }
})

test('without a token there is no stream', async (t) => {
  const { stream } = await openDoor(t)
  const { response } = await stream('', { authorization: 'Bearer wrong' })
  assert.equal(response.statusCode, 401)
})

test('64 watch with one token and 200 in all, one more is refused, and there is room again when one leaves', async (t) => {
  const { stream, registry } = await openDoor(t)
  const by = async (name: string) => {
    const { token } = await registry.operators.tokens.add({ name, role: 'viewer', by: 'local' })
    return { authorization: `Bearer ${token}` }
  }
  const [ann, bob, eve] = [await by('ann'), await by('bob'), await by('eve')]
  const open = (count: number, headers?: Record<string, string>) =>
    Promise.all(Array.from({ length: count }, () => stream('', headers)))
  const refusal = async (headers?: Record<string, string>) => {
    const one = await stream('', headers)
    await until(() => one.isOver)
    return [one.response.statusCode, JSON.parse(one.text).code]
  }
  const isOpenAgain = async (headers?: Record<string, string>) => {
    const again = await stream('', headers)
    if (again.response.statusCode !== 200) again.request.destroy()
    return again.response.statusCode === 200
  }
  const own = await open(64)
  assert.deepEqual(await refusal(), [429, 'TOO_MANY_STREAMS'])
  const others = [...(await open(64, ann)), ...(await open(64, bob)), ...(await open(8, eve))]
  assert.deepEqual(new Set([...own, ...others].map(({ response }) => response.statusCode)), new Set([200]))
  assert.deepEqual(await refusal(eve), [503, 'TOO_MANY_WATCHERS'])
  own[0]?.request.destroy()
  await until(() => isOpenAgain(eve))
  own[1]?.request.destroy()
  await until(() => isOpenAgain())
})

test('all streams end, in good order, when the server stops', async (t) => {
  const { stream, door } = await openDoor(t)
  const all = await Promise.all([stream(), stream()])
  await door.close()
  await until(() => all.every(({ isOver }) => isOver))
  assert.deepEqual(
    all.map(({ response }) => response.complete),
    [true, true],
  )
})

/** A connection whose other end reads nothing, or as fast as it can. */
class Connection extends Writable {
  octets = 0
  readonly #reads: boolean

  constructor(reads: boolean) {
    super({ highWaterMark: 16_384 })
    this.#reads = reads
    this.on('error', () => {})
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.octets += chunk.length
    if (this.#reads) done()
  }
}

test('whoever does not read is cut off at a bound, and the others go on', async (t) => {
  const { events, watch } = await openDoor(t)
  const stream = new EventStream(watch)
  t.after(() => stream.close())
  const [slow, quick] = [new Connection(false), new Connection(true)]
  const of = {
    token: 'ann',
    isViewer: false,
    topics: new Set<Topic>(['changes']),
    isAllowed: () => true,
    after: undefined,
  }
  stream.add({ ...of, response: slow })
  stream.add({ ...of, response: quick })
  const change = { type: 'rotation', result: 'refused', reason: 'X'.repeat(20_000), gateway: GATEWAY } as const
  let most = 0
  await until(() => {
    for (let at = 0; at < 5; at++) events.record(change)
    most = Math.max(most, slow.writableLength)
    return slow.destroyed
  })
  assert.ok(most < 1.5 * 1024 * 1024, `${most} octets were held`)
  const before = quick.octets
  events.record(change)
  await until(() => quick.octets > before)
  assert.equal(stream.watchers, 1)
})

test('a stream ends when its token is no longer good', async (t) => {
  const { watch } = await openDoor(t)
  const stream = new EventStream(watch)
  t.after(() => stream.close())
  const [revoked, other] = [new Connection(true), new Connection(true)]
  let isGood = true
  const topics = new Set<Topic>(['overview'])
  stream.add({
    token: 'ann',
    isViewer: false,
    topics,
    response: revoked,
    isAllowed: async () => isGood,
    after: undefined,
  })
  stream.add({ token: 'bob', isViewer: true, topics, response: other, isAllowed: () => true, after: undefined })
  isGood = false
  await until(() => revoked.writableEnded)
  assert.deepEqual([stream.watchers, other.writableEnded], [1, false])
})

test('a store that fails costs what could not be told, not the stream', async (t) => {
  const { stream, events, watch } = await openDoor(t)
  const watching = await stream('?topics=registrations,gateways')
  const failing = t.mock.method(watch.totals, 'get', () => Promise.reject(new Error('the disk is gone')))
  events.record({ type: 'registration', result: 'began', gateway: GATEWAY, pneId: 'lost' })
  await until(() => failing.mock.callCount() > 0)
  failing.mock.restore()
  events.record({ type: 'link', result: 'connected', gateway: GATEWAY })
  await until(() => watching.of('gateway').length === 1)
  assert.equal(watching.isOver, false)
})
