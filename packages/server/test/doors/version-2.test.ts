// Version 2 of the link with gateways (docs/protocol.md section 4.4): reports, tickets and rotations that are asked for.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, mock, test } from 'node:test'
import { silent } from '@opencpns/io'
import {
  AuthenticationReport,
  AuthenticationsReport,
  decode,
  encode,
  formatPairingUri,
  PolicyNotice,
  Result,
  RotationNotice,
  TicketRequest,
  TicketResponse,
} from '@opencpns/protocol'
import { until } from '../../../../test/support/until.ts'
import { type CpnsDoor, openCpnsDoor } from '../../src/doors/cpns/door.ts'
import { Challenges, EventLog, initDataFolder, type NewEvent, openDataFolder, Registry } from '../../src/index.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { answerChallenge, ScriptedGateway } from './scripted-gateway.ts'

/** Only a fault takes so long. */
const limits = { timeoutMs: 30_000 }
const folder = temporaryFolder({ after })
const secrets = new Map<string, Buffer>()
const reports: [gateway: string, report: AuthenticationsReport, told: readonly AuthenticationReport[]][] = []
const recorded: NewEvent[] = []
const closers: (() => unknown)[] = []
let door: CpnsDoor

before(async () => {
  const dataDir = `${folder}/server`
  await initDataFolder(dataDir, { realm: 'example.org' })
  const { store, vault, realm } = await openDataFolder(dataDir)
  const events = new EventLog(store)
  const record = events.record.bind(events)
  events.record = (event) => {
    recorded.push(event)
    record(event)
  }
  const registry = new Registry({ store, vault, realm, events })
  await registry.addUser('alice')
  for (let i = 0; i < 40; i++) {
    const { identity, secret } = await registry.addGateway({ name: `gw-${i}`, user: 'alice' })
    secrets.set(identity, secret)
  }
  const challenges = new Challenges(vault.challengeKey(), realm)
  const gatewayReports = { reported: (...report: (typeof reports)[number]) => void reports.push(report) }
  const context = { realm, registry, challenges, events, gatewayReports, logger: silent, now: Date.now }
  door = await openCpnsDoor({ host: '127.0.0.1', port: 0 }, context)
  closers.push(
    () => door.close(100),
    () => registry.close(),
    () => events.close(),
    () => store.close(),
  )
})

after(async () => {
  for (const close of closers) await close()
})

let gateways = 0

/** A gateway of its own for each test, so that none hears what is meant for another. */
async function connect(t: { after(fn: () => void): void }, versions = [2, 1]) {
  const identity = `gw-${gateways++}@example.org`
  const { link } = await ScriptedGateway.connect(door.address, identity, secrets.get(identity) as Buffer, versions)
  t.after(() => link.destroy())
  const receive = async <M extends Parameters<typeof decode>[1]>(message: M) =>
    decode(await link.receive(limits), message)
  return { identity, link, receive }
}

const counts = { localAccepted: 0, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 0 }
const one = { sessionId: Buffer.alloc(16, 1), result: Result.success, atUs: 1764000000000000, serverRoundTrips: 0 }

test('a report of authentications is taken, with those that it tells', async (t) => {
  const { identity, link } = await connect(t)
  const told = encode(AuthenticationReport, { ...one, case: 0, step8Us: 900, pneId: 'pne-1' })
  await link.send(
    encode(AuthenticationsReport, { ...counts, spanMs: 250, localAccepted: 7, untold: 6, reports: [told] }),
  )
  while (!reports.some(([gateway]) => gateway === identity)) await new Promise(setImmediate)
  const [, report, all] = reports.find(([gateway]) => gateway === identity) ?? []
  assert.equal(report?.localAccepted, 7)
  assert.deepEqual(
    all?.map(({ step8Us, pneId }) => [step8Us, pneId]),
    [[900, 'pne-1']],
  )
})

const wrong: [what: string, versions: number[], body: () => Uint8Array][] = [
  [
    'a report in version 1 of the link',
    [1],
    () => encode(AuthenticationsReport, { ...counts, spanMs: 250, reports: [] }),
  ],
  ['a ticket in version 1 of the link', [1], () => encode(TicketResponse, { id: 1, result: Result.busy })],
  [
    'a report whose parts are none',
    [2],
    () => encode(AuthenticationsReport, { ...counts, spanMs: 250, reports: [Buffer.from('a1001835', 'hex')] }),
  ],
  [
    'a report with another message in it',
    [2],
    () => encode(AuthenticationsReport, { ...counts, spanMs: 250, reports: [encode(RotationNotice, { pneId: 'x' })] }),
  ],
  ['a message that only a server sends', [2], () => encode(TicketRequest, { id: 1 })],
]

for (const [what, versions, body] of wrong) {
  test(`${what} ends the link, and nothing is reported`, async (t) => {
    const { identity, link } = await connect(t, versions)
    await link.send(body())
    await assert.rejects(link.receive(limits), { code: 'LINK_CLOSED' })
    assert.ok(!reports.some(([gateway]) => gateway === identity))
  })
}

test('a gateway makes a ticket when the server asks, and the answers may come in any order', async (t) => {
  const { identity, link, receive } = await connect(t)
  t.mock.timers.enable({ apis: ['setTimeout'] }) // no deadline passes
  const first = door.gateways.makeTicket(identity, { name: 'watch', lifetimeS: 60 })
  const second = door.gateways.makeTicket(identity, {})
  const asked = [await receive(TicketRequest), await receive(TicketRequest)]
  assert.deepEqual(
    asked.map(({ name, lifetimeS }) => [name, lifetimeS]),
    [
      ['watch', 60],
      [undefined, undefined],
    ],
  )
  for (const { id } of asked.toReversed()) {
    await link.send(encode(TicketResponse, { id, ...ticketOf(identity, { ticketId: Buffer.alloc(16, id) }) }))
  }
  for (const [at, ticket] of [await first, await second].entries()) {
    const ticketId = Buffer.alloc(16, asked[at]?.id)
    assert.deepEqual(
      { ...ticket, result: Result.success },
      { ...ticketOf(identity, { ticketId }), ticketId: Uint8Array.from(ticketId) },
    )
  }
})

/** What a gateway says of a ticket; `changes` make it another one. */
function ticketOf(gateway: string, changes: { ticketId?: Buffer; expiresAtS?: number } = {}) {
  const ticket = { ticketId: Buffer.alloc(16, 5), expiresAtS: 1764000600, ...changes }
  const uri = formatPairingUri({ ...ticket, gateway, addresses: ['192.0.2.1:7411'], secret: Buffer.alloc(16, 6) })
  return { result: Result.success, uri, ...ticket }
}

const refusals: [
  what: string,
  answer: (gateway: string) => { [field in keyof TicketResponse]?: TicketResponse[field] | undefined },
][] = [
  ['refuses', () => ({ result: Result.busy })],
  ['refuses, and gives one nevertheless', (gateway) => ({ ...ticketOf(gateway), result: Result.busy })],
  ['says success without a URI', (gateway) => ({ ...ticketOf(gateway), uri: undefined })],
  ['says success without an id', (gateway) => ({ ...ticketOf(gateway), ticketId: undefined })],
  ['says success without an end', (gateway) => ({ ...ticketOf(gateway), expiresAtS: undefined })],
  ['gives a URI that is none', (gateway) => ({ ...ticketOf(gateway), uri: 'javascript:alert(1)' })],
  ['gives the ticket of another gateway', () => ticketOf('other@example.org')],
  ['gives another id than the URI has', (gateway) => ({ ...ticketOf(gateway), ticketId: Buffer.alloc(16, 7) })],
  ['gives another end than the URI has', (gateway) => ({ ...ticketOf(gateway), expiresAtS: 1764000601 })],
  [
    'gives one that lasts for a day',
    (gateway) => ticketOf(gateway, { expiresAtS: Math.floor(Date.now() / 1000) + 86400 }),
  ],
  [
    'gives one that lasts longer than any date',
    (gateway) => ticketOf(gateway, { expiresAtS: Number.MAX_SAFE_INTEGER }),
  ],
]

for (const [what, answer] of refusals) {
  test(`no ticket comes of a gateway that ${what}`, async (t) => {
    const { identity, link, receive } = await connect(t)
    t.mock.timers.enable({ apis: ['setTimeout'] }) // it is not for silence
    const ticket = door.gateways.makeTicket(identity, {})
    const rejected = assert.rejects(ticket, { name: 'GatewayUnavailable', code: 'GATEWAY_BUSY' })
    const { id } = await receive(TicketRequest)
    await link.send(encode(TicketResponse, { id, ...answer(identity) } as TicketResponse))
    await rejected
  })
}

test('a gateway that is silent, gone, away, too old or asked too often gives no ticket', async (t) => {
  const code = (code: string) => ({ name: 'GatewayUnavailable', code })
  await assert.rejects(door.gateways.makeTicket('nobody@example.org', {}), code('GATEWAY_NOT_CONNECTED'))
  const old = await connect(t, [1])
  await assert.rejects(door.gateways.makeTicket(old.identity, {}), code('GATEWAY_TOO_OLD'))
  await assert.rejects(door.gateways.askToRotate(old.identity, 'pne-1'), code('GATEWAY_TOO_OLD'))

  const { identity, link, receive } = await connect(t)
  mock.timers.enable({ apis: ['setTimeout'] })
  const silent = assert.rejects(door.gateways.makeTicket(identity, {}), code('GATEWAY_SILENT'))
  mock.timers.tick(4000)
  await silent
  mock.timers.reset()
  const late = await receive(TicketRequest)
  const many = Array.from({ length: 16 }, () => door.gateways.makeTicket(identity, {}))
  const gone = Promise.all(many.map((one) => assert.rejects(one, code('GATEWAY_NOT_CONNECTED'))))
  await assert.rejects(door.gateways.makeTicket(identity, {}), code('GATEWAY_BUSY'))
  // An answer that nobody waits for any more, and one that nobody ever asked for, are nothing.
  for (const id of [late.id, 4_000_000_000]) await link.send(encode(TicketResponse, { id, result: Result.success }))
  await receive(TicketRequest)
  link.destroy()
  await gone
})

test('a gateway is told to rotate the key of a PNE', async (t) => {
  const { identity, receive } = await connect(t)
  await door.gateways.askToRotate(identity, 'pne-1')
  assert.equal((await receive(RotationNotice)).pneId, 'pne-1')
  await assert.rejects(door.gateways.askToRotate('nobody@example.org', 'pne-1'), { code: 'GATEWAY_NOT_CONNECTED' })
})

test('who is connected is known, and since when', async (t) => {
  const before = Date.now()
  const { identity, link } = await connect(t)
  const since = door.gateways.connectedSince(identity) ?? 0
  assert.ok(since >= before && since <= Date.now())
  link.destroy()
  while (door.gateways.connectedSince(identity) !== undefined) await new Promise(setImmediate)
})

test('the ticket that a device came with is on record; the assignment is the same without', async (t) => {
  const identity = `gw-${gateways++}@example.org`
  const gateway = await ScriptedGateway.connect(door.address, identity, secrets.get(identity) as Buffer, [2])
  t.after(() => gateway.link.destroy())
  const secondSeed = randomBytes(32)
  const ticketId = randomBytes(16)
  const with_ = await gateway.assign(secondSeed, 'watch', ticketId)
  const without = await gateway.assign(secondSeed)
  assert.deepEqual({ ...with_, id: 0 }, { ...without, id: 0 })
  assert.equal((await gateway.confirm(secondSeed, ticketId)).result, Result.success)
  const ticket = ticketId.toString('base64url')
  const ofGateway = recorded.filter(
    ({ gateway, type }) => gateway === identity && (type === 'assignment' || type === 'confirmation'),
  )
  assert.deepEqual(
    ofGateway.map((event) => [event.type, event.ticket]),
    [
      ['assignment', ticket],
      ['assignment', undefined],
      ['confirmation', ticket],
    ],
  )
})

test('session id and trace context change nothing in the answer, whatever they say', async (t) => {
  const identity = `gw-${gateways++}@example.org`
  const gateway = await ScriptedGateway.connect(door.address, identity, secrets.get(identity) as Buffer, [2])
  t.after(() => gateway.link.destroy())
  const pne = await gateway.pair(randomBytes(32))
  const traceparents = [
    `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`,
    `00-${'f'.repeat(32)}-${'f'.repeat(16)}-ff`,
    `00-${'0af7651916cd43dd8448eb211c80319c'}-b7ad6b7169203331-01`,
  ]
  for (const traceparent of [undefined, ...traceparents]) {
    const challenge = await gateway.challenge()
    const { eap } = answerChallenge(pne, challenge)
    const record = traceparent && { sessionId: randomBytes(16), traceparent }
    const answer = await gateway.forward({ secondSeed: pne.secondSeed, challenge, eap, ...record })
    assert.equal(answer.result, Result.success)
    assert.equal(answer.pneId, pne.pneId)
  }
})

test('a policy is still told, first of all', async (t) => {
  const identity = `gw-${gateways++}@example.org`
  const gateway = await ScriptedGateway.connect(door.address, identity, secrets.get(identity) as Buffer, [2, 1])
  t.after(() => gateway.link.destroy())
  assert.equal(gateway.policy?.type, PolicyNotice.name)
})

test('a gateway has 64 links and no more: the oldest gives way, and the newest is asked', async (t) => {
  const identity = `gw-${gateways++}@example.org`
  const secret = secrets.get(identity) as Buffer
  const links: ScriptedGateway['link'][] = []
  t.after(() => {
    for (const link of links) link.destroy()
  })
  const connect = async () => {
    const { link } = await ScriptedGateway.connect(door.address, identity, secret, [2])
    links.push(link)
    return link
  }
  for (let n = 0; n < 64; n++) await connect()
  const are64 = () => door.load().links === 64
  await until(are64, 'links of other tests stay')
  const newest = await connect()
  await assert.rejects(links[0]?.receive(limits) ?? assert.fail(), { code: 'LINK_CLOSED' })
  await until(are64)
  await door.gateways.askToRotate(identity, 'pne-1')
  assert.equal(decode(await newest.receive(limits), RotationNotice).pneId, 'pne-1')
})
