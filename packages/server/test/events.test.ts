import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventLog, type NewEvent } from '../src/events.ts'
import type { NewEventRow, Store } from '../src/store/contract.ts'
import { openSqlite } from '../src/store/sqlite/open.ts'

const accepted: NewEvent = { type: 'authentication', result: 'accepted' }

/** A store that only takes events: into `batches`, or not at all while `fails`. */
function recordingStore() {
  const batches: NewEventRow[][] = []
  const control = { batches, fails: false, store: undefined as unknown as Store }
  const appendEvents = async (events: readonly NewEventRow[]) => {
    if (control.fails) throw new Error('disk full')
    batches.push([...events])
    return events.map((_, at) => at + 1)
  }
  control.store = { appendEvents } as unknown as Store
  return control
}

test('what was recorded is listed at once, newest first', async () => {
  const store = openSqlite(':memory:')
  const log = new EventLog(store, { now: () => 42 })
  log.record(accepted)
  log.record({
    type: 'authentication',
    result: 'refused',
    reason: 'UNKNOWN_PNE',
    gateway: 'g@r',
    case: 'remote',
    ms: 1.5,
  })
  const [refused, first] = await log.list({ limit: 10 })
  const absent = { pneId: null, user: null, session: null, steps: null, facts: null }
  const facts = { at: 42, type: 'authentication', result: 'refused', reason: 'UNKNOWN_PNE', gateway: 'g@r' }
  assert.deepEqual({ ...refused }, { id: refused?.id, ...facts, case: 'remote', ms: 1.5, ...absent })
  assert.equal(first?.result, 'accepted')
  assert.deepEqual(await log.list({ limit: 10, type: 'admin' }), [])
  await log.close()
  await store.close()
})

test('events of one interval are written in one transaction', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { store, batches } = recordingStore()
  const log = new EventLog(store)
  for (let i = 0; i < 50; i++) log.record(accepted)
  t.mock.timers.tick(199)
  assert.equal(batches.length, 0)
  t.mock.timers.tick(1)
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [50],
  )
})

test('an event that is recorded while others are written is written too', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { store, batches } = recordingStore()
  const log = new EventLog(store)
  log.record(accepted)
  const flushing = log.flush()
  log.record(accepted)
  await flushing
  t.mock.timers.tick(200)
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [1, 1],
  )
})

test('closing writes what is left', async () => {
  const { store, batches } = recordingStore()
  const log = new EventLog(store)
  log.record(accepted)
  await log.close()
  assert.equal(batches.flat().length, 1)
})

test('the buffer is bounded: the oldest go, and are counted', async () => {
  const { store, batches } = recordingStore()
  let clock = 0
  const log = new EventLog(store, { bufferMax: 10, now: () => clock++ })
  for (let i = 0; i < 25; i++) log.record(accepted)
  await log.close()
  const written = batches.flat().map((event) => event.at)
  assert.ok(written.length <= 10)
  assert.equal(log.dropped, 25 - written.length)
  assert.deepEqual(
    written,
    Array.from({ length: written.length }, (_, i) => 25 - written.length + i),
  )
})

test('events outlive a store that fails for a while', async () => {
  const control = recordingStore()
  const log = new EventLog(control.store)
  control.fails = true
  log.record(accepted)
  await assert.rejects(log.flush(), /disk full/)
  log.record({ ...accepted, result: 'refused' })
  control.fails = false
  await log.close()
  assert.deepEqual(
    control.batches.flat().map((event) => event.result),
    ['accepted', 'refused'],
  )
  assert.equal(log.dropped, 0)
})

test('a store that fails for long costs the oldest events, never the process', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const control = recordingStore()
  control.fails = true
  const warnings: unknown[] = []
  const warn = (facts: unknown) => warnings.push(facts)
  const logger = { debug: warn, info: warn, warn, error: warn }
  const log = new EventLog(control.store, { bufferMax: 4, logger })
  for (let i = 0; i < 20; i++) {
    log.record(accepted)
    t.mock.timers.tick(1000)
    await new Promise(setImmediate)
  }
  assert.ok(log.dropped >= 16 && log.dropped <= 20)
  assert.ok(warnings.length > 0)
  control.fails = false
  await log.close()
  assert.equal(control.batches.flat().length + log.dropped, 20)
})

test('only the newest events are kept', async () => {
  const store = openSqlite(':memory:')
  const log = new EventLog(store, { keep: 3 })
  for (let i = 0; i < 5; i++) log.record({ ...accepted, ms: i })
  assert.deepEqual(
    (await log.list({ limit: 10 })).map((event) => event.ms),
    [4, 3, 2],
  )
  await log.close()
  await store.close()
})
