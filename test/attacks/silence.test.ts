// Those who connect and say nothing, or one octet a second: at every step there is a deadline, and everywhere a bound.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as open, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { type Address, acceptTlsPsk, FrameLink } from '@opencpns/io'
import { connect, pair } from '@opencpns/pne'
import {
  Alpn,
  AuthenticationRequest,
  Case,
  Challenge,
  ChallengeAnswer,
  decode,
  deriveLocalKey,
  deriveSessionPsk,
  encode,
  FLOW_DEADLINE_MS,
  formatPairingUri,
  Hello,
  HelloOffer,
  PairingOffer,
  PairingRequest,
  PNE_FRAME_MAX_OCTETS,
  parsePairingUri,
  SessionOffer,
} from '@opencpns/protocol'
import { ScriptedPne } from '../../packages/gateway/test/support/scripted-pne.ts'
import { framed } from '../support/malformed.ts'
import { scriptedGateway } from '../support/scripted-gateway.ts'
import { openSockets, REALM, Town } from '../support/stage.ts'

const limits = { timeoutMs: 20_000 }
/** docs/protocol.md section 8: gateway and server wait for 5 s. A busy machine is late, and never early. */
const SOONEST_MS = 4500
const LATEST_MS = 20_000

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

const clientHello = Buffer.concat([Buffer.from('160301020001', 'hex'), randomBytes(200)])

/** One octet now, and one each second. */
function dribble(socket: Socket, octets: Uint8Array): void {
  let sent = 0
  const next = () => socket.write(octets.subarray(sent, ++sent))
  next()
  const timer = setInterval(next, 1000)
  socket.once('close', () => clearInterval(timer))
}

async function toGateway(): Promise<ScriptedPne> {
  return ScriptedPne.connect(town.hotel.address)
}

async function toServer(): Promise<FrameLink<Socket>> {
  const socket = open(town.stage.server.addresses.cpns)
  await once(socket, 'connect')
  return new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS })
}

const request = () => ({ secondSeed: town.watch.secondSeed })
const hello = encode(Hello, { versions: [1], gateway: 'home-gw@example.org' })

async function challenged(): Promise<ScriptedPne> {
  const pne = await toGateway()
  await pne.request(request())
  await pne.receive(Challenge)
  return pne
}

async function offered(): Promise<ScriptedPne> {
  const pne = await ScriptedPne.connect(town.home.address)
  await pne.request(request())
  await pne.receive(SessionOffer)
  return pne
}

async function ticket() {
  return parsePairingUri(await town.stage.ticket('home-gw', 'silent'))
}

/** Each brings a connection to where it falls silent, or dribbles; the socket is one that the other side must end. */
const ways: Record<string, () => Promise<Socket>> = {
  'a PNE that says nothing': async () => (await toGateway()).socket,
  'a PNE that dribbles its AuthenticationRequest': async () => {
    const { socket } = await toGateway()
    dribble(socket, framed(encode(AuthenticationRequest, { versions: [1], realm: REALM, ...request() })))
    return socket
  },
  'a PNE that never answers the Challenge': async () => (await challenged()).socket,
  'a PNE that dribbles its ChallengeAnswer': async () => {
    const { socket } = await challenged()
    dribble(socket, framed(encode(ChallengeAnswer, { eap: randomBytes(100) })))
    return socket
  },
  'a PNE that never begins TLS': async () => (await offered()).socket,
  'a PNE that dribbles its ClientHello': async () => {
    const { socket } = await offered()
    dribble(socket, clientHello)
    return socket
  },
  'a PNE that never begins the TLS of a pairing': async () => {
    const pne = await ScriptedPne.connect(town.home.address)
    await pne.send(PairingRequest, { versions: [1], ticketId: (await ticket()).ticketId })
    await pne.receive(PairingOffer)
    return pne.socket
  },
  'a PNE that has a ticket and asks for nothing': async () => {
    const pne = await ScriptedPne.connect(town.home.address)
    await pne.openPairing(await ticket())
    return pne.socket
  },
  'a PNE that never confirms its assignment': async () => {
    const pne = await ScriptedPne.connect(town.home.address)
    assert.equal((await pne.askAssignment(await ticket(), randomBytes(32))).type, 'Assignment')
    return pne.socket
  },
  'a gateway that says nothing to the server': async () => (await toServer()).socket,
  'a gateway that dribbles its Hello': async () => {
    const { socket } = await toServer()
    dribble(socket, framed(hello))
    return socket
  },
  'a gateway that never begins TLS': async () => {
    const link = await toServer()
    await link.send(hello)
    decode(await link.receive(limits), HelloOffer)
    return link.socket
  },
  'a gateway that dribbles its ClientHello': async () => {
    const link = await toServer()
    await link.send(hello)
    decode(await link.receive(limits), HelloOffer)
    dribble(link.socket, clientHello)
    return link.socket
  },
}

suite('the other side ends the connection after five seconds', { concurrency: true }, () => {
  for (const [who, begin] of Object.entries(ways)) {
    test(who, async () => {
      const since = performance.now() // the other side may begin to wait before we hear that it does
      const socket = await begin()
      socket.on('error', () => {}).resume()
      await new Promise((resolve) => socket.once('close', resolve)) // also after a reset
      const ms = performance.now() - since
      assert.ok(ms > SOONEST_MS && ms < LATEST_MS, `it took ${Math.round(ms)} ms`)
    })
  }
})

test('those who were silent have left nothing behind, and the honest PNE is served', async () => {
  await town.survives(async () => {})
})

const offer = { version: 1, gateway: 'home-gw@example.org', sessionId: randomBytes(16), case: Case.local }

/** Step 7 with the EUKey of the honest PNE. */
async function secured(pne: FrameLink<Socket>): Promise<Socket> {
  await pne.send(encode(SessionOffer, offer))
  const psk = deriveSessionPsk({
    ...offer,
    key: deriveLocalKey(town.watch.euKey),
    transcriptHash: pne.transcriptHash(),
  })
  const identity = Buffer.from(offer.sessionId).toString('base64url')
  return acceptTlsPsk(pne.release(), { identity, psk, alpn: Alpn.session, ...limits })
}

/** Gateways that stop in the middle, by how. */
const stops: Record<string, (pne: FrameLink<Socket>, socket: Socket) => Promise<unknown>> = {
  'says nothing': async () => {},
  'dribbles its first answer': async (_, socket) => dribble(socket, framed(encode(SessionOffer, offer))),
  'never takes part in TLS': async (pne) => pne.send(encode(SessionOffer, offer)),
  'never says step 8': secured,
  'dribbles step 8': async (pne) => dribble(await secured(pne), framed(randomBytes(5))),
}

suite('the PNE gives up in time on a gateway that', { concurrency: true }, () => {
  for (const [how, stop] of Object.entries(stops)) {
    test(how, async (t) => {
      const rogue = await scriptedGateway(t, async (pne, socket) => {
        decode(await pne.receive(limits), AuthenticationRequest)
        await stop(pne, socket)
      })
      const since = performance.now()
      const attempt = connect({ ...rogue.address, credential: town.watch, timeoutMs: 700 })
      await assert.rejects(attempt, { code: 'DEADLINE_EXCEEDED' })
      assert.ok(performance.now() - since < FLOW_DEADLINE_MS, 'that it would have waited without being told')
    })
  }

  test('is silent after a Challenge that is none: at once', async (t) => {
    const rogue = await scriptedGateway(t, async (pne) => {
      decode(await pne.receive(limits), AuthenticationRequest)
      await pne.send(encode(Challenge, { version: 1, gateway: offer.gateway, eap: randomBytes(100) }))
    })
    const attempt = connect({ ...rogue.address, credential: town.watch, ...limits })
    await assert.rejects(attempt, { code: 'AUTHENTICATION_FAILED' })
  })

  test('says nothing to a PNE which comes to be paired', async (t) => {
    const rogue = await scriptedGateway(t, async (pne) => decode(await pne.receive(limits), PairingRequest))
    const address = `${rogue.address.host}:${rogue.address.port}`
    const uri = formatPairingUri({ ...(await ticket()), addresses: [address] })
    const attempt = pair({ uri, credentialFile: town.stage.path('never.json'), timeoutMs: 700 })
    await assert.rejects(attempt, { code: 'DEADLINE_EXCEEDED' })
  })
})

const CROWD = 2000
/** docs/protocol.md section 8: connections that are not authenticated, at one party. */
const ADMITTED = 1024
/** Those of honest parties, and ends that are just closing. */
const OTHERS = 60

/** Many connections to one address, none of which ever speaks. */
class Crowd {
  readonly #address: Address
  readonly #sockets = new Set<Socket>()

  constructor(address: Address) {
    this.#address = address
  }

  /** Resolves when all have been there. */
  async come(): Promise<void> {
    await Promise.all(Array.from({ length: CROWD }, () => this.#one()))
  }

  /** How many of them have a socket in this process. */
  get size(): number {
    return this.#sockets.size
  }

  leave(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #one(): Promise<unknown> {
    const socket = open(this.#address).on('error', () => {})
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.resume() // reading is how it hears that the other side has ended
    return new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  }
}

test('2,000 connections that never speak, at a gateway and at the server at once: bounded, and others are served', async () => {
  await town.survives(async () => {
    const crowds = [new Crowd(town.hotel.address), new Crowd(town.stage.server.addresses.cpns)]
    const come = () => Promise.all(crowds.map((crowd) => crowd.come()))
    let most = 0
    const count = () => {
      most = Math.max(most, openSockets() - crowds.reduce((sum, { size }) => sum + size, 0))
    }
    const counting = setInterval(count, 5)
    try {
      const arrived = come()
      await town.serves() // while they come
      await arrived
      // On a slow machine the first of them are gone before the last have come.
      for (let more = 0; more < 5 && most <= ADMITTED; more++) await come()
      for (let n = 0; n < 5; n++) await town.serves()
      await town.stage.gateway('newcomer-gw')
      const uri = await town.stage.ticket('newcomer-gw', 'in a crowd')
      await pair({ uri, credentialFile: town.stage.path('crowd.json') })
    } finally {
      clearInterval(counting)
      for (const crowd of crowds) crowd.leave()
    }
    assert.ok(most > ADMITTED, `there never was a crowd: ${most}`)
    assert.ok(most <= 2 * ADMITTED + OTHERS, `the two parties held ${most} connections`)
    await town.stage.closeGateway('newcomer-gw')
  })
})
