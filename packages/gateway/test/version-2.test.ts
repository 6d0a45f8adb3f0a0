// Version 2 of the link to the server (docs/protocol.md section 4.4), at the gateway; and that in version 1 nothing of it is said.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  AuthenticationsReport,
  encode,
  KeyAssignmentResponse,
  KeyConfirmationResponse,
  parsePairingUri,
  Result,
  RotationNotice,
  RotationOffer,
  TicketRequest,
} from '@opencpns/protocol'
import { makeTicket } from '../src/tickets.ts'
import { startGateway, until } from './support/harness.ts'
import { issueChallenges, type ScriptedServer, type ServerRequest, startServer } from './support/scripted-server.ts'
import { answering, connect, secret, vouch } from './support/upstream.ts'

const versions = [1, 2]
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const report = encode(AuthenticationsReport, {
  spanMs: 250,
  localAccepted: 1,
  localRefused: 0,
  remoteAccepted: 0,
  remoteRefused: 0,
  undecided: 0,
  untold: 1,
  reports: [],
})

function play(request: ServerRequest): Uint8Array | undefined {
  if (request.type === 'KeyAssignmentRequest') {
    const pne = { euKey: Buffer.alloc(32, 1), pneId: 'pne-1' }
    return encode(KeyAssignmentResponse, { id: request.id, result: Result.success, ...pne })
  }
  if (request.type === 'KeyConfirmationRequest') {
    return encode(KeyConfirmationResponse, { id: request.id, result: Result.success })
  }
  return vouch(request)
}

async function linked(t: TestContext, version: number) {
  const server = await startServer(t, { secret, play, version })
  const gateway = connect(t, server)
  await until(() => gateway.told.includes('connected'))
  return { server, ...gateway }
}

const find = <T extends ServerRequest['type']>({ requests }: ScriptedServer, type: T) =>
  requests.find((one): one is Extract<ServerRequest, { type: T }> => one.type === type)

for (const version of versions) {
  test(`session id, trace context and ticket go to the server ${version === 2 ? '' : 'not '}in version ${version}`, async (t) => {
    const { server, upstream } = await linked(t, version)
    const { pne } = answering()
    const ticketId = randomBytes(16)
    const verdict = await upstream.authenticate({ ...pne, traceparent })
    await upstream.assignKey(pne.secondSeed, 'watch', ticketId)
    await upstream.confirmKey(pne.secondSeed, ticketId)
    assert.equal(verdict.result, Result.success)
    const request = find(server, 'ForwardedRequest')
    const hex = (octets: Uint8Array | undefined) => octets && Buffer.from(octets).toString('hex')
    const said = [
      hex(request?.sessionId),
      request?.traceparent,
      hex(find(server, 'KeyAssignmentRequest')?.ticketId),
      hex(find(server, 'KeyConfirmationRequest')?.ticketId),
    ]
    const session = Buffer.from(pne.sessionId, 'base64url').toString('hex')
    const expected = [session, traceparent, hex(ticketId), hex(ticketId)]
    assert.deepEqual(said, version === 2 ? expected : expected.map(() => undefined))
  })

  test(`reports go to the server ${version === 2 ? '' : 'not '}in version ${version}`, async (t) => {
    const { server, upstream } = await linked(t, version)
    assert.equal(upstream.tell(report), version === 2)
    if (version === 2) await until(() => find(server, 'AuthenticationsReport') !== undefined)
    assert.equal(find(server, 'AuthenticationsReport')?.localAccepted, version === 2 ? 1 : undefined)
  })
}

test('without a link a report is not sent', async (t) => {
  const { server, upstream } = await linked(t, 2)
  await server.close()
  await until(() => upstream.connection()?.connected === false)
  assert.equal(upstream.tell(report), false)
})

for (const [what, body] of [
  ['a ticket', encode(TicketRequest, { id: 1 })],
  ['a rotation', encode(RotationNotice, { pneId: 'pne-1' })],
] as const) {
  test(`a server that asks for ${what} in version 1 loses the link, and gets none`, async (t) => {
    const { server, told, tickets, lines } = await linked(t, 1)
    server.links[0]?.sendSoon(body)
    await until(() => lines.some((line) => line['event'] === 'server-lost'))
    assert.deepEqual([told.filter((one) => one.startsWith('rotate')), tickets], [[], []])
  })
}

test('a server in version 2 gets a ticket for each request, and its secret stands in no line of the log', async (t) => {
  const { server, tickets, lines } = await linked(t, 2)
  server.links[0]?.sendSoon(encode(TicketRequest, { id: 7, name: 'watch', lifetimeS: 60 }))
  server.links[0]?.sendSoon(encode(TicketRequest, { id: 8 }))
  await until(() => server.requests.filter(({ type }) => type === 'TicketResponse').length === 2)
  assert.deepEqual(tickets, [
    { name: 'watch', lifetimeS: 60 },
    { name: undefined, lifetimeS: undefined },
  ])
  const answer = find(server, 'TicketResponse')
  assert.deepEqual([answer?.id, answer?.result, answer?.uri], [7, Result.success, 'cpns:here'])
  assert.ok(!JSON.stringify(lines).includes('cpns:here'))
})

test('a server hears busy when no ticket can be made, and the link goes on', async (t) => {
  const { server, upstream, tickets, lines } = await linked(t, 2)
  Object.defineProperty(tickets, 'push', { value: () => assert.fail('the disk is full') })
  server.links[0]?.sendSoon(encode(TicketRequest, { id: 7 }))
  await until(() => find(server, 'TicketResponse') !== undefined)
  const { result, uri } = find(server, 'TicketResponse') ?? {}
  assert.deepEqual([result, uri], [Result.busy, undefined])
  assert.ok(lines.some((line) => line['event'] === 'ticket-failed'))
  assert.equal(upstream.connection()?.connected, true)
})

test('a ticket that the server asked for is like any other, for as long as it said', async (t) => {
  const gateway = await startGateway(t)
  const before = Math.floor(Date.now() / 1000)
  const { uri, expiresAtS, ticketId } = makeTicket(gateway.folder, { name: 'watch', lifetimeS: 60 })
  const ticket = parsePairingUri(uri)
  assert.deepEqual(Buffer.from(ticket.ticketId), Buffer.from(ticketId))
  assert.deepEqual(ticket.addresses, [`127.0.0.1:${gateway.address.port}`])
  assert.ok(expiresAtS >= before + 60 && expiresAtS <= before + 62)
  assert.equal(gateway.tickets.find(ticketId)?.name, 'watch')
})

test('the key of a PNE that is present is rotated when the server says so, and no other', async (t) => {
  const renewKey = async () => ({ result: Result.success, euKey: randomBytes(32), pneId: 'pne-1' }) as const
  const gateway = await startGateway(t, { upstream: { renewKey } })
  const [wanted, other] = [gateway.paired(), gateway.paired()]
  const presences = []
  for (const { secondSeed, euKey } of [wanted, other]) {
    const pne = await gateway.pne()
    await pne.authenticateLocally(euKey, { secondSeed })
    presences.push(pne)
  }
  gateway.rotations.askedFor('nobody')
  gateway.rotations.askedFor(wanted.pneId)
  await presences[0]?.receive(RotationOffer)
  assert.equal(gateway.folder.rotations.find(other.secondSeed)?.successor, undefined)
})

test('a rotation that was asked for while the PNE was away is begun in its next session, after a restart too', async (t) => {
  const renewKey = async () => ({ result: Result.success, euKey: randomBytes(32), pneId: 'pne-1' }) as const
  const first = await startGateway(t, { upstream: { renewKey } })
  const { pneId, secondSeed, euKey } = first.paired()
  first.rotations.askedFor(pneId)
  first.rotations.askedFor(pneId)
  await first.close()
  const second = await startGateway(t, { upstream: { renewKey }, dataDir: first.dataDir })
  const pne = await second.pne()
  await pne.authenticateLocally(euKey, { secondSeed })
  await pne.receive(RotationOffer)
})

test('challenges come in either version', async (t) => {
  for (const version of versions) {
    const server = await startServer(t, { secret, play: issueChallenges, version })
    connect(t, server)
    await until(() => find(server, 'ChallengeRequest') !== undefined)
  }
})
