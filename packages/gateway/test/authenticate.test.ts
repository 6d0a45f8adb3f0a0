import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { listenTcp } from '@opencpns/io'
import {
  AuthenticationResponse,
  Case,
  Challenge,
  ChallengeAnswer,
  EndReason,
  Ping,
  Pong,
  Result,
  revocationTag,
  SessionEnd,
  SessionOffer,
  transientKeyId,
} from '@opencpns/protocol'
import type { Service } from '../src/services.ts'
import type { PneExchange, Verdict } from '../src/upstream/upstream.ts'
import { name, startGateway, until } from './support/harness.ts'

const stranger = () => ({ secondSeed: randomBytes(32), transientKey: randomBytes(32) })

/** An upstream that vouches for one PNE, after one Challenge. */
function vouching(transientKey: Uint8Array, { lifetimeS = 3600 } = {}) {
  let asked = 0
  const authenticate = async (pne: PneExchange): Promise<Verdict> => {
    asked++
    const answer = await pne.challenge(Buffer.from('GPSK-1'))
    assert.equal(Buffer.from(answer).toString(), 'GPSK-2')
    pne.step(3, 'ForwardedRequest')
    pne.step(6, 'ForwardedResponse')
    const eap = Buffer.from('GPSK-3')
    return { result: Result.success, transientKey, lifetimeS, eap, pneId: 'pne-7', user: 'bob', serverRoundTrips: 1 }
  }
  return { authenticate, asked: () => asked }
}

async function echoService(t: TestContext) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy()).pipe(socket)
  })
  t.after(() => server.close())
  const { host, port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  return { host, port }
}

test('local case: success, without the server, in the order of the steps', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  const response = await pne.authenticateLocally(euKey, { secondSeed })
  assert.deepEqual(response, { type: 'AuthenticationResponse', result: Result.success })
  assert.equal(gateway.sessions.open, 1)

  const [line] = gateway.authentications()
  const { result, case: which, pneId, serverRoundTrips, steps } = line ?? {}
  assert.deepEqual([result, which, pneId, serverRoundTrips], ['success', 'local', 'pne-1', 0])
  assert.deepEqual(
    (steps as { step: number }[]).map((one) => one.step),
    [1, 2, 7, 8],
  )
})

test('local case: a wrong EUKey fails in TLS alone, and the connection is freed', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed } = gateway.paired()
  const pne = await gateway.pne()
  await assert.rejects(pne.authenticateLocally(randomBytes(32), { secondSeed }), { code: 'TLS_REFUSED' })
  await until(() => gateway.authentications().length === 1)
  assert.equal(gateway.authentications()[0]?.['reason'], 'tls-refused')
  assert.equal(gateway.sessions.open, 0)
})

test('local case: a PNE that changed a word in the clear does not get in', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.request({ secondSeed, service: 'mqtt' })
  const offer = await pne.receive(SessionOffer)
  await assert.rejects(pne.secure({ ...offer, sessionId: randomBytes(16) }, { euKey }), { code: 'TLS_REFUSED' })
})

test('remote case: the server vouches, GPSK-3 goes with the offer, the TK opens the session', async (t) => {
  const { secondSeed, transientKey } = stranger()
  const gateway = await startGateway(t, { upstream: vouching(transientKey) })
  const pne = await gateway.pne()
  await pne.request({ secondSeed })
  const challenge = await pne.answerChallenge()
  assert.deepEqual([challenge.gateway, Buffer.from(challenge.eap).toString()], [name.identity, 'GPSK-1'])
  const offer = await pne.receive(SessionOffer)
  assert.deepEqual([offer.case, Buffer.from(offer.eap ?? []).toString()], [Case.remote, 'GPSK-3'])
  await pne.secure(offer, { transientKey })
  const { result, lifetimeS } = await pne.receive(AuthenticationResponse)
  assert.deepEqual([result, lifetimeS], [Result.success, 3600])

  const [line] = gateway.authentications()
  assert.deepEqual([line?.['case'], line?.['pneId'], line?.['serverRoundTrips']], ['remote', 'pne-7', 1])
  assert.deepEqual(
    (line as { steps: { step: number }[] }).steps.map((one) => one.step),
    [1, 2, 3, 6, 7, 8],
  )
})

test('remote case through an AAA server: several challenges, and an offer without an EAP packet', async (t) => {
  const { secondSeed, transientKey } = stranger()
  const authenticate = async (pne: PneExchange): Promise<Verdict> => {
    for (const request of ['GPSK-1', 'GPSK-3']) await pne.challenge(Buffer.from(request))
    return { result: Result.success, transientKey, lifetimeS: 60, serverRoundTrips: 3 }
  }
  const gateway = await startGateway(t, { upstream: { authenticate } })
  const pne = await gateway.pne()
  await pne.request({ secondSeed })
  await pne.answerChallenge()
  await pne.answerChallenge()
  const offer = await pne.receive(SessionOffer)
  assert.equal(offer.eap, undefined)
  await pne.secure(offer, { transientKey })
  assert.equal((await pne.receive(AuthenticationResponse)).result, Result.success)
})

test('a further session needs no server: the PNE names its TK', async (t) => {
  const { secondSeed, transientKey } = stranger()
  const upstream = vouching(transientKey)
  const gateway = await startGateway(t, { upstream })
  await (await gateway.pne()).authenticateRemotely(transientKey, { secondSeed })

  const again = await gateway.pne()
  const id = transientKeyId(transientKey)
  await again.request({ secondSeed, transientKeyId: id })
  const offer = await again.receive(SessionOffer)
  assert.deepEqual([offer.case, Buffer.from(offer.transientKeyId ?? [])], [Case.remote, id])
  await again.secure(offer, { transientKey })
  const { result, lifetimeS = 0 } = await again.receive(AuthenticationResponse)
  assert.equal(result, Result.success)
  assert.ok(lifetimeS > 3590 && lifetimeS <= 3600)
  assert.equal(upstream.asked(), 1)
  assert.equal(gateway.authentications()[1]?.['serverRoundTrips'], 0)
})

test('a TK that another PNE names, or that is not held, is as if it had not been named', async (t) => {
  const { secondSeed, transientKey } = stranger()
  const gateway = await startGateway(t, { upstream: vouching(transientKey) })
  await (await gateway.pne()).authenticateRemotely(transientKey, { secondSeed })
  for (const fields of [
    { secondSeed: randomBytes(32), transientKeyId: transientKeyId(transientKey) },
    { secondSeed, transientKeyId: randomBytes(16) },
  ]) {
    const pne = await gateway.pne()
    await pne.request(fields)
    assert.equal((await pne.receive(Challenge, SessionOffer)).type, 'Challenge')
  }
})

test('a TK is kept only once the PNE has proved that it has it', async (t) => {
  const { secondSeed, transientKey } = stranger()
  const gateway = await startGateway(t, { upstream: vouching(transientKey) })
  const pne = await gateway.pne()
  await assert.rejects(pne.authenticateRemotely(randomBytes(32), { secondSeed }), { code: 'TLS_REFUSED' })
  assert.equal(gateway.transientKeys.size, 0)
})

for (const [result, reason] of [
  [Result.authenticationFailed, 'server-authentication-failed'],
  [Result.busy, 'server-busy'],
  [Result.serverUnreachable, 'server-silent'],
] as const) {
  test(`remote case: the upstream's ${reason} is told in the clear, the reason only to the log`, async (t) => {
    const authenticate = async (pne: PneExchange): Promise<Verdict> => {
      await pne.challenge(Buffer.from('GPSK-1'))
      return { result, reason, serverRoundTrips: 1 }
    }
    const gateway = await startGateway(t, { upstream: { authenticate } })
    const pne = await gateway.pne()
    await pne.request({ secondSeed: randomBytes(32) })
    await pne.answerChallenge()
    assert.deepEqual(await pne.receive(AuthenticationResponse), { type: 'AuthenticationResponse', result })
    await assert.rejects(pne.link.receive({ timeoutMs: 30_000 }), { code: 'LINK_CLOSED' })
    assert.equal(gateway.authentications()[0]?.['reason'], reason)
  })
}

test('the server is down: the remote case is refused, the local case works', async (t) => {
  const gateway = await startGateway(t)
  const unknown = await gateway.pne()
  await unknown.request({ secondSeed: randomBytes(32) })
  assert.equal((await unknown.receive(AuthenticationResponse)).result, Result.serverUnreachable)
  const { secondSeed, euKey } = gateway.paired()
  const known = await gateway.pne()
  assert.equal((await known.authenticateLocally(euKey, { secondSeed })).result, Result.success)
})

test('an upstream with a bug costs one connection, not the gateway', async (t) => {
  const authenticate = async () => {
    throw new TypeError('a bug')
  }
  const gateway = await startGateway(t, { upstream: { authenticate } })
  const pne = await gateway.pne()
  await pne.request({ secondSeed: randomBytes(32) })
  assert.equal((await pne.receive(AuthenticationResponse)).result, Result.busy)
  assert.ok(gateway.lines.some((line) => line['event'] === 'fault'))
})

test('another version is refused with a list of ours', async (t) => {
  const gateway = await startGateway(t)
  const pne = await gateway.pne()
  await pne.request({ secondSeed: randomBytes(32), versions: [2, 3] })
  const { result, versions } = await pne.receive(AuthenticationResponse)
  assert.deepEqual([result, versions], [Result.unsupportedVersion, [1]])
})

test('over the bound of sessions a PNE is told that the gateway is busy', async (t) => {
  const gateway = await startGateway(t, { maxSessions: 1 })
  const { secondSeed, euKey } = gateway.paired()
  const first = await gateway.pne()
  await first.authenticateLocally(euKey, { secondSeed })
  const second = await gateway.pne()
  await second.request({ secondSeed })
  assert.equal((await second.receive(AuthenticationResponse)).result, Result.busy)
  first.close()
  await until(() => gateway.sessions.open === 0)
  const third = await gateway.pne()
  assert.equal((await third.authenticateLocally(euKey, { secondSeed })).result, Result.success)
})

test('presence: a Ping is answered; another message ends the session', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed })
  await pne.send(Ping, {})
  assert.equal((await pne.receive(Pong)).type, 'Pong')
  await pne.send(ChallengeAnswer, { eap: Buffer.from('GPSK-2') })
  await assert.rejects(pne.receive(Ping), { code: 'LINK_CLOSED' })
  await until(() => gateway.sessions.open === 0)
})

test('revocation ends presence with the reason, cuts off services, and drops EUKey and TK', async (t) => {
  const remote = stranger()
  const services = { echo: await echoService(t) }
  const gateway = await startGateway(t, { upstream: vouching(remote.transientKey), services })
  const { secondSeed, euKey } = gateway.paired()
  const presence = await gateway.pne()
  await presence.authenticateLocally(euKey, { secondSeed })
  const service = await gateway.pne()
  await service.authenticateRemotely(remote.transientKey, { secondSeed: remote.secondSeed, service: 'echo' })
  const other = gateway.paired()
  const bystander = await gateway.pne()
  await bystander.authenticateLocally(other.euKey, { secondSeed: other.secondSeed })

  gateway.records.revocationLog.revoke([revocationTag(secondSeed), revocationTag(remote.secondSeed)], 2)
  assert.equal((await presence.receive(SessionEnd)).reason, EndReason.revoked)
  await assert.rejects(service.link.receive({ timeoutMs: 30_000 }), (error: { cause?: { code?: string } }) => {
    assert.equal(error.cause?.code, 'ECONNRESET', 'it must not look like an end of the stream')
    return true
  })
  await until(() => gateway.sessions.open === 1)
  assert.equal(gateway.keys.find(secondSeed), undefined)
  assert.equal(gateway.transientKeys.size, 0)
  assert.equal(gateway.keys.revokedUpTo(), 2)
  await bystander.send(Ping, {})
  assert.equal((await bystander.receive(Pong)).type, 'Pong')
})

test('a revocation in the middle of an authentication ends that too', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.request({ secondSeed })
  const offer = await pne.receive(SessionOffer)
  gateway.records.revocationLog.revoke([revocationTag(secondSeed)], 1)
  await assert.rejects(pne.secure(offer, { euKey }))
})

test('a service is a byte stream, both ways, each closed on its own', async (t) => {
  const gateway = await startGateway(t, { services: { echo: await echoService(t) } })
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  const { result } = await pne.authenticateLocally(euKey, { secondSeed, service: 'echo' })
  assert.equal(result, Result.success)
  pne.link.release()
  const sent = randomBytes(1_000_000)
  pne.tls?.end(sent)
  const received: Buffer[] = []
  for await (const chunk of pne.tls ?? []) received.push(chunk)
  assert.ok(Buffer.concat(received).equals(sent))
  await until(() => gateway.sessions.open === 0)
})

test('a service that ends first still hears the rest from the PNE', async (t) => {
  const heard: Buffer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.end('greetings')
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
  })
  t.after(() => server.close())
  const { host, port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  const gateway = await startGateway(t, { services: { greeter: { host, port } } })
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed, service: 'greeter' })
  pne.link.release()
  const { tls } = pne
  assert.ok(tls)
  tls.allowHalfOpen = true
  let received = ''
  for await (const chunk of tls.iterator({ destroyOnReturn: false })) received += chunk
  assert.equal(received, 'greetings')
  tls.end('thanks')
  await until(() => gateway.sessions.open === 0)
  assert.equal(Buffer.concat(heard).toString(), 'thanks')
})

test('a service that is unknown, not for this PNE, or down: told inside TLS, and the log has the reason', async (t) => {
  const echo = await echoService(t)
  const { server, host, port } = await listenTcp(() => {}, { host: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.close(resolve))
  const services = { private: { ...echo, pnes: ['pne-2'] }, down: { host, port } }
  const gateway = await startGateway(t, { services })
  const { secondSeed, euKey } = gateway.paired()
  for (const service of ['unknown', 'private', 'down']) {
    const pne = await gateway.pne()
    const { result } = await pne.authenticateLocally(euKey, { secondSeed, service })
    assert.equal(result, Result.serviceUnavailable, service)
  }
  assert.equal(gateway.sessions.open, 0)
  assert.deepEqual(
    gateway.authentications().map(({ result, reason }) => [result, reason]),
    ['service-unknown', 'service-forbidden', 'service-unreachable'].map((reason) => ['service-unavailable', reason]),
  )
})

const access: readonly [who: string, allowed: Partial<Service>, local: boolean, remote: boolean][] = [
  ['nobody in particular', {}, true, true],
  ['the one PNE', { pnes: ['pne-1'] }, true, false],
  ['the other PNE', { pnes: ['pne-7'] }, false, true],
  ['the PNEs of a user', { users: ['bob'] }, false, true],
  ['a PNE and a user', { pnes: ['pne-1'], users: ['bob'] }, true, true],
  ['a user by the name of a PNE', { users: ['pne-1', 'pne-7', ''] }, false, false],
  ['nobody', { pnes: [], users: [] }, false, false],
]

for (const [who, allowed, local, remote] of access) {
  test(`a service for ${who}`, async (t) => {
    const { secondSeed, transientKey } = stranger()
    const services = { echo: { ...(await echoService(t)), ...allowed } }
    const gateway = await startGateway(t, { upstream: vouching(transientKey), services })
    const { euKey, secondSeed: ours } = gateway.paired()
    const expected = (may: boolean) => (may ? Result.success : Result.serviceUnavailable)
    const service = 'echo'

    const atHome = await (await gateway.pne()).authenticateLocally(euKey, { secondSeed: ours, service })
    assert.equal(atHome.result, expected(local), 'an assigned key, whose user is unknown')
    const visitor = await (await gateway.pne()).authenticateRemotely(transientKey, { secondSeed, service })
    assert.equal(visitor.result, expected(remote), 'vouched for by the server')
    const named = { secondSeed, service, transientKeyId: transientKeyId(transientKey) }
    const again = await gateway.pne()
    await again.request(named)
    const offer = await again.receive(SessionOffer)
    await again.secure(offer, { transientKey })
    assert.equal((await again.receive(AuthenticationResponse)).result, expected(remote), 'with a TK that is still held')
  })
}

test('a service that asks for it hears who comes from where, before all else', async (t) => {
  const { promise: heard, resolve } = Promise.withResolvers<Buffer>()
  const service = (socket: Socket) => void socket.on('error', () => {}).once('data', resolve) // reset when the test ends
  const { host, port, server } = await listenTcp(service, { host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  const gateway = await startGateway(t, { services: { log: { host, port, proxyProtocol: true } } })
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed, service: 'log' })
  const { localPort = 0 } = pne.socket
  const octets = await heard
  assert.equal(octets.toString('hex', 0, 14), '0d0a0d0a000d0a515549540a2111')
  assert.deepEqual([...octets.subarray(16, 24)], [127, 0, 0, 1, 127, 0, 0, 1])
  assert.deepEqual([octets.readUInt16BE(24), octets.readUInt16BE(26)], [localPort, gateway.address.port])
  assert.ok(octets.includes(`${Buffer.from(secondSeed).toString('base64url')}@example.org`))
  assert.ok(octets.includes(String(gateway.authentications()[0]?.['sessionId'])))
})

test('closing tells the PNEs that are present', async (t) => {
  const gateway = await startGateway(t)
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed })
  const closed = gateway.gateway.close({ graceMs: 30_000 })
  assert.equal((await pne.receive(SessionEnd)).reason, EndReason.closing)
  await closed
})

test('closing lets a service stream finish', async (t) => {
  const gateway = await startGateway(t, { services: { echo: await echoService(t) } })
  const { secondSeed, euKey } = gateway.paired()
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed, service: 'echo' })
  pne.link.release()
  const closed = gateway.gateway.close({ graceMs: 30_000 })
  pne.tls?.end('last words')
  const received: Buffer[] = []
  for await (const chunk of pne.tls ?? []) received.push(chunk)
  assert.equal(Buffer.concat(received).toString(), 'last words')
  await closed
})
