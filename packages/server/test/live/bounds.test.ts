// What is remembered of what goes on: how much of it, and for how long.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Broadcast } from '../../src/live/broadcast.ts'
import { Devices } from '../../src/live/devices.ts'
import { Exchange } from '../../src/live/exchange.ts'
import { Live } from '../../src/live/live.ts'
import type { LiveMessage } from '../../src/live/messages.ts'
import { Recent } from '../../src/live/recent.ts'
import { Refusals } from '../../src/live/refusals.ts'
import { Tickets } from '../../src/live/tickets.ts'
import { Allowances } from '../../src/live/told.ts'
import { view } from '../../src/live/view.ts'
import type { EventRow } from '../../src/store/contract.ts'
import { newEvent } from '../store/furnish.ts'

const GATEWAY = 'home@example.org'

function row(id: number, changes: Partial<EventRow> = {}): EventRow {
  return {
    ...newEvent({ type: 'authentication', result: 'accepted', gateway: GATEWAY, session: `s${id}` }),
    id,
    ...changes,
  }
}

test('of refusals the newest 20 are remembered, whichever came before', () => {
  const refusals = new Refusals()
  for (let id = 1; id <= 1000; id++) {
    refusals.add(row(id, { result: 'refused' }))
    assert.ok(refusals.last().length <= 20)
  }
  assert.deepEqual(
    refusals.last().map(({ id }) => id),
    Array.from({ length: 20 }, (_, at) => 1000 - at),
  )
})

test('of one session four lines are remembered, of all sessions the newest 4,096', () => {
  const recent = new Recent()
  recent.add(row(1))
  for (let id = 2; id <= 4; id++) recent.add(row(id, { session: 's1', type: 'report', facts: null }))
  recent.add(row(5, { session: 's1', result: 'refused' }))
  assert.equal(recent.tell(row(1))?.server?.result, 'accepted', 'a fifth line says nothing more')
  for (let id = 10; id < 10 + 4095; id++) recent.add(row(id))
  assert.ok(recent.isTold(row(1)))
  recent.add(row(9999))
  assert.ok(!recent.isTold(row(1)))
})

test('a device is asked about anew after five seconds, and at once when it has changed', async () => {
  const clock = { ms: 0 }
  let name = 'Lamp'
  const devices = new Devices(
    { findPne: async () => ({ name, user: 'alice', gateway: GATEWAY }) as never },
    () => clock.ms,
  )
  assert.equal((await devices.find('pne-1'))?.name, 'Lamp')
  name = 'Fan'
  clock.ms = 4999
  assert.equal((await devices.find('pne-1'))?.name, 'Lamp')
  clock.ms = 5000
  assert.equal((await devices.find('pne-1'))?.name, 'Fan')
  name = 'Radio'
  devices.forget('pne-1')
  assert.equal((await devices.find('pne-1'))?.name, 'Radio')
})

test('a thousand gateways together fill the log no faster than its bound, and a clock that goes back takes nothing', () => {
  const allowances = new Allowances()
  let allowed = 0
  for (let n = 0; n < 1000; n++) allowed += allowances.take(`gw-${n}`, 128, 1_000_000)
  assert.equal(allowed, 1000)
  assert.equal(allowances.take('late', 128, 1_000_100), 50)
  assert.equal(allowances.take('late', 128, 900_000), 0)
  assert.equal(allowances.take('late', 10, 900_100), 10)
})

test('a gateway that ends its link and comes again is allowed no more than before', async () => {
  const live = new Live({ store: { findPne: async () => undefined }, now: () => 1_000_000 })
  const recorded: unknown[] = []
  live.recordInto({ record: (event: unknown) => recorded.push(event) } as never)
  const told = { sessionId: Buffer.alloc(16), result: 0, atUs: 0, serverRoundTrips: 0, step2Us: 5 } as const
  const report = { spanMs: 250, ...counts(0), untold: 0, reports: [] }
  for (let n = 0; n < 100; n++) {
    const all = Array.from({ length: 32 }, () => ({ type: 'AuthenticationReport', ...told }) as const)
    live.reported(GATEWAY, { type: 'AuthenticationsReport', ...report }, all)
    const ended = { type: 'link', result: 'disconnected', gateway: GATEWAY }
    live.written([{ ...newEvent(ended), id: n, ticket: null }])
  }
  await new Promise(setImmediate)
  assert.equal(recorded.length, 128)
  assert.equal(live.stepTimes()[1]?.count, 128, 'and no time of a step counts beyond that')
})

function counts(each: number) {
  return {
    localAccepted: each,
    localRefused: each,
    remoteAccepted: each,
    remoteRefused: each,
    undecided: each,
  }
}

test('one gateway that counts beyond all measure does not make the rates of all others unreadable', () => {
  const allowances = new Allowances()
  assert.deepEqual(allowances.count(GATEWAY, counts(2), 1_000_000), counts(2))
  const most = allowances.count(GATEWAY, counts(0xffffffff), 1_000_000)
  assert.deepEqual(most, counts(39_998), 'what may have gathered while there was no link')
  assert.deepEqual(allowances.count(GATEWAY, counts(0xffffffff), 1_000_250), counts(1000))
  assert.deepEqual(allowances.count('other@example.org', counts(30_000), 1_000_250), counts(30_000))
})

test('what of a report counts is what is shown and what is measured', () => {
  const measured: unknown[] = []
  const onReported = (counted: unknown) => void measured.push(counted)
  const live = new Live({ store: { findPne: async () => undefined }, now: () => 1_000_000, onReported })
  const report = { spanMs: 250, ...counts(0xffffffff), untold: 0, reports: [] }
  live.reported(GATEWAY, { type: 'AuthenticationsReport', ...report }, [])
  assert.deepEqual(measured, [counts(40_000)])
  assert.equal(live.second(1000).local.accepted, 40_000)
})

test('a ticket that is told twice stays used', () => {
  const tickets = new Tickets(() => 0)
  const ticket = { ticket: 't1', gateway: GATEWAY, expires: 1000 }
  const confirmation = {
    type: 'confirmation',
    result: 'accepted',
    ticket: 't1',
    gateway: GATEWAY,
    pne: 'pne-1',
  } as const
  tickets.add(ticket)
  tickets.noteChange({ id: 1, at: 0, reason: null, user: null, ...confirmation })
  tickets.add(ticket)
  assert.deepEqual(tickets.find(GATEWAY, 't1'), { ticket: 't1', state: 'used', pne: 'pne-1' })
})

test('what was refused after all eight steps stopped at the last, and the reason of the server goes before that of the gateway', () => {
  const part = { pne: null, user: null, at: 0 }
  const told = {
    ...part,
    result: 'refused',
    reason: 'theirs',
    case: 'local',
    key: null,
    serverRoundTrips: 0,
    toldAt: 0,
  } as const
  const known = {
    id: 1,
    gateway: GATEWAY,
    session: 's1',
    server: undefined,
    told: { ...told, steps: [[8, 1]] },
  } as const
  assert.equal(view(known, null).stoppedAt, 8)
  const server = { ...part, result: 'refused', reason: 'ours', steps: [[4, 1]], ms: 1 } as const
  assert.equal(view({ ...known, server }, null).reason, 'ours')
})

test('the next batch waits until the last one is taken, and nothing is left when nobody watches', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const broadcast = new Broadcast(() => 0)
  const takes: number[][] = []
  const taken = Promise.withResolvers<void>()
  const take = ({ authentications }: { authentications: readonly { line: number }[] }) => {
    takes.push(authentications.map(({ line }) => line))
    return taken.promise
  }
  const unwatch = broadcast.watch({ take })
  for (const id of [1, 2]) {
    broadcast.authentication(row(id))
    t.mock.timers.tick(100)
  }
  assert.deepEqual(takes, [[1]])
  taken.resolve()
  await new Promise(setImmediate)
  t.mock.timers.tick(100)
  assert.deepEqual(takes, [[1], [2]])
  await new Promise(setImmediate)
  unwatch()
  broadcast.watch({ take })
  broadcast.authentication(row(3, { session: 's1', type: 'report' }))
  t.mock.timers.tick(100)
  assert.deepEqual(takes.slice(2).flat(), [], 'the first part was told to others, long ago')
})

function exchange(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = { ms: 1_000_000 }
  const sent: LiveMessage[] = []
  const counted = (at: number) => ({ kind: 'second', at, counts: [], steps: [] }) as const
  const made = new Exchange({ now: () => clock.ms, counted })
  made.join((messages) => sent.push(...messages))
  return { made, clock, sent, flush: () => t.mock.timers.tick(250) }
}

test('after a pause of the process other replicas are told of its last five seconds', (t) => {
  const { clock, sent, flush } = exchange(t)
  clock.ms += 3_600_000
  flush()
  assert.deepEqual(
    sent.map((message) => message.kind === 'second' && message.at),
    [4595, 4596, 4597, 4598, 4599],
  )
})

test('in one interval so much goes to other replicas as a person could look at, refusals first', (t) => {
  const { made, sent, flush } = exchange(t)
  const link = { identity: GATEWAY, connected: true, at: 0 }
  for (let n = 0; n < 500; n++) made.other({ kind: 'link', link })
  for (let id = 1; id <= 5000; id++) made.authentication(row(id, { result: id === 4000 ? 'refused' : 'accepted' }))
  flush()
  const ids = sent.flatMap((message) => (message.kind === 'authentication' ? [message.row.id] : []))
  assert.deepEqual([ids.length, ids.includes(4000)], [20, true])
  assert.equal(sent.length, 70)
})

test('a gateway that does much keeps nobody from hearing of a ticket, of a change by an operator, or of another gateway', (t) => {
  const { made, sent, flush } = exchange(t)
  const confirmed = (gateway: string) => {
    const of = {
      type: 'confirmation',
      result: 'accepted',
      reason: null,
      pne: 'pne-1',
      user: null,
      ticket: 't1',
    } as const
    made.other({ kind: 'change', change: { id: 1, at: 0, gateway, ...of } })
  }
  for (let n = 0; n < 500; n++) {
    made.other({ kind: 'registration', registration: { pne: 'pne-1', gateway: GATEWAY, kind: 'began' } })
    confirmed(GATEWAY)
  }
  made.other({ kind: 'ticket', ticket: { ticket: 't1', gateway: 'other@example.org', expires: 1 } })
  confirmed('other@example.org')
  const of = { id: 1, at: 0, actor: 'ann', role: 'admin', action: 'pne.revoke', target: 'pne-1', outcome: 'done' }
  made.other({ kind: 'change', change: { type: 'audit', ...of } })
  flush()
  const told = (one: LiveMessage) => (one.kind === 'change' ? one.change.type : one.kind)
  const count = (kind: string) => sent.filter((one) => told(one) === kind).length
  const counts = [count('registration'), count('confirmation'), count('ticket'), count('audit')]
  assert.deepEqual(counts, [50, 11, 1, 1])
  sent.splice(0)
  confirmed(GATEWAY)
  flush()
  assert.equal(count('confirmation'), 1, 'the next interval begins anew')
})
