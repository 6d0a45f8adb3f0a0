// Several replicas: what happens at one is seen at another, counted exactly, and with nothing but JSON between them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { until } from '../../../../test/support/until.ts'
import type { Batch } from '../../src/live/broadcast.ts'
import type { LiveMessage } from '../../src/live/messages.ts'
import { openLive } from '../../src/live/open.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'

const TICKET = 'AAAAAAAAAAAAAAAAAAAAAA'
const GATEWAY = 'home@example.org'

/** Two replicas that share a store, and the messages that the first sends to the second, each time that it sends any. */
async function openTwo(t: TestContext) {
  const store = openSqlite(':memory:')
  const clock = { ms: 1_800_000_000_000 }
  const open = () => openLive({ store, logger: silent, now: () => clock.ms })
  const [one, other] = [await open(), await open()]
  const deliveries: (readonly LiveMessage[])[] = []
  const leave = one.live.join((messages) => {
    const texts = messages.map((message) => JSON.stringify(message))
    deliveries.push(messages)
    for (const text of texts) other.live.receive(JSON.parse(text))
  })
  t.after(async () => {
    leave()
    await one.events.close()
    await other.events.close()
    await store.close()
  })
  const sent = (kind: LiveMessage['kind']) => deliveries.flat().filter((message) => message.kind === kind)
  return { one, other, clock, deliveries, sent }
}

test('what one replica counts in a second, another shows too, once', async (t) => {
  const { one, other, clock, sent } = await openTwo(t)
  for (let at = 0; at < 1000; at++) one.live.decided('accepted', [4, 100, 5, 300])
  other.live.decided('refused', [4, 100])
  const second = clock.ms / 1000
  clock.ms += 2000
  await until(() => sent('second').length >= 2)
  assert.deepEqual(other.live.second(second).remote, { accepted: 1000, refused: 1 })
  assert.deepEqual(one.live.second(second).remote, { accepted: 1000, refused: 0 })
  assert.deepEqual(
    [3, 4].map((at) => other.live.stepTimes()[at]?.count),
    [1001, 1000],
  )
})

test('no message is larger than a bus may carry, however different the times of steps are', async (t) => {
  const { one, other, clock, deliveries } = await openTwo(t)
  for (let us = 1; us < 60_000_000; us *= 1.05) one.live.decided('accepted', [4, us, 5, 2 * us])
  const count = one.live.stepTimes()[3]?.count
  clock.ms += 1000
  await until(() => other.live.stepTimes()[3]?.count === count)
  const sent = deliveries.flat()
  const octets = sent.map((message) => Buffer.byteLength(JSON.stringify(message)))
  assert.ok(Math.max(...octets) < 4000, `${Math.max(...octets)} octets`)
  assert.ok(sent.length > 1)
})

test('a watcher at another replica is told, within bounds, refusals first', async (t) => {
  const { one, other, deliveries } = await openTwo(t)
  const batches: Batch[] = []
  t.after(other.live.watch({ take: (batch) => void batches.push(batch) }))
  const of = { type: 'authentication', case: 'remote', gateway: GATEWAY } as const
  for (let at = 0; at < 2500; at++) one.events.record({ ...of, result: 'accepted' })
  one.events.record({ ...of, result: 'refused', reason: 'UNKNOWN_PNE' })
  await one.events.flush()
  const isRefusal = ({ known }: Batch['authentications'][number]) => known.server?.result === 'refused'
  await until(() => batches.some(({ authentications }) => authentications.some(isRefusal)))
  for (const messages of deliveries) {
    const told = messages.filter(({ kind }) => kind === 'authentication')
    assert.ok(told.length <= 20, `${told.length} were sent at once`)
  }
  assert.equal(other.live.refusals.last()[0]?.server?.reason, 'UNKNOWN_PNE')
})

test('devices, gateways and tickets of one replica are known at the other', async (t) => {
  const { one, other, clock } = await openTwo(t)
  const batches: Batch[] = []
  t.after(other.live.watch({ take: (batch) => void batches.push(batch) }))
  one.live.ticketMade({ ticket: TICKET, gateway: GATEWAY, expires: clock.ms + 600_000 })
  one.events.record({ type: 'link', result: 'connected', gateway: GATEWAY })
  one.events.record({ type: 'confirmation', result: 'accepted', gateway: GATEWAY, pneId: 'pne-1', ticket: TICKET })
  one.events.record({ type: 'registration', result: 'began', gateway: GATEWAY, pneId: 'pne-1' })
  await one.events.flush()
  const all = <K extends keyof Batch>(kind: K) => batches.flatMap((batch) => batch[kind] as unknown[])
  await until(() => all('links').length + all('changes').length + all('registrations').length === 3)
  assert.deepEqual(all('registrations'), [{ pne: 'pne-1', gateway: GATEWAY, kind: 'began' }])
  assert.deepEqual(other.live.tickets.find(GATEWAY, TICKET), { ticket: TICKET, state: 'used', pne: 'pne-1' })
})

test('a ticket is used by a device of its own gateway alone, and ends with its time', async (t) => {
  const { one, clock } = await openTwo(t)
  const find = () => one.live.tickets.find(GATEWAY, TICKET)
  assert.equal(find(), undefined)
  one.live.ticketMade({ ticket: TICKET, gateway: GATEWAY, expires: clock.ms + 60_000 })
  const confirmed = { type: 'confirmation', result: 'accepted', pneId: 'pne-1', ticket: TICKET } as const
  one.events.record({ ...confirmed, gateway: 'other@example.org' })
  one.events.record({ ...confirmed, gateway: GATEWAY, result: 'refused' })
  one.events.record({ ...confirmed, gateway: GATEWAY, type: 'assignment' })
  await one.events.flush()
  assert.deepEqual(find(), { ticket: TICKET, state: 'open', pne: null })
  assert.equal(one.live.tickets.find('other@example.org', TICKET), undefined)
  clock.ms += 60_000
  assert.equal(find()?.state, 'expired')
  for (let at = 0; at < 1000; at++) one.live.ticketMade({ ticket: `t${at}`, gateway: GATEWAY, expires: clock.ms + 1 })
  assert.equal(find(), undefined, 'so many are remembered, and no more')
})
