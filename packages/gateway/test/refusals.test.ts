import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import {
  AuthenticationRequest,
  AuthenticationResponse,
  Challenge,
  encode,
  PairingRequest,
  PairingResponse,
  Ping,
  Result,
  SessionOffer,
} from '@opencpns/protocol'
import { startGateway, until } from './support/harness.ts'

type GatewayAtTest = Awaited<ReturnType<typeof startGateway>>

const request = encode(AuthenticationRequest, { versions: [1], secondSeed: randomBytes(32), realm: 'example.org' })

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

/** Sends octets as they are; resolves to all that came back before the gateway closed. */
async function sendRaw(gateway: GatewayAtTest, octets: Uint8Array): Promise<Buffer> {
  const socket = connect(gateway.address)
  socket.on('error', () => {})
  socket.write(octets)
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(received)
}

/** The gateway still serves. */
async function serves(gateway: GatewayAtTest): Promise<void> {
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  assert.equal((await pne.authenticateLocally(euKey, { secondSeed })).result, Result.success)
}

const malformed: Record<string, Uint8Array> = {
  'no CBOR': Buffer.from('GET / HTTP/1.1'),
  'another message': encode(Ping, {}),
  'a message of the other direction': encode(AuthenticationResponse, { result: 0 }),
  'a trailing octet': Buffer.concat([request, Buffer.of(0)]),
  'half a message': request.subarray(0, 20),
  'no map': Buffer.of(0x01),
  'an unknown key': Buffer.from('a3001018630118f700', 'hex'),
}

for (const [what, body] of Object.entries(malformed)) {
  test(`first frame with ${what}: malformed-message, and the connection is closed`, async (t) => {
    const gateway = await startGateway(t)
    const answer = await sendRaw(gateway, framed(body))
    assert.deepEqual(answer, framed(encode(AuthenticationResponse, { result: Result.malformedMessage })))
    await serves(gateway)
  })
}

for (const [what, octets] of Object.entries({
  'above 4,096 octets': Buffer.from('00001001', 'hex'),
  'of 4 GiB': Buffer.from('ffffffff', 'hex'),
  'of no octets': Buffer.alloc(4),
  'in TLS': Buffer.from('160301020001', 'hex'),
})) {
  test(`a first frame ${what} closes the connection unanswered`, async (t) => {
    const gateway = await startGateway(t)
    assert.equal((await sendRaw(gateway, octets)).length, 0)
    await serves(gateway)
  })
}

test('a connection that ends, in a frame or before, leaves nothing behind', async (t) => {
  const gateway = await startGateway(t)
  for (const octets of [Buffer.alloc(0), Buffer.of(0, 0), framed(request).subarray(0, 30)]) {
    const socket = connect(gateway.address)
    socket.end(octets)
    socket.resume()
    await once(socket, 'close')
  }
  await serves(gateway)
})

test('a silent connection, one that dribbles, and one silent in the middle: closed after 5 s', async (t) => {
  const authenticate = async (pne: { challenge(eap: Uint8Array): Promise<Uint8Array> }) => {
    await pne.challenge(Buffer.from('GPSK-1'))
    throw new Error('it never answers')
  }
  const gateway = await startGateway(t, { upstream: { authenticate } })
  const { secondSeed } = gateway.paired()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const silent = connect(gateway.address)
  const dribbling = connect(gateway.address)
  const challenged = await gateway.pne()
  await challenged.request({ secondSeed: randomBytes(32) })
  await challenged.receive(Challenge)
  const offered = await gateway.pne()
  await offered.request({ secondSeed })
  await offered.receive(SessionOffer)
  const sockets: Socket[] = [silent, dribbling, challenged.socket, offered.socket]
  let closed = 0
  for (const socket of sockets) socket.on('close', () => closed++).on('error', () => {})
  for (const socket of sockets) socket.resume()

  for (let second = 0; second < 5; second++) {
    assert.equal(closed, 0)
    dribbling.write(framed(request).subarray(second, second + 1))
    await new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(1000)
  }
  await until(() => closed === sockets.length)
})

for (const [what, body] of Object.entries({
  'no CBOR': Buffer.from('nonsense'),
  'an EAP packet of 3 octets': Buffer.from('a2000301430102 03'.replace(' ', ''), 'hex'),
  'the request again': request,
})) {
  test(`instead of a ChallengeAnswer ${what}: malformed-message, and the server is not asked`, async (t) => {
    let answered = false
    const authenticate = async (pne: { challenge(eap: Uint8Array): Promise<Uint8Array> }) => {
      await pne.challenge(Buffer.from('GPSK-1'))
      answered = true
      throw new Error('it must not come here')
    }
    const gateway = await startGateway(t, { upstream: { authenticate } })
    const pne = await gateway.pne()
    await pne.request({ secondSeed: randomBytes(32) })
    await pne.receive(Challenge)
    await pne.link.send(body)
    assert.equal((await pne.receive(AuthenticationResponse)).result, Result.malformedMessage)
    assert.equal(answered, false)
    assert.equal(gateway.authentications().length, 1)
  })
}

test('instead of a ChallengeAnswer a frame too large, or the end: closed, and one line in the log', async (t) => {
  const authenticate = async (pne: { challenge(eap: Uint8Array): Promise<Uint8Array> }) => {
    await pne.challenge(Buffer.from('GPSK-1'))
    throw new Error('it must not come here')
  }
  const gateway = await startGateway(t, { upstream: { authenticate } })
  for (const octets of [Buffer.from('7fffffff', 'hex'), undefined]) {
    const pne = await gateway.pne()
    await pne.request({ secondSeed: randomBytes(32) })
    await pne.receive(Challenge)
    if (octets) pne.socket.write(octets)
    else pne.socket.end()
    await assert.rejects(pne.receive(AuthenticationResponse), { code: 'LINK_CLOSED' })
  }
  const reasons = gateway.authentications().map((line) => line['reason'])
  assert.deepEqual(reasons, ['frame-too-large', 'link-closed'])
})

test('octets after the last frame in the clear end the connection', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed } = gateway.paired()
  const frame = framed(encode(AuthenticationRequest, { versions: [1], secondSeed, realm: 'example.org' }))
  await sendRaw(gateway, Buffer.concat([frame, frame]))
  assert.equal(gateway.authentications()[0]?.['reason'], 'unexpected-octets')
  await serves(gateway)
})

test('something else than TLS in step 7 ends the connection', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed } = gateway.paired()
  const pne = await gateway.pne()
  await pne.request({ secondSeed })
  await pne.receive(SessionOffer)
  pne.socket.write('this is no ClientHello, but it is long enough to be read as one')
  pne.socket.resume()
  await once(pne.socket, 'close')
  await until(() => gateway.authentications().length === 1)
  assert.equal(gateway.authentications()[0]?.['reason'], 'tls-refused')
})

test('pairing in another version is refused with a list of ours', async (t) => {
  const gateway = await startGateway(t)
  const pne = await gateway.pne()
  await pne.send(PairingRequest, { versions: [9], ticketId: randomBytes(16) })
  const { result, versions } = await pne.receive(PairingResponse)
  assert.deepEqual([result, versions], [Result.unsupportedVersion, [1]])
})

test('2,000 silent connections do not keep others out', async (t) => {
  const gateway = await startGateway(t)
  const sockets = Array.from({ length: 2000 }, () => connect(gateway.address).on('error', () => {}))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
  for (let n = 0; n < 5; n++) await serves(gateway)
})
