// Gateways that lie, above all one that the server knows and trusts: it must not get a session that belongs to another.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { type Address, acceptTlsPsk, type FrameLink } from '@opencpns/io'
import { connect, TransientKeys } from '@opencpns/pne'
import {
  Alpn,
  AuthenticationRequest,
  AuthenticationResponse,
  Case,
  Challenge,
  ChallengeAnswer,
  decode,
  deriveLocalKey,
  deriveSessionPsk,
  encode,
  peerIdentity,
  Result,
  SessionOffer,
} from '@opencpns/protocol'
import { ScriptedGateway } from '../../packages/server/test/doors/scripted-gateway.ts'
import { changedGateway } from '../support/changed-gateway.ts'
import { scriptedGateway } from '../support/scripted-gateway.ts'
import { Town } from '../support/stage.ts'
import { until } from '../support/until.ts'

const limits = { timeoutMs: 20_000 }
const HOME = 'home-gw@example.org'
const HOTEL = 'hotel-gw@example.org'
const refused = { code: 'AUTHENTICATION_FAILED' }

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

/** Step 7 as a gateway with this key; true if the PNE took part in it. */
async function secures(pne: FrameLink<Socket>, offer: Omit<SessionOffer, 'type'>, key: Uint8Array): Promise<boolean> {
  await pne.send(encode(SessionOffer, offer))
  const identity = Buffer.from(offer.sessionId).toString('base64url')
  const psk = deriveSessionPsk({ ...offer, key, transcriptHash: pne.transcriptHash() })
  const secured = acceptTlsPsk(pne.release(), { identity, psk, alpn: Alpn.session, ...limits })
  return secured.then(
    (tls) => Boolean(tls.destroy()),
    () => false,
  )
}

/** A memory of a PNE which takes every place for this one. */
function asAt(address: Address, kept: TransientKeys): TransientKeys {
  const changed = new TransientKeys()
  changed.find = (place) => kept.find({ ...place, ...address })
  return changed
}

const request = async (pne: FrameLink<Socket>) => decode(await pne.receive(limits), AuthenticationRequest)

test('a real gateway with a genuine credential that tells another identity than its own fails in step 7', async () => {
  const rogue = await changedGateway(town.stage, 'lying-gw', () => ({ identity: HOTEL }))
  await town.survives(async () => {
    await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
  })
  const refusals = () =>
    town.stage.lines.filter(({ event, gateway, reason }) => event === 'authentication' && gateway === HOTEL && reason)
  await until(() => refusals().length > 0)
  assert.equal(refusals()[0]?.['reason'], 'tls-refused', 'the server vouched, and it came as far as step 7')
})

test('two gateways that work together: a TK fetched by one is of no use for the identity of the other', async (t) => {
  const { identity, secret } = await town.stage.register('helping-gw')
  let took: boolean | undefined
  const server = await ScriptedGateway.connect(town.stage.server.addresses.cpns, identity, secret)
  const rogue = await scriptedGateway(t, async (pne) => {
    const { secondSeed } = await request(pne)
    const challenge = await server.challenge()
    await pne.send(encode(Challenge, { version: 1, gateway: HOTEL, eap: challenge }))
    const answer = decode(await pne.receive(limits), ChallengeAnswer)
    const { result, eap, transientKey } = await server.forward({ secondSeed, challenge, eap: answer.eap })
    assert.equal(result, Result.success)
    const offer = { version: 1, gateway: HOTEL, sessionId: randomBytes(16), case: Case.remote, eap: eap as Uint8Array }
    took = await secures(pne, offer, transientKey as Uint8Array)
  })
  await town.survives(async () => {
    await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
  })
  assert.equal(took, false)
  server.link.destroy()
})

test('a gateway that names itself in the Challenge and another in the SessionOffer is refused before step 7', async (t) => {
  const { identity, secret } = await town.stage.register('turning-gw')
  const server = await ScriptedGateway.connect(town.stage.server.addresses.cpns, identity, secret)
  const rogue = await scriptedGateway(t, async (pne, socket) => {
    const { secondSeed } = await request(pne)
    const challenge = await server.challenge()
    await pne.send(encode(Challenge, { version: 1, gateway: identity, eap: challenge }))
    const answer = decode(await pne.receive(limits), ChallengeAnswer)
    const { eap } = await server.forward({ secondSeed, challenge, eap: answer.eap })
    const offer = { version: 1, gateway: HOTEL, sessionId: randomBytes(16), case: Case.remote, eap: eap as Uint8Array }
    await pne.send(encode(SessionOffer, offer))
    await assert.rejects(pne.receive(limits), { code: 'LINK_CLOSED' })
    socket.destroy()
  })
  await town.survives(async () => {
    await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
  })
  server.link.destroy()
})

for (const gateway of [HOME, HOTEL]) {
  test(`the local case, offered as ${gateway} by a gateway that did not assign the key, is refused`, async (t) => {
    const guesses = [randomBytes(32), deriveLocalKey(randomBytes(32)), Buffer.alloc(32)]
    for (const key of guesses) {
      const rogue = await scriptedGateway(t, async (pne) => {
        await request(pne)
        assert.equal(
          await secures(pne, { version: 1, gateway, sessionId: randomBytes(16), case: Case.local }, key),
          false,
        )
      })
      await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
    }
    await town.survives(async () => {})
  })
}

test('the local case under another identity is refused even by the gateway that holds the EUKey', async (t) => {
  const rogue = await scriptedGateway(t, async (pne) => {
    await request(pne)
    const offer = { version: 1, gateway: HOTEL, sessionId: randomBytes(16), case: Case.local }
    assert.equal(await secures(pne, offer, deriveLocalKey(town.watch.euKey)), false)
  })
  await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
})

test('the remote case without EAP-GPSK is refused, with and without a TK that the PNE never had', async (t) => {
  for (const transientKeyId of [undefined, randomBytes(16)]) {
    const rogue = await scriptedGateway(t, async (pne) => {
      await request(pne)
      const named = transientKeyId && { transientKeyId }
      const offer = { version: 1, gateway: HOTEL, sessionId: randomBytes(16), case: Case.remote, ...named }
      assert.equal(await secures(pne, offer, randomBytes(32)), false)
    })
    await assert.rejects(connect({ ...rogue.address, credential: town.watch }), refused)
  }
})

test('the TK of one gateway, named at another, is of no use there: the whole of steps 3 to 6 is done', async () => {
  const transientKeys = new TransientKeys()
  const { address } = town.hotel
  await (await connect({ ...address, credential: town.watch, transientKeys })).close()
  const motel = await town.stage.gateway('motel-gw')
  const everywhere = asAt(address, transientKeys)
  const roundTrips = () =>
    town.stage.lines
      .filter(({ gateway, serverRoundTrips }) => gateway === motel.identity && serverRoundTrips !== undefined)
      .map(({ serverRoundTrips }) => serverRoundTrips)
  // With challenges at hand it asks the server once, without any twice.
  await (await connect({ ...motel.address, credential: town.watch })).close()
  await until(() => roundTrips().length === 1)
  await town.survives(async () => {
    const session = await connect({ ...motel.address, credential: town.watch, transientKeys: everywhere })
    assert.deepEqual([session.facts.case, session.facts.gateway], ['remote', motel.identity])
    await session.close()
    await until(() => roundTrips().length === 2)
    assert.equal(roundTrips()[1], 1)
  })
})

test('the TK that the PNE names is of no use to a gateway that does not have it, nor under another identity to one that has', async (t) => {
  const transientKeys = new TransientKeys()
  const { address } = town.hotel
  const credential = town.watch
  await (await connect({ ...address, credential, transientKeys })).close()
  const everywhere = asAt(address, transientKeys)
  const place = { pne: peerIdentity(credential.secondSeed, credential.realm), ...address }
  const { key } = transientKeys.find(place) as { key: Uint8Array }
  for (const [gateway, held] of [
    [HOTEL, randomBytes(32)],
    ['thief-gw@example.org', key],
  ] as const) {
    const rogue = await scriptedGateway(t, async (pne) => {
      const { transientKeyId } = await request(pne)
      assert.ok(transientKeyId, 'the PNE names its TK')
      const offer = { version: 1, gateway, sessionId: randomBytes(16), case: Case.remote, transientKeyId }
      assert.equal(await secures(pne, offer, held), false)
    })
    await town.survives(async () => {
      await assert.rejects(connect({ ...rogue.address, credential, transientKeys: everywhere }), refused)
    })
  }
})

test('success in the clear is no success, and neither is success under a key that the PNE does not have', async (t) => {
  const rogue = await scriptedGateway(t, async (pne) => {
    await request(pne)
    await pne.send(encode(AuthenticationResponse, { result: Result.success }))
  })
  await assert.rejects(connect({ ...rogue.address, credential: town.watch }), { code: 'PROTOCOL_VIOLATION' })
  await town.survives(async () => {})
})
