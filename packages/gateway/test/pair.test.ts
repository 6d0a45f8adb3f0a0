import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  type Assignment,
  AssignmentRequest,
  PairingResponse,
  parsePairingUri,
  Result,
  revocationTag,
} from '@opencpns/protocol'
import { createTicket } from '../src/tickets.ts'
import type { Upstream } from '../src/upstream/upstream.ts'
import { name, scriptedUpstream, startGateway, temporaryFolder, until } from './support/harness.ts'

/** A server that calculates EUKeys in its own way, and notes what it was asked. */
function assigningServer(): { upstream: Upstream; asked: Record<'assign' | 'confirm' | 'names', unknown[]> } {
  const asked = { assign: [] as unknown[], confirm: [] as unknown[], names: [] as unknown[] }
  const upstream = scriptedUpstream({
    assignKey: async (secondSeed, pneName) => {
      const euKey = createHash('sha256').update(secondSeed).digest()
      asked.assign.push(Buffer.from(secondSeed).toString('hex'))
      asked.names.push(pneName)
      return { result: Result.success, euKey, pneId: `pne-${euKey.toString('hex', 0, 4)}` }
    },
    confirmKey: async (secondSeed) => {
      asked.confirm.push(Buffer.from(secondSeed).toString('hex'))
      return { result: Result.success }
    },
  })
  return { upstream, asked }
}

async function gatewayWithTicket(t: TestContext, played?: Partial<Upstream>) {
  const { upstream, asked } = assigningServer()
  const gateway = await startGateway(t, { upstream: { ...upstream, ...played } })
  const { uri } = await createTicket({ dataDir: gateway.dataDir, name: 'watch' })
  return { gateway, ticket: parsePairingUri(uri), asked, upstream }
}

function assignment(message: Assignment | PairingResponse): Assignment {
  assert.equal(message.type, 'Assignment')
  return message as Assignment
}

test('pairing: the PNE gets its credential, and the local case is open to it', async (t) => {
  const { gateway, ticket, asked } = await gatewayWithTicket(t)
  const pne = await gateway.pne()
  const { secondSeed, euKey, realm } = assignment(await pne.askAssignment(ticket, randomBytes(32)))
  assert.equal(realm, name.realm)
  assert.equal(gateway.keys.find(secondSeed), undefined, 'pending keys authenticate nobody')
  assert.equal((await pne.confirm()).result, Result.success)
  assert.deepEqual(asked.names, ['watch'])
  assert.deepEqual(asked.confirm, [Buffer.from(secondSeed).toString('hex')])

  const later = await gateway.pne()
  assert.equal((await later.authenticateLocally(euKey, { secondSeed })).result, Result.success)
  assert.ok(gateway.lines.some((line) => line['event'] === 'pairing' && line['result'] === 'success'))
})

test('an unknown ticket gets an offer like any other; only TLS fails', async (t) => {
  const { gateway, ticket } = await gatewayWithTicket(t)
  const pne = await gateway.pne()
  await assert.rejects(pne.openPairing({ ...ticket, ticketId: randomBytes(16) }), { code: 'TLS_REFUSED' })
})

test('a known ticket with a wrong secret fails in TLS', async (t) => {
  const { gateway, ticket } = await gatewayWithTicket(t)
  const pne = await gateway.pne()
  await assert.rejects(pne.openPairing({ ...ticket, secret: randomBytes(16) }), { code: 'TLS_REFUSED' })
})

test('a ticket that was used: the same device gets the same again, another one is told so', async (t) => {
  const { gateway, ticket } = await gatewayWithTicket(t)
  const nonce = randomBytes(32)
  const first = await gateway.pne()
  const one = assignment(await first.askAssignment(ticket, nonce))
  await first.confirm()

  const again = await gateway.pne()
  const two = assignment(await again.askAssignment(ticket, nonce))
  assert.deepEqual(two, one)
  assert.ok(gateway.keys.find(one.secondSeed), 'it stays active meanwhile')
  assert.equal((await again.confirm()).result, Result.success)

  const other = await gateway.pne()
  const refused = await other.askAssignment(ticket, randomBytes(32))
  assert.deepEqual(refused, { type: 'PairingResponse', result: Result.ticketUsed })
})

test('another device before the confirmation: the pending assignment is dropped, the first one shut out', async (t) => {
  const { gateway, ticket, asked } = await gatewayWithTicket(t)
  const first = await gateway.pne()
  const one = assignment(await first.askAssignment(ticket, randomBytes(32)))
  const second = await gateway.pne()
  const two = assignment(await second.askAssignment(ticket, randomBytes(32)))
  assert.notDeepEqual(two.secondSeed, one.secondSeed)
  assert.equal(gateway.keys.findAssigned(one.secondSeed), undefined)

  assert.equal((await first.confirm()).result, Result.authenticationFailed)
  assert.equal((await second.confirm()).result, Result.success)
  assert.deepEqual(asked.confirm, [Buffer.from(two.secondSeed).toString('hex')])
})

test('an expired ticket is told so, inside TLS', async (t) => {
  const { gateway } = await gatewayWithTicket(t)
  const expiresAtS = Math.floor(Date.now() / 1000) - 1
  const ticket = { ticketId: randomBytes(16), secret: randomBytes(16), expiresAtS }
  gateway.tickets.add(ticket)
  const pne = await gateway.pne()
  const refused = await pne.askAssignment({ ...ticket, addresses: [], gateway: name.identity }, randomBytes(32))
  assert.deepEqual(refused, { type: 'PairingResponse', result: Result.ticketExpired })
})

for (const [what, played, result] of [
  ['is away', { assignKey: undefined }, Result.serverUnreachable],
  ['refuses the assignment', 'assignKey', Result.authenticationFailed],
  ['refuses the confirmation', 'confirmKey', Result.authenticationFailed],
] as const) {
  test(`the server ${what}: the PNE is told inside TLS, and no key is active`, async (t) => {
    const refuse = async () => ({ result, reason: 'server-refused' }) as const
    const method = typeof played === 'string' ? played : 'assignKey'
    const { gateway, ticket } = await gatewayWithTicket(t, { [method]: refuse })
    const pne = await gateway.pne()
    let answer = await pne.askAssignment(ticket, randomBytes(32))
    const seed = answer.type === 'Assignment' ? answer.secondSeed : undefined
    if (seed) answer = await pne.confirm()
    assert.deepEqual(answer, { type: 'PairingResponse', result })
    if (seed) assert.equal(gateway.keys.find(seed), undefined)
  })
}

test('malformed and unexpected messages inside TLS end the pairing', async (t) => {
  const { gateway, ticket, asked } = await gatewayWithTicket(t)
  const pne = await gateway.pne()
  await pne.openPairing(ticket)
  await pne.send(PairingResponse, { result: 0 })
  assert.equal((await pne.receive(PairingResponse)).result, Result.malformedMessage)
  const silent = await gateway.pne()
  await silent.openPairing(ticket)
  silent.close()
  assert.equal(asked.assign.length, 0)
})

// The gateway dies at each point, and comes up again on the same folder; the PNE goes on with the same ticket and nonce.
const crashes: Record<string, (upstream: Upstream, die: () => Promise<never>) => Partial<Upstream>> = {
  'before the server was asked': (_, die) => ({ assignKey: die }),
  'after the server assigned': (upstream, die) => ({
    assignKey: (secondSeed, pneName) => upstream.assignKey(secondSeed, pneName).then(die),
  }),
  'before the server confirmed': (_, die) => ({ confirmKey: die }),
  'after the server confirmed': (upstream, die) => ({
    confirmKey: (secondSeed) => upstream.confirmKey(secondSeed).then(die),
  }),
}

for (const [when, crash] of Object.entries(crashes)) {
  test(`the gateway dies ${when}: the same attempt again gives the same assignment`, async (t) => {
    const { upstream, asked } = assigningServer()
    const dataDir = await temporaryFolder(t)
    const nonce = randomBytes(32)
    let dead = false
    const die = async (): Promise<never> => {
      dying.die()
      dead = true
      throw new Error('the gateway is dead')
    }
    const dying = await startGateway(t, { dataDir, upstream: { ...upstream, ...crash(upstream, die) } })
    const ticket = parsePairingUri((await createTicket({ dataDir })).uri)
    const pne = await dying.pne()
    const before = pne.askAssignment(ticket, nonce).then((message) => {
      void pne.confirm().catch(() => {})
      return assignment(message)
    })
    before.catch(() => {})
    await until(() => dead)
    pne.close()

    const gateway = await startGateway(t, { dataDir, upstream })
    const again = await gateway.pne()
    const { secondSeed, euKey } = assignment(await again.askAssignment(ticket, nonce))
    assert.equal((await again.confirm()).result, Result.success)
    const seed = Buffer.from(secondSeed).toString('hex')
    assert.ok(asked.assign.every((one) => one === seed))
    const held = await before.catch(() => undefined)
    if (held) assert.deepEqual(held.secondSeed, secondSeed)
    const later = await gateway.pne()
    assert.equal((await later.authenticateLocally(euKey, { secondSeed })).result, Result.success)
  })
}

test('the PNE dies before its credential is stored, or before it hears of the success: it goes on', async (t) => {
  const { gateway, ticket } = await gatewayWithTicket(t)
  const nonce = randomBytes(32)
  const first = await gateway.pne()
  await first.openPairing(ticket)
  await first.send(AssignmentRequest, { deviceNonce: nonce })
  first.close()
  const second = await gateway.pne()
  const { secondSeed } = assignment(await second.askAssignment(ticket, nonce))
  void second.confirm().catch(() => {})
  await until(() => gateway.keys.find(secondSeed) !== undefined)
  second.close()
  const third = await gateway.pne()
  assert.deepEqual(assignment(await third.askAssignment(ticket, nonce)).secondSeed, secondSeed)
  assert.equal((await third.confirm()).result, Result.success)
})

test('a revoked PNE cannot get its credential back with its ticket', async (t) => {
  const { gateway, ticket } = await gatewayWithTicket(t)
  const nonce = randomBytes(32)
  const pne = await gateway.pne()
  const { secondSeed } = assignment(await pne.askAssignment(ticket, nonce))
  await pne.confirm()
  gateway.records.revocationLog.revoke([revocationTag(secondSeed)], 1)
  const again = await gateway.pne()
  await assert.rejects(again.askAssignment(ticket, nonce), { code: 'TLS_REFUSED' })
})
