// A gateway is asked wherever its link is; what the servers say to each other for that, nobody else can read or make up.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { BusMessage } from '../../src/bus/bus.ts'
import { Gateways, noGateways } from '../../src/bus/gateways.ts'
import { Hub } from '../../src/bus/hub.ts'
import { Inquiries } from '../../src/bus/inquiries.ts'
import { GatewayUnavailable, type LinkedGateways } from '../../src/doors/cpns/gateways.ts'
import { Vault } from '../../src/vault.ts'

const masterKey = randomBytes(32)
const ticket = { uri: 'cpns:here?s=secret-of-the-ticket', expiresAtS: 7, ticketId: Buffer.alloc(16, 9) }

/** Gateways that have a link at one server. */
function linked(gateway: string, { fails = false } = {}) {
  const rotated: string[] = []
  const wishes: object[] = []
  const fail = () => Promise.reject(new GatewayUnavailable('GATEWAY_TOO_OLD'))
  const gateways: LinkedGateways = {
    count: 1,
    connectedSince: (asked) => (asked === gateway ? 1 : undefined),
    makeTicket: (_gateway, wish) => {
      wishes.push(wish)
      return fails ? fail() : Promise.resolve(ticket)
    },
    askToRotate: (_gateway, pneId) => (fails ? fail() : Promise.resolve(void rotated.push(pneId))),
  }
  return { gateways, rotated, wishes }
}

/** @param options.others  how many other servers it believes that there are: so many that it waits, unless told */
function join(
  t: TestContext,
  hub: Hub,
  here: LinkedGateways,
  options: { key?: Buffer; now?: () => number; others?: () => Promise<number> } = {},
) {
  const { key = masterKey, now = Date.now, others = async () => 100 } = options
  const bus = hub.join()
  const inquiries = new Inquiries({ bus, vault: new Vault(Buffer.from(key)), others, now })
  t.after(() => inquiries.close())
  return { gateways: new Gateways(here, inquiries), inquiries, bus }
}

test('a ticket and a rotation are asked of the server that has the link', async (t) => {
  const hub = new Hub()
  const { gateways } = join(t, hub, noGateways)
  const home = linked('home@example.org')
  join(t, hub, home.gateways)
  join(t, hub, linked('lobby@example.org').gateways)
  const made = await gateways.makeTicket('home@example.org', { name: 'watch', lifetimeS: 90 })
  assert.deepEqual(made, ticket)
  assert.deepEqual(home.wishes, [{ name: 'watch', lifetimeS: 90 }])
  await gateways.askToRotate('home@example.org', 'pne-1')
  assert.deepEqual(home.rotated, ['pne-1'])
})

test('a gateway with a link here is asked here', async (t) => {
  const hub = new Hub()
  const said: BusMessage[] = []
  hub.join().subscribe((message) => said.push(message))
  const home = linked('home@example.org')
  const { gateways } = join(t, hub, home.gateways)
  assert.deepEqual(await gateways.makeTicket('home@example.org', {}), ticket)
  assert.deepEqual([gateways.count, gateways.connectedSince('home@example.org')], [1, 1])
  await new Promise(setImmediate)
  assert.deepEqual(said, [])
})

test('why a gateway could not, is told by the server that asked it', async (t) => {
  const hub = new Hub()
  const { gateways } = join(t, hub, noGateways)
  join(t, hub, linked('home@example.org', { fails: true }).gateways)
  await assert.rejects(gateways.makeTicket('home@example.org', {}), { code: 'GATEWAY_TOO_OLD' })
  await assert.rejects(gateways.askToRotate('home@example.org', 'pne-1'), { code: 'GATEWAY_TOO_OLD' })
})

test('a gateway without a link anywhere is not connected, as soon as all servers have said so', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] }) // no question ever runs out
  for (const count of [0, 1, 3]) {
    const hub = new Hub()
    const { gateways } = join(t, hub, noGateways, { others: async () => count })
    for (let i = 0; i < count; i++) join(t, hub, linked('lobby@example.org').gateways)
    await assert.rejects(gateways.makeTicket('home@example.org', {}), { code: 'GATEWAY_NOT_CONNECTED' })
    await assert.rejects(gateways.askToRotate('home@example.org', 'pne-1'), { code: 'GATEWAY_NOT_CONNECTED' })
  }
})

test('a server that says nothing is waited for: it may have the link', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const hub = new Hub()
  const { gateways } = join(t, hub, noGateways, { others: async () => 2 })
  join(t, hub, linked('lobby@example.org').gateways)
  join(t, hub, linked('pole@example.org').gateways, { key: randomBytes(32) }) // cannot read the question
  let isOver = false
  const asked = gateways.makeTicket('home@example.org', {}).finally(() => {
    isOver = true
  })
  asked.catch(() => {})
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
  assert.equal(isOver, false)
  t.mock.timers.tick(5000)
  await assert.rejects(asked, { code: 'GATEWAY_NOT_CONNECTED' })
})

test('a server that has not begun to serve says nothing', async (t) => {
  const hub = new Hub()
  const said: BusMessage[] = []
  hub.join().subscribe((message) => said.push(message))
  const { gateways } = join(t, hub, noGateways)
  const others = async () => 0
  const early = new Inquiries({ bus: hub.join(), vault: new Vault(Buffer.from(masterKey)), others, now: Date.now })
  t.after(() => early.close())
  gateways.makeTicket('home@example.org', {}).catch(() => {})
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  assert.deepEqual(
    said.map(({ type }) => type),
    ['ask'],
  )
})

test('a server that has the link is heard after all others have said that they have none', async (t) => {
  const hub = new Hub()
  const { gateways } = join(t, hub, noGateways, { others: async () => 3 })
  for (let i = 0; i < 2; i++) join(t, hub, linked('lobby@example.org').gateways)
  const home = linked('home@example.org')
  const { promise: asked, resolve: answer } = Promise.withResolvers<typeof ticket>()
  join(t, hub, { ...home.gateways, makeTicket: () => asked })
  const making = gateways.makeTicket('home@example.org', {})
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
  answer(ticket)
  assert.deepEqual(await making, ticket)
})

test('that a server has no link, said twice or by a stranger, counts for no other server', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const hub = new Hub()
  const asker = join(t, hub, noGateways, { others: async () => 2 })
  join(t, hub, linked('lobby@example.org').gateways)
  const listener = hub.join()
  listener.subscribe((message) => {
    if (message.type === 'absent') listener.publish(message)
    if (message.type !== 'ask') return
    const vault = new Vault(randomBytes(32))
    const plaintext = Buffer.from(JSON.stringify({ at: Date.now(), content: 'stranger' }))
    listener.publish({
      ...message,
      type: 'absent',
      sealed: vault.seal('message', `absent ${message.id}`, plaintext).toString('base64'),
    })
  })
  let isOver = false
  asker.gateways.makeTicket('home@example.org', {}).catch(() => {
    isOver = true
  })
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  assert.equal(isOver, false)
})

test('while it is not known how many servers there are, the question runs out, and nobody is asked for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { gateways } = join(t, new Hub(), noGateways, { others: () => Promise.reject(new Error('the store is away')) })
  const asked = gateways.makeTicket('home@example.org', {})
  t.mock.timers.tick(5000)
  await assert.rejects(asked, { code: 'GATEWAY_NOT_CONNECTED' })
})

test('no word of what is asked and answered can be read on the way', async (t) => {
  const hub = new Hub()
  const said: BusMessage[] = []
  hub.join().subscribe((message) => said.push(message))
  const { gateways } = join(t, hub, noGateways)
  join(t, hub, linked('home@example.org').gateways)
  join(t, hub, linked('lobby@example.org').gateways)
  await gateways.makeTicket('home@example.org', { name: 'watch' })
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  assert.deepEqual(said.map(({ type }) => type).sort(), ['absent', 'answer', 'ask'])
  const text = said.map((message) =>
    'sealed' in message ? Buffer.from(message.sealed, 'base64').toString('latin1') : '',
  )
  assert.doesNotMatch(text.join(), /secret|watch|home|cpns/)
})

test('a question under another master key, changed, or old is not answered', async (t) => {
  const home = linked('home@example.org')
  const question = { what: 'rotate', gateway: 'home@example.org', pneId: 'pne-1' }
  const hub = new Hub()
  const { bus } = join(t, hub, home.gateways)
  const strangers = join(t, hub, noGateways, { key: randomBytes(32) })
  const late = join(t, hub, noGateways, { now: () => Date.now() - 11_000 })
  void strangers.inquiries.ask(question, 10)
  void late.inquiries.ask(question, 10)
  const honest = new Vault(Buffer.from(masterKey))
  const plaintext = Buffer.from(JSON.stringify({ at: Date.now(), content: question }))
  const asAnswer = honest.seal('message', 'answer x', plaintext).toString('base64')
  hub.join().publish({ type: 'ask', id: 'x', sealed: asAnswer })
  hub.join().publish({ type: 'ask', id: 'y', sealed: 'nonsense' })
  bus.publish({ type: 'changed' })
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  assert.deepEqual(home.rotated, [])
  const control = honest.seal('message', 'ask z', plaintext).toString('base64')
  hub.join().publish({ type: 'ask', id: 'z', sealed: control })
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  assert.deepEqual(home.rotated, ['pne-1'], 'one that is good is answered')
})

test('too many questions at once are answered by nothing, at once', async (t) => {
  const { inquiries } = join(t, new Hub(), noGateways)
  const asked = Array.from({ length: 200 }, () => inquiries.ask('anything', 60_000))
  assert.equal(await inquiries.ask('one more', 60_000), undefined)
  inquiries.close()
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([undefined]))
})
