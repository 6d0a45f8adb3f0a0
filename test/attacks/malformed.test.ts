// Frames and messages that are none, at every place where a party waits for one: the connection ends, and nothing else does.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { acceptTlsPsk, connectTcp, FrameLink, IoError } from '@opencpns/io'
import { connect, type PneError, type Session } from '@opencpns/pne'
import {
  Alpn,
  AssignmentRequest,
  AuthenticationRequest,
  AuthenticationResponse,
  AuthenticationsReport,
  Case,
  Challenge,
  ChallengeAnswer,
  ChallengeRequest,
  decode,
  deriveLocalKey,
  deriveSessionPsk,
  encode,
  Hello,
  HelloOffer,
  HelloResponse,
  type Message,
  PairingOffer,
  PairingRequest,
  PairingResponse,
  Ping,
  PNE_FRAME_MAX_OCTETS,
  Pong,
  parsePairingUri,
  Result,
  SERVER_FRAME_MAX_OCTETS,
  SessionOffer,
  TicketResponse,
} from '@opencpns/protocol'
import { ScriptedPne } from '../../packages/gateway/test/support/scripted-pne.ts'
import { ScriptedGateway } from '../../packages/server/test/doors/scripted-gateway.ts'
import { framed, malformedBodies, malformedFrames } from '../support/malformed.ts'
import { scriptedGateway } from '../support/scripted-gateway.ts'
import { REALM, Town } from '../support/stage.ts'

const limits = { timeoutMs: 20_000 }
const version = 1
const gatewayName = 'rogue-gw@example.org'

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

type Attack = readonly [what: string, octets: Buffer]

/** Everything that is wrong in place of this message, as octets on the wire. */
function wrong(good: Uint8Array, maxOctets: number): Attack[] {
  const bodies = Object.entries(malformedBodies(good)).map(([what, body]): Attack => [what, framed(body)])
  return [...bodies, ...Object.entries(malformedFrames(maxOctets))]
}

/** The other side ends the connection; before that it may say malformed-message, and nothing else. */
async function ends(link: FrameLink, what: string): Promise<void> {
  for (;;) {
    let body: Buffer
    try {
      body = await link.receive({ timeoutMs: 20_000 })
    } catch (error) {
      assert.ok(error instanceof IoError && error.code === 'LINK_CLOSED', `${what}: ${error}`)
      return
    }
    const { result } = decode(body, AuthenticationResponse, PairingResponse, HelloResponse)
    assert.equal(result, Result.malformedMessage, what)
  }
}

const brokenOff = new Set(['a frame that breaks off', 'half a length'])

/** Sends octets as they are. Only where something shall be missing the stream ends: otherwise it is for the receiver to end it. */
function send(stream: Duplex, [what, octets]: Attack): void {
  if (brokenOff.has(what)) stream.end(octets)
  else stream.write(octets)
}

const request = () => encode(AuthenticationRequest, { versions: [1], secondSeed: town.watch.secondSeed, realm: REALM })

const tracedRequest = () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  return encode(AuthenticationRequest, { versions: [1], secondSeed: town.watch.secondSeed, realm: REALM, traceparent })
}

const atGateway: Record<string, { good: () => Uint8Array; reach: (pne: ScriptedPne) => Promise<unknown> }> = {
  'AuthenticationRequest, the first frame': { good: request, reach: async () => {} },
  'AuthenticationRequest in a trace, the first frame': { good: tracedRequest, reach: async () => {} },
  'PairingRequest, the first frame': {
    good: () => encode(PairingRequest, { versions: [1], ticketId: randomBytes(16) }),
    reach: async () => {},
  },
  'ChallengeAnswer, after a Challenge': {
    good: () => encode(ChallengeAnswer, { eap: randomBytes(40) }),
    reach: async (pne) => {
      await pne.request({ secondSeed: randomBytes(32) })
      await pne.receive(Challenge)
    },
  },
  'AssignmentRequest, inside the TLS of a pairing': {
    good: () => encode(AssignmentRequest, { deviceNonce: randomBytes(32) }),
    reach: async (pne) => pne.openPairing(parsePairingUri(await town.stage.ticket('home-gw', 'wrong'))),
  },
  'Ping, in a presence': {
    good: () => encode(Ping, {}),
    reach: (pne) => pne.authenticateLocally(town.watch.euKey, { secondSeed: town.watch.secondSeed }),
  },
}

for (const [moment, { good, reach }] of Object.entries(atGateway)) {
  test(`the gateway ends a connection for anything malformed in place of ${moment}`, async () => {
    await town.survives(async () => {
      for (const attack of wrong(good(), PNE_FRAME_MAX_OCTETS)) {
        const pne = await ScriptedPne.connect(town.home.address)
        await reach(pne)
        send(pne.link.socket, attack)
        await ends(pne.link, attack[0])
        pne.close()
      }
    })
    const mistakes = town.stage.lines.filter(({ event }) => event === 'fault' || event === 'internal-error')
    assert.deepEqual(mistakes, [])
  })
}

const atServer: Record<string, { good: Uint8Array; reach: () => Promise<FrameLink> }> = {
  'Hello, the first frame': {
    good: encode(Hello, { versions: [1], gateway: gatewayName }),
    reach: async () =>
      new FrameLink(await connectTcp({ ...town.stage.server.addresses.cpns, ...limits }), {
        maxFrameOctets: PNE_FRAME_MAX_OCTETS,
      }),
  },
  'a request, inside TLS': {
    good: encode(ChallengeRequest, { id: 1, count: 1 }),
    reach: async () =>
      (await ScriptedGateway.connect(town.stage.server.addresses.cpns, gatewayName, await secret())).link,
  },
}

const counts = { localAccepted: 1, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 1 }
const version2 = async () =>
  (await ScriptedGateway.connect(town.stage.server.addresses.cpns, gatewayName, await secret(), [2, 1])).link

for (const [what, good] of Object.entries({
  'a report': encode(AuthenticationsReport, { ...counts, spanMs: 250, reports: [] }),
  'a ticket': encode(TicketResponse, { id: 1, result: Result.busy }),
})) {
  atServer[`${what}, inside TLS in version 2`] = { good, reach: version2 }
}

let rogueSecret: Buffer | undefined
async function secret(): Promise<Buffer> {
  rogueSecret ??= (await town.stage.register('rogue-gw')).secret
  return rogueSecret
}

for (const [moment, { good, reach }] of Object.entries(atServer)) {
  test(`the server ends a connection for anything malformed in place of ${moment}`, async () => {
    const max = moment.startsWith('Hello') ? PNE_FRAME_MAX_OCTETS : SERVER_FRAME_MAX_OCTETS
    await town.survives(async () => {
      for (const attack of wrong(good, max)) {
        const link = await reach()
        send(link.socket, attack)
        await ends(link, attack[0])
        link.socket.destroy()
      }
    })
    const mistakes = town.stage.lines.filter(({ event }) => event === 'fault' || event === 'internal-error')
    assert.deepEqual(mistakes, [])
  })
}

/** A gateway that has the EUKey of the honest PNE: up to the end of step 7. */
async function secured(pne: FrameLink<Socket>): Promise<FrameLink> {
  const sessionId = randomBytes(16)
  const offer = { version, gateway: town.watch.gateway, sessionId, case: Case.local }
  await pne.send(encode(SessionOffer, offer))
  const key = deriveLocalKey(town.watch.euKey)
  const psk = deriveSessionPsk({ ...offer, key, transcriptHash: pne.transcriptHash() })
  const identity = sessionId.toString('base64url')
  const tls = await acceptTlsPsk(pne.release(), { identity, psk, alpn: Alpn.session, ...limits })
  return new FrameLink(tls, { maxFrameOctets: PNE_FRAME_MAX_OCTETS })
}

type Answering = (pne: FrameLink<Socket>) => Promise<FrameLink>

const challenge = async () => {
  const rogue = await ScriptedGateway.connect(town.stage.server.addresses.cpns, gatewayName, await secret())
  const eap = await rogue.challenge()
  rogue.link.destroy()
  return eap
}

const atPne: Record<string, { good: () => Uint8Array; reach: Answering }> = {
  'the first answer': {
    good: () => encode(Challenge, { version, gateway: gatewayName, eap: randomBytes(100) }),
    reach: async (pne) => pne,
  },
  'the SessionOffer, after a Challenge': {
    good: () => encode(SessionOffer, { version, gateway: gatewayName, sessionId: randomBytes(16), case: Case.remote }),
    reach: async (pne) => {
      await pne.send(encode(Challenge, { version, gateway: gatewayName, eap: await challenge() }))
      decode(await pne.receive(limits), ChallengeAnswer)
      return pne
    },
  },
  'step 8, inside TLS': { good: () => encode(AuthenticationResponse, { result: Result.success }), reach: secured },
}

/** A gateway that answers step 1 by what `reach` does, and then sends these octets. */
const sending = (reach: Answering, attack: Attack) => async (pne: FrameLink<Socket>) => {
  decode(await pne.receive(limits), AuthenticationRequest)
  send((await reach(pne)).socket, attack)
}

for (const [moment, { good, reach }] of Object.entries(atPne)) {
  test(`the PNE fails, and says so, for anything malformed in place of ${moment}`, async (t) => {
    let attack: Attack = ['', Buffer.of()]
    const rogue = await scriptedGateway(t, (pne) => sending(reach, attack)(pne))
    await town.survives(async () => {
      for (attack of wrong(good(), PNE_FRAME_MAX_OCTETS)) {
        const [what] = attack
        const code = await connect({ ...rogue.address, credential: town.watch }).then(
          () => 'success',
          (error: PneError) => error.code,
        )
        assert.equal(code, brokenOff.has(what) ? 'UNREACHABLE' : 'PROTOCOL_VIOLATION', what)
      }
    })
  })
}

test('the PNE ends its presence for anything malformed in it', async (t) => {
  let attack: Attack = ['', Buffer.of()]
  const rogue = await scriptedGateway(t, async (pne) => {
    decode(await pne.receive(limits), AuthenticationRequest)
    const link = await secured(pne)
    await link.send(encode(AuthenticationResponse, { result: Result.success }))
    send(link.socket, attack)
  })
  await town.survives(async () => {
    for (attack of wrong(encode(Ping, {}), PNE_FRAME_MAX_OCTETS)) {
      const [what] = attack
      const session: Session = await connect({ ...rogue.address, credential: town.watch })
      assert.equal(await session.closed, brokenOff.has(what) ? 'lost' : 'violation', what)
    }
  })
})

const strange = [9, 255]

test('a version that nobody speaks is refused by each party, with a list where that is due', async (t) => {
  await town.survives(async () => {
    for (const [first, answer] of [
      [
        encode(AuthenticationRequest, { versions: strange, secondSeed: randomBytes(32), realm: REALM }),
        AuthenticationResponse,
      ],
      [encode(PairingRequest, { versions: strange, ticketId: randomBytes(16) }), PairingResponse],
    ] as const) {
      const pne = await ScriptedPne.connect(town.home.address)
      await pne.link.send(first)
      const { result, versions } = decode(
        await pne.link.receive(limits),
        answer as Message,
      ) as unknown as AuthenticationResponse
      assert.deepEqual([result, versions], [Result.unsupportedVersion, [1]])
      await ends(pne.link, 'after the refusal')
      pne.close()
    }
    const link = await (atServer['Hello, the first frame'] as { reach(): Promise<FrameLink> }).reach()
    await link.send(encode(Hello, { versions: strange, gateway: gatewayName }))
    const { result, versions } = decode(await link.receive(limits), HelloResponse, HelloOffer) as HelloResponse
    assert.deepEqual([result, versions], [Result.unsupportedVersion, [2, 1]])
    await ends(link, 'after the refusal')
    link.socket.destroy()
  })

  const answers = [
    encode(Challenge, { version: 9, gateway: gatewayName, eap: randomBytes(100) }),
    encode(SessionOffer, { version: 9, gateway: town.watch.gateway, sessionId: randomBytes(16), case: Case.local }),
  ]
  for (const answer of answers) {
    const rogue = await scriptedGateway(
      t,
      sending(async (pne) => pne, ['another version', framed(answer)]),
    )
    await assert.rejects(connect({ ...rogue.address, credential: town.watch }), { code: 'PROTOCOL_VIOLATION' })
  }
})

test('a good message of another place or direction is refused like no message', async () => {
  const elsewhere: Uint8Array[] = [
    encode(Ping, {}),
    encode(Pong, {}),
    encode(AuthenticationResponse, { result: Result.success }),
    encode(ChallengeAnswer, { eap: randomBytes(40) }),
    encode(PairingOffer, { version, gateway: gatewayName, sessionId: randomBytes(16) }),
    encode(Hello, { versions: [1], gateway: gatewayName }),
    encode(ChallengeRequest, { id: 1, count: 1 }),
  ]
  await town.survives(async () => {
    for (const body of elsewhere) {
      const pne = await ScriptedPne.connect(town.home.address)
      await pne.link.send(body)
      await ends(pne.link, `message ${body[2]}`)
      pne.close()
    }
  })
})
