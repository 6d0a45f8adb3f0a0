// GPSK-2 that is used again, and challenges that are old, forged, or another gateway's.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, type PneError } from '@opencpns/pne'
import {
  AuthenticationRequest,
  AuthenticationResponse,
  Challenge,
  ChallengeAnswer,
  decode,
  Result,
  SessionOffer,
} from '@opencpns/protocol'
import { ScriptedPne } from '../../packages/gateway/test/support/scripted-pne.ts'
import { answerChallenge, ScriptedGateway } from '../../packages/server/test/doors/scripted-gateway.ts'
import { passOn, Relay } from '../support/relay.ts'
import { Town } from '../support/stage.ts'
import { until } from '../support/until.ts'

let aheadMs = 0
let town: Town

before(async () => {
  town = await Town.open({ now: () => Date.now() + aheadMs })
})

after(() => town.close())

/** GPSK-2 of the honest PNE, as one on the path between it and hotel saw it. */
async function overheard(): Promise<{ eap: Uint8Array; challenge: Uint8Array }> {
  const frames: Buffer[] = []
  const path = await Relay.to(town.hotel.address, (piece) => {
    if (piece.clear) frames.push(piece.octets.subarray(4))
    return passOn(piece)
  })
  const session = await connect({ ...path.address, credential: town.watch })
  await session.close()
  await path.close()
  const [request = Buffer.of(), challenge = Buffer.of(), answer = Buffer.of(), offer = Buffer.of()] = frames
  decode(request, AuthenticationRequest)
  decode(offer, SessionOffer)
  return { challenge: decode(challenge, Challenge).eap, eap: decode(answer, ChallengeAnswer).eap }
}

for (const where of ['hotel', 'motel'] as const) {
  test(`GPSK-2 of another flow, replayed at ${where === 'hotel' ? 'the same' : 'another'} gateway, is refused`, async () => {
    const { eap } = await overheard()
    const gateway = where === 'hotel' ? town.hotel : await town.stage.gateway('motel-gw')
    await town.survives(async () => {
      const thief = await ScriptedPne.connect(gateway.address)
      await thief.request({ secondSeed: town.watch.secondSeed })
      await thief.receive(Challenge)
      await thief.send(ChallengeAnswer, { eap })
      const { result } = await thief.receive(AuthenticationResponse, SessionOffer).then(asResponse)
      assert.equal(result, Result.authenticationFailed)
      thief.close()
    })
  })
}

function asResponse(message: AuthenticationResponse | SessionOffer): AuthenticationResponse {
  assert.equal(message.type, 'AuthenticationResponse')
  return message as AuthenticationResponse
}

test('all that an eavesdropper heard, replayed with its challenge by a gateway of the server, serves no other gateway', async () => {
  const { eap, challenge } = await overheard()
  const { secondSeed } = town.watch
  const { identity, secret } = await town.stage.register('thief-gw')
  await town.survives(async () => {
    const thief = await ScriptedGateway.connect(town.stage.server.addresses.cpns, identity, secret)
    const answer = await thief.forward({ secondSeed, challenge, eap })
    assert.deepEqual([answer.result, answer.transientKey], [Result.challengeRefused, undefined])
    thief.link.destroy()
  })
})

test('a challenge of another gateway, or one of nobody, is refused to a gateway with a genuine credential', async () => {
  const { watch } = town
  const issuing = await town.stage.register('issuing-gw')
  const asking = await town.stage.register('asking-gw')
  await town.survives(async () => {
    const connectAs = ({ identity, secret }: typeof issuing) =>
      ScriptedGateway.connect(town.stage.server.addresses.cpns, identity, secret)
    const [one, other] = [await connectAs(issuing), await connectAs(asking)]
    const issued = await one.challenge()
    const forged = Uint8Array.from(issued)
    forged.set(crypto.getRandomValues(new Uint8Array(32)), forged.length - 50)
    for (const challenge of [issued, forged]) {
      const { eap } = answerChallenge(watch, challenge)
      const { result } = await other.forward({ secondSeed: watch.secondSeed, challenge, eap })
      assert.equal(result, Result.challengeRefused)
    }
    const { eap } = answerChallenge(watch, issued)
    const { result } = await one.forward({ secondSeed: watch.secondSeed, challenge: issued, eap })
    assert.equal(result, Result.success, 'to the gateway that it was issued to it is good')
    one.link.destroy()
    other.link.destroy()
  })
})

for (const [what, jumpMs] of [
  ['older than five minutes', 301_000],
  ['more than a minute ahead', -120_000], // they may be some seconds old
] as const) {
  test(`challenges ${what} are refused: the PNE hears busy, the gateway fetches new ones and serves again`, async () => {
    const { address } = town.hotel
    const before = town.stage.lines.length
    await (await connect({ ...address, credential: town.watch })).close()
    aheadMs = jumpMs
    const refused = await connect({ ...address, credential: town.watch }).catch((error: PneError) => error)
    assert.equal((refused as PneError).code, 'BUSY')
    const reasons = () => town.stage.lines.slice(before).map(({ reason }) => reason)
    await until(() => reasons().includes('CHALLENGE_EXPIRED'), `the server does not say why: ${reasons()}`)
    await until(async () => {
      const session = await connect({ ...address, credential: town.watch }).catch(() => undefined)
      await session?.close()
      return session !== undefined
    })
    aheadMs = 0
    // Those which were just fetched may be wrong now, by the other measure.
    await connect({ ...address, credential: town.watch }).catch(() => {})
    await town.survives(async () => {})
  })
}
