// The bus over a database: whoever may connect to it can notify (NOTIFY needs no right), and is not listened to for that.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { until } from '../../../../test/support/until.ts'
import type { BusMessage } from '../../src/bus/bus.ts'
import { PostgresBus } from '../../src/bus/postgres.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { PgNotifications } from '../../src/store/postgres/notifications.ts'
import { Vault } from '../../src/vault.ts'

let postgres: Postgres
let address: PostgresAddress

before(async () => {
  postgres = await startPostgres()
  address = new PostgresAddress(await postgres.createDatabase())
})
after(() => postgres.stop())

/** A server's bus, and what it hears. */
async function open(t: TestContext, masterKey = 1) {
  const connected = Promise.withResolvers<void>()
  const vault = new Vault(Buffer.alloc(32, masterKey))
  const bus = new PostgresBus(address, { vault, logger: silent, onConnected: () => connected.resolve() })
  t.after(() => bus.close())
  const heard: BusMessage[] = []
  bus.subscribe((message) => heard.push(message))
  await connected.promise
  return { bus, heard }
}

/** Somebody else on the same database. */
async function openStranger(t: TestContext) {
  const connected = Promise.withResolvers<void>()
  const heard: string[] = []
  const onNotification = (payload: string) => void heard.push(payload)
  const stranger = new PgNotifications(address, { onNotification, onConnected: () => connected.resolve() })
  t.after(() => stranger.close())
  await connected.promise
  return { stranger, heard }
}

const ask = (id: string): BusMessage => ({ type: 'ask', id, sealed: '' })

test('a server hears the others with its master key, in their order, and not itself', async (t) => {
  const [one, two, other] = [await open(t), await open(t), await open(t, 2)]
  for (let n = 0; n < 20; n++) one.bus.publish(ask(`${n}`))
  other.bus.publish(ask('of another master key'))
  two.bus.publish({ type: 'changed' })
  await until(() => two.heard.length === 20 && one.heard.length === 1)
  assert.deepEqual(
    two.heard,
    Array.from({ length: 20 }, (_, n) => ask(`${n}`)),
  )
  assert.deepEqual([one.heard, other.heard], [[{ type: 'changed' }], []])
})

test('what somebody makes up, changes or sends again is not heard', async (t) => {
  const { stranger, heard: overheard } = await openStranger(t)
  const [one, two] = [await open(t), await open(t)]
  one.bus.publish(ask('first'))
  await until(() => two.heard.length === 1 && overheard.length === 1)
  const [real = ''] = overheard
  // An authentication whose steps cannot be read: who watches would have ended the server.
  const row = { id: 1, type: 'authentication', result: 'accepted', session: null, steps: '[', facts: null }
  const message = { type: 'live', messages: [{ kind: 'authentication', row }] }
  const forged = [
    JSON.stringify({ from: 'stranger', message }),
    real.replace(/first/, 'other'),
    real.replace(/"n":1/, '"n":2'),
    real,
    real.slice(0, 43),
    '',
    'x'.repeat(7900),
  ]
  for (const payload of forged) await stranger.notify(payload)
  one.bus.publish(ask('second'))
  await until(() => two.heard.length > 1)
  assert.deepEqual(two.heard, [ask('first'), ask('second')])
})

test('a thousand changes at once are told twice, and leave room for what else is said', async (t) => {
  const [one, two] = [await open(t), await open(t)]
  for (let n = 0; n < 1000; n++) one.bus.publish({ type: 'changed' })
  one.bus.publish(ask('a ticket'))
  await until(() => two.heard.length === 3)
  assert.deepEqual(two.heard, [{ type: 'changed' }, ask('a ticket'), { type: 'changed' }])
  one.bus.publish({ type: 'changed' })
  await until(() => two.heard.length === 4)
})

test('a message that is too long for the database is cut where it can be', async (t) => {
  const [one, two] = [await open(t), await open(t)]
  const ticket = (n: number) => ({ ticket: `${n}`.padStart(2000, '.'), gateway: 'home@example.org', expires: 1 })
  const messages = Array.from({ length: 9 }, (_, n) => ({ kind: 'ticket', ticket: ticket(n) }) as const)
  one.bus.publish({ type: 'live', messages })
  await until(() => two.heard.flatMap((message) => (message.type === 'live' ? message.messages : [])).length === 9)
  assert.deepEqual(
    two.heard.flatMap((message) => (message.type === 'live' ? message.messages : [])),
    messages,
  )
})
