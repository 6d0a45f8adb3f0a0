// Authentications out of the event log: two parts become one, on one scale of time, and nothing is believed that a gateway
// cannot know.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { AuthenticationReport, AuthenticationsReport, Case, decode, encode, KeyUsed, Result } from '@opencpns/protocol'
import { until } from '../../../../test/support/until.ts'
import type { NewEvent } from '../../src/events.ts'
import type { Batch } from '../../src/live/broadcast.ts'
import { openLive } from '../../src/live/open.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { furnish, GATEWAY, newPne, OTHER_GATEWAY } from '../store/furnish.ts'

const NOW_MS = 1_800_000_000_000

async function openLog(t: TestContext) {
  const store = openSqlite(':memory:')
  await furnish(store)
  const clock = { ms: NOW_MS }
  const seen = await openLive({ store, logger: silent, now: () => clock.ms })
  t.after(async () => {
    await seen.events.close()
    await store.close()
  })
  const told = (gateway: string, ...reports: Partial<Told>[]) => {
    const all = reports.map((report) => encodeReport(report))
    const counts = { localAccepted: 0, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 0 }
    const report = decode(
      encode(AuthenticationsReport, { spanMs: 250, ...counts, reports: all }),
      AuthenticationsReport,
    )
    seen.live.reported(
      gateway,
      report,
      all.map((body) => decode(body, AuthenticationReport)),
    )
    return new Promise(setImmediate)
  }
  return { ...seen, store, clock, told }
}

type Told = Parameters<typeof encode<(typeof AuthenticationReport)['fields']>>[1]

function session(octet: number): Buffer {
  return Buffer.alloc(16, octet)
}

function encodeReport(report: Partial<Told>): Uint8Array {
  const whole = { sessionId: session(1), result: Result.success, atUs: NOW_MS * 1000, serverRoundTrips: 1 }
  return encode(AuthenticationReport, { ...whole, case: Case.remote, ...report } as Told)
}

/** Of a session, what the server decided at `gateway`. */
function decided(octet: number, changes: Partial<NewEvent> = {}): NewEvent {
  const steps = [4, 1000, 5, 3000]
  const of = {
    session: session(octet).toString('base64url'),
    gateway: GATEWAY,
    pneId: 'pne-1',
    user: 'alice',
    ms: 4,
    steps,
  }
  return { type: 'authentication', result: 'accepted', case: 'remote', ...of, ...changes }
}

const steps = { step2Us: 1000, step3Us: 2000, step6Us: 12_000, step7Us: 20_000, step8Us: 21_000 }

test('the two parts of a remote authentication become one: the server’s steps stand in the middle of the way there and back', async (t) => {
  const { events, told, authentications } = await openLog(t)
  events.record(decided(1))
  const [first] = await authentications.list({ limit: 10 })
  assert.deepEqual([first?.complete, first?.steps.map(({ step }) => step)], [false, [4, 5]])
  await told(GATEWAY, { ...steps, keyUsed: KeyUsed.transientKey })
  const [whole, ...more] = await authentications.list({ limit: 10 })
  assert.deepEqual(more, [])
  // 10 ms between steps 3 and 6, 4 of them at the server: it got the request 3 ms after it was sent.
  const times = whole?.steps.map(({ step, atMs, ms }) => [step, atMs, ms])
  const expected = [
    [1, 0, 0],
    [2, 1, 1],
    [3, 2, 1],
    [4, 6, 4],
    [5, 8, 2],
    [6, 12, 4],
    [7, 20, 8],
    [8, 21, 1],
  ]
  assert.deepEqual(times, expected)
  const facts = [whole?.id, whole?.complete, whole?.key, whole?.serverRoundTrips, whole?.ms]
  assert.deepEqual(facts, [first?.id, true, 'transient key', 1, 21])
  assert.deepEqual(await authentications.find(Number(first?.id) + 1), whole, 'found by the id of its second part')
})

test('a gateway’s part that comes first waits for the server’s', async (t) => {
  const { events, told, authentications } = await openLog(t)
  await told(GATEWAY, steps)
  assert.deepEqual(await authentications.list({ limit: 10 }), [])
  events.record(decided(1))
  const [whole] = await authentications.list({ limit: 10 })
  assert.deepEqual([whole?.complete, whole?.steps.length], [true, 8])
})

test('a session that another gateway names too is another authentication', async (t) => {
  const { events, told, authentications } = await openLog(t)
  events.record(decided(1))
  await told(OTHER_GATEWAY, steps)
  const all = await authentications.list({ limit: 10 })
  assert.deepEqual(
    all.map(({ gateway, complete }) => [gateway, complete]),
    [[GATEWAY, false]],
  )
})

test('a second report of the same session changes nothing', async (t) => {
  const { events, told, authentications } = await openLog(t)
  events.record(decided(1))
  await told(GATEWAY, steps)
  const [before] = await authentications.list({ limit: 10 })
  await told(GATEWAY, { ...steps, result: Result.busy, reason: 'busy', step8Us: 99_000 })
  assert.deepEqual(await authentications.list({ limit: 10 }), [before])
})

test('the word of a gateway about a PNE counts when it is its own', async (t) => {
  const { store, told, authentications } = await openLog(t)
  await store.assignPne(newPne({ pneId: 'pne-1', gateway: GATEWAY, name: 'Lamp' }))
  const local = { case: Case.local, serverRoundTrips: 0, keyUsed: KeyUsed.euKey, pneId: 'pne-1', step2Us: 10 }
  await told(GATEWAY, { ...local, sessionId: session(1) })
  await told(OTHER_GATEWAY, { ...local, sessionId: session(2) })
  await told(GATEWAY, { ...local, sessionId: session(3), pneId: 'pne-none' })
  const shown = await authentications.list({ limit: 10 })
  const whom = shown.map(({ gateway, pne, pneName, user, complete }) => [gateway, pne, pneName, user, complete])
  assert.deepEqual(whom.reverse(), [
    [GATEWAY, 'pne-1', 'Lamp', 'alice', true],
    [OTHER_GATEWAY, null, null, null, true],
    [GATEWAY, null, null, null, true],
  ])
  assert.deepEqual((await authentications.list({ pneId: 'pne-1', limit: 10 })).length, 1)
})

test('where the server refused, nothing that a gateway says makes it accepted', async (t) => {
  const { events, told, authentications } = await openLog(t)
  events.record(decided(1, { result: 'refused', reason: 'PNE_REVOKED', steps: [4, 1000] }))
  await told(GATEWAY, { ...steps, result: Result.success })
  const [shown] = await authentications.list({ limit: 10 })
  assert.deepEqual([shown?.result, shown?.reason, shown?.stoppedAt], ['refused', 'PNE_REVOKED', 5])
  assert.equal((await authentications.list({ result: 'refused', limit: 10 })).length, 1)
  assert.deepEqual(await authentications.list({ result: 'accepted', limit: 10 }), [])
})

test('what the server accepted and the gateway refused is found as refused, and not as accepted', async (t) => {
  const { events, told, authentications } = await openLog(t)
  const { step7Us, step8Us, ...before } = steps
  for (let octet = 1; octet <= 3; octet++) events.record(decided(octet))
  await told(GATEWAY, { ...before, sessionId: session(2), result: Result.authenticationFailed, reason: 'tls-refused' })
  const ids = async (result: 'accepted' | 'refused', limit = 10) =>
    (await authentications.list({ result, limit })).map(({ id }) => id)
  const [third, second, first] = (await authentications.list({ limit: 10 })).map(({ id }) => id)
  assert.deepEqual(await ids('refused'), [second])
  assert.deepEqual(await ids('accepted'), [third, first])
  const [shown] = await authentications.list({ result: 'refused', limit: 1 })
  assert.deepEqual([shown?.reason, shown?.stoppedAt], ['tls-refused', 7])
  assert.deepEqual(await authentications.list({ result: 'refused', limit: 10, before: second }), [])
})

test('a gateway whose clock is wrong does not move its authentications to another day', async (t) => {
  const { told, authentications } = await openLog(t)
  const local = { case: Case.local, serverRoundTrips: 0, step2Us: 5000 }
  await told(GATEWAY, { ...local, atUs: 1000 })
  await told(GATEWAY, { ...local, sessionId: session(2), atUs: Number.MAX_SAFE_INTEGER })
  const shown = await authentications.list({ limit: 10 })
  for (const { at } of shown) assert.equal(Date.parse(at), NOW_MS - 5)
})

test('steps that a gateway tells in no possible order still have times that do not go back', async (t) => {
  const { events, told, authentications } = await openLog(t)
  events.record(decided(1, { ms: 4_000_000 }))
  await told(GATEWAY, { step2Us: 9000, step3Us: 1000, step6Us: 500, step7Us: 0xffffffff, step8Us: 0 })
  const [shown] = await authentications.list({ limit: 10 })
  const at = shown?.steps.map(({ atMs }) => atMs) ?? []
  assert.deepEqual(
    at,
    at.toSorted((a, b) => a - b),
  )
  assert.ok(shown?.steps.every(({ ms }) => ms >= 0))
})

test('a gateway that reports without end fills the log to its bound, and another one is still heard', async (t) => {
  const { told, clock, authentications } = await openLog(t)
  const many = (from: number, gateway: string) =>
    told(
      gateway,
      ...Array.from({ length: 32 }, (_, at) => {
        const sessionId = Buffer.alloc(16)
        sessionId.writeUInt32BE(from + at)
        return { sessionId, case: Case.local, serverRoundTrips: 0 } as const
      }),
    )
  for (let batch = 0; batch < 20; batch++) await many(batch * 32, GATEWAY)
  assert.equal((await authentications.list({ limit: 1000 })).length, 128)
  await many(0, OTHER_GATEWAY)
  assert.equal((await authentications.list({ limit: 1000, gateway: OTHER_GATEWAY })).length, 32)
  clock.ms += 250
  for (let batch = 20; batch < 25; batch++) await many(batch * 32, GATEWAY)
  assert.equal((await authentications.list({ limit: 1000, gateway: GATEWAY })).length, 160)
})

test('counts of a gateway come beside those that the server has counted itself', async (t) => {
  const { live } = await openLog(t)
  const report = {
    spanMs: 250,
    localAccepted: 7,
    localRefused: 1,
    remoteAccepted: 40,
    remoteRefused: 2,
    undecided: 3,
    untold: 0,
  }
  const remote = (one: Partial<Told>) => decode(encodeReport(one), AuthenticationReport)
  const held = remote({ keyUsed: KeyUsed.heldTransientKey, serverRoundTrips: 0 })
  const forwarded = remote(steps)
  for (let one = 0; one < 38; one++) live.decided('accepted', [])
  const whole = { type: 'AuthenticationsReport' as const, ...report, reports: [] }
  live.reported(GATEWAY, whole, [held, forwarded, forwarded, forwarded])
  const { local, remote: ofRemote, undecided } = live.second(NOW_MS / 1000)
  // One of four that were told went without the server, so a quarter of 40 did.
  assert.deepEqual([local, ofRemote, undecided], [{ accepted: 7, refused: 1 }, { accepted: 48, refused: 0 }, 3])
})

test('a watcher sees an authentication, and again with the same id once it is whole', async (t) => {
  const { live, events, told } = await openLog(t)
  const seen: Batch['authentications'][number][] = []
  t.after(live.watch({ take: ({ authentications }) => void seen.push(...authentications) }))
  events.record(decided(1))
  await events.flush()
  await until(() => seen.length === 1)
  await told(GATEWAY, steps)
  await events.flush()
  await until(() => seen.length === 2)
  const [part, whole] = seen
  assert.deepEqual([part?.known.told === undefined, whole?.known.told === undefined], [true, false])
  assert.deepEqual([whole?.known.id, Number(whole?.line) > Number(part?.line)], [part?.known.id, true])
})

test('both parts in one batch are told once, and a second part without its first not at all', async (t) => {
  const { live, events, told } = await openLog(t)
  const seen: Batch['authentications'][number][] = []
  t.after(live.watch({ take: ({ authentications }) => void seen.push(...authentications) }))
  events.record(decided(1))
  await told(GATEWAY, steps, { ...steps, sessionId: session(9) })
  await events.flush()
  await until(() => seen.length > 0)
  assert.deepEqual(
    seen.map(({ known }) => [known.session, known.told?.steps.length]),
    [[session(1).toString('base64url'), 6]],
  )
})

test('with more than a person can look at, refusals are told, and how many were not', async (t) => {
  const { live, events } = await openLog(t)
  const batches: Batch[] = []
  t.after(live.watch({ take: (batch) => void batches.push(batch) }))
  for (let at = 0; at < 3000; at++) {
    events.record(
      decided(1, { session: undefined, ...(at % 500 === 0 && { result: 'refused', reason: 'UNKNOWN_PNE' }) }),
    )
  }
  await events.flush()
  const sum = () => batches.reduce((all, { authentications, unshown }) => all + authentications.length + unshown, 0)
  await until(() => sum() === 3000)
  const told = batches.flatMap(({ authentications }) => authentications)
  assert.ok(told.length <= 10 * batches.length)
  assert.equal(told.filter(({ known }) => known.server?.result === 'refused').length, 6)
})

test('with nobody watching, and no other replica, nothing is kept for them', async (t) => {
  const { live, events } = await openLog(t)
  events.record(decided(1))
  await events.flush()
  const batches: Batch[] = []
  const end = live.watch({ take: (batch) => void batches.push(batch) })
  events.record({ type: 'link', result: 'connected', gateway: GATEWAY })
  await events.flush()
  await until(() => batches.length > 0)
  assert.deepEqual(batches[0]?.authentications, [])
  end()
  events.record({ type: 'link', result: 'disconnected', gateway: GATEWAY })
  await events.flush()
  const told = batches.length
  t.after(live.watch({ take: (batch) => void batches.push(batch) }))
  events.record({ type: 'link', result: 'connected', gateway: OTHER_GATEWAY })
  await events.flush()
  await until(() => batches.length > told)
  assert.deepEqual(
    batches.flatMap(({ links }) => links).map(({ identity }) => identity),
    [GATEWAY, OTHER_GATEWAY],
  )
})

test('what was missed is had again: by the line after which it came, the newest so many', async (t) => {
  const { events, told, authentications } = await openLog(t)
  for (let octet = 1; octet <= 4; octet++) events.record(decided(octet))
  const ids = (await authentications.list({ limit: 10 })).map(({ id }) => id).reverse()
  await told(GATEWAY, { ...steps, sessionId: session(1) })
  const since = async (line: number, max: number) =>
    (await authentications.since(line, max)).map(({ known }) => known.id)
  assert.deepEqual(await since(ids[1] ?? 0, 10), [ids[2], ids[3], ids[0]], 'the first is whole since')
  assert.deepEqual(await since(0, 2), [ids[3], ids[0]])
  assert.deepEqual(await since((ids[3] ?? 0) + 1, 10), [])
})

test('refusals of one device are found, newest first, whoever told of them and wherever the list goes on', async (t) => {
  const { events, told, authentications } = await openLog(t)
  const { step7Us, step8Us, ...before } = steps
  events.record(decided(1, { pneId: 'pne-2' }))
  events.record(decided(2, { pneId: 'pne-1' }))
  events.record(decided(3, { pneId: 'pne-1', result: 'refused', reason: 'EAP_BAD_MAC' }))
  events.record(decided(4, { pneId: 'pne-1' }))
  await events.flush()
  for (const octet of [4, 2, 1]) {
    await told(GATEWAY, {
      ...before,
      sessionId: session(octet),
      result: Result.authenticationFailed,
      reason: 'tls-refused',
    })
  }
  const sessions = async (below?: number) =>
    (await authentications.list({ result: 'refused', pneId: 'pne-1', limit: 10, before: below })).map(({ id }) => id)
  const ids = await sessions()
  assert.equal(ids.length, 3)
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  )
  assert.deepEqual(await sessions(ids[0]), ids.slice(1))
})

test('a device that was paired a moment ago has its name at once', async (t) => {
  const { store, events, authentications } = await openLog(t)
  events.record(decided(1))
  assert.equal((await authentications.list({ limit: 1 }))[0]?.pneName, null)
  await store.assignPne(newPne({ pneId: 'pne-1', gateway: GATEWAY, name: 'Lamp' }))
  events.record({ type: 'assignment', result: 'accepted', pneId: 'pne-1', gateway: GATEWAY, user: 'alice' })
  await events.flush()
  assert.equal((await authentications.list({ limit: 1 }))[0]?.pneName, 'Lamp')
})
