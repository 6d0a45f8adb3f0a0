import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { deriveTransientKey, EAP_PACKET_MAX_OCTETS, Result, TRANSIENT_KEY_LIFETIME_S } from '@opencpns/protocol'
import {
  Code,
  createRadiusServer,
  FramedMtu,
  type Handler,
  joinEapMessage,
  NasIdentifier,
  NasPortType,
  type Packet,
  type Response,
  SessionTimeout,
  SharedSecret,
  State,
  splitEapMessage,
  UserName,
} from '@opencpns/radius'
import { readRadiusSecret } from '../src/credential.ts'
import { runGateway } from '../src/gateway.ts'
import { radiusUpstream } from '../src/upstream/radius.ts'
import type { PneExchange } from '../src/upstream/upstream.ts'
import { type LogLine, name, temporaryFolder } from './support/harness.ts'

const secret = SharedSecret.of('shared with the AAA server')
const msk = randomBytes(64)
const host = '127.0.0.1'

/** An EAP packet: a Request of EAP-GPSK unless told otherwise. */
function eap(text: string, { code = 1, type = 51, id = 9 } = {}): Buffer {
  const packet = Buffer.concat([Buffer.from([code, id, 0, 0, type]), Buffer.from(text)])
  packet.writeUInt16BE(packet.length, 2)
  return packet
}

const challenge = (packet: Buffer, state = 'state'): Response => {
  return { code: Code.AccessChallenge, attributes: [...splitEapMessage(packet), State.of(Buffer.from(state))] }
}
const accept: Response = { code: Code.AccessAccept, attributes: [SessionTimeout.of(600)], msk }
const reject: Response = { code: Code.AccessReject, attributes: splitEapMessage(Buffer.from([4, 9, 0, 4])) }

/** An AAA server that answers the requests in turn as the test says, and an upstream that asks it. */
async function connect(t: TestContext, answers: (Response | undefined)[], deadlineMs = 20_000) {
  const requests: Packet[] = []
  const handle: Handler = (request) => {
    requests.push(request)
    return answers[requests.length - 1]
  }
  const server = createRadiusServer({ clients: () => ({ name: 'gw', secret }), handle })
  const address = await server.listenUdp({ host, port: 0 })
  t.after(() => server.close({ graceMs: 0 }))
  return { requests, address, ...asking(t, address, secret, deadlineMs) }
}

function asking(t: TestContext, server: { host: string; port: number }, shared: SharedSecret, deadlineMs: number) {
  const lines: LogLine[] = []
  const log = (facts: object) => void lines.push(facts as LogLine)
  const logger = { ...silent, info: log, warn: log, error: log }
  const upstream = radiusUpstream({ server, secret: shared, identity: name.identity, logger, deadlineMs })
  t.after(() => upstream.close())
  return { upstream, lines }
}

/** A PNE that answers every challenge, and what it was asked. */
function answering() {
  const challenges: string[] = []
  const steps: string[] = []
  const pne: PneExchange = {
    secondSeed: Buffer.alloc(32, 7),
    realm: 'elsewhere.example',
    sessionId: 'A'.repeat(22),
    challenge: async (packet) => {
      challenges.push(Buffer.from(packet.subarray(5)).toString())
      return eap(`answer to ${challenges.at(-1)}`, { code: 2 })
    },
    step: (step, message) => void steps.push(`${step} ${message}`),
  }
  return { pne, challenges, steps }
}

test('all four messages are relayed, and the TK is that of the MSK and of this gateway', async (t) => {
  const { upstream, requests } = await connect(t, [challenge(eap('1'), 'a'), challenge(eap('3'), 'b'), accept])
  const { pne, challenges, steps } = answering()
  const verdict = await upstream.authenticate(pne)
  const transientKey = deriveTransientKey({ msk, gateway: name.identity })
  assert.deepEqual(verdict, { result: Result.success, transientKey, lifetimeS: 600, serverRoundTrips: 3 })
  assert.deepEqual(challenges, ['1', '3'])
  const round = (answer: string) => ['3 Access-Request', `6 ${answer}`]
  assert.deepEqual(steps, ['Access-Challenge', 'Access-Challenge', 'Access-Accept'].flatMap(round))

  const identity = `${Buffer.alloc(32, 7).toString('base64url')}@elsewhere.example`
  const said = requests.map(({ attributes }) => joinEapMessage(attributes))
  assert.deepEqual(said[0], eap(identity, { code: 2, type: 1, id: 0 }))
  assert.deepEqual(said.slice(1), [eap('answer to 1', { code: 2 }), eap('answer to 3', { code: 2 })])
  const states = requests.map(({ attributes }) => State.find(attributes)?.toString())
  assert.deepEqual(states, [undefined, 'a', 'b'])
  for (const { attributes } of requests) {
    assert.equal(UserName.find(attributes), identity)
    assert.equal(NasIdentifier.find(attributes), name.identity)
    assert.notEqual(NasPortType.find(attributes), undefined)
    assert.equal(FramedMtu.find(attributes), EAP_PACKET_MAX_OCTETS)
  }
})

test('without Session-Timeout the TK serves as long as one of a CPNS Server', async (t) => {
  const { upstream } = await connect(t, [{ ...accept, attributes: [] }])
  const verdict = await upstream.authenticate(answering().pne)
  assert.ok(verdict.result === Result.success)
  assert.equal(verdict.lifetimeS, TRANSIENT_KEY_LIFETIME_S)
})

test('Access-Reject is a refused authentication', async (t) => {
  const { upstream } = await connect(t, [challenge(eap('1')), reject])
  const verdict = await upstream.authenticate(answering().pne)
  const refused = { result: Result.authenticationFailed, reason: 'server-access-reject', serverRoundTrips: 2 }
  assert.deepEqual(verdict, refused)
})

for (const [what, packet, answer] of [
  ['its identity', eap('who are you?', { type: 1, id: 3 }), { type: 1, id: 3 }],
  ['another method', eap('MD5', { type: 4, id: 3 }), { type: 3, id: 3 }],
] as const) {
  test(`asked for ${what}, the gateway answers, for a PNE hears of EAP-GPSK alone`, async (t) => {
    const { upstream, requests } = await connect(t, [challenge(packet), challenge(eap('1')), accept])
    const { pne, challenges } = answering()
    const verdict = await upstream.authenticate(pne)
    assert.deepEqual([verdict.result, verdict.serverRoundTrips, challenges], [Result.success, 3, ['1']])
    const said = joinEapMessage(requests[1]?.attributes ?? [])
    assert.deepEqual([said?.[0], said?.[1], said?.[4]], [2, answer.id, answer.type])
    if (answer.type === 3) assert.deepEqual(said?.subarray(5), Buffer.from([51]))
  })
}

const wrongAnswers: Record<string, Response> = {
  'an Access-Accept without keys': { code: Code.AccessAccept, attributes: [] },
  'an Access-Challenge without EAP': { code: Code.AccessChallenge, attributes: [] },
  'an EAP-Response': challenge(eap('1', { code: 2 })),
  'EAP-Failure in an Access-Challenge': challenge(Buffer.from([4, 9, 0, 4])),
  'an EAP packet longer than it says': challenge(Buffer.concat([eap('1'), Buffer.alloc(1)])),
  'an EAP packet that a Challenge cannot carry': challenge(eap('x'.repeat(EAP_PACKET_MAX_OCTETS - 4))),
  'EAP-Message in two places': {
    code: Code.AccessChallenge,
    attributes: [...splitEapMessage(eap('1')), State.of(Buffer.from('a')), ...splitEapMessage(eap('1'))],
  },
  'two States': { code: Code.AccessChallenge, attributes: [State.of(Buffer.from('a')), State.of(Buffer.from('b'))] },
}
for (const [what, answer] of Object.entries(wrongAnswers)) {
  test(`${what} is the server's fault: the PNE hears that it is unreachable, and the log says why`, async (t) => {
    const { upstream, lines } = await connect(t, [answer])
    const { pne, challenges } = answering()
    const verdict = await upstream.authenticate(pne)
    const refused = { result: Result.serverUnreachable, reason: 'server-wrong', serverRoundTrips: 1 }
    assert.deepEqual([verdict, challenges], [refused, []])
    assert.deepEqual(
      lines.map((line) => line['event']),
      ['server-wrong'],
    )
  })
}

test('a server that never comes to an end is not followed for ever', async (t) => {
  const { upstream, requests } = await connect(t, Array(20).fill(challenge(eap('1'))))
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual([verdict.result, requests.length], [Result.serverUnreachable, 6])
})

test('a silent server is unreachable when the time is over', async (t) => {
  const { upstream } = await connect(t, [undefined], 300)
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual(verdict, { result: Result.serverUnreachable, reason: 'server-silent', serverRoundTrips: 1 })
})

test('a server with another secret is as if it were silent', async (t) => {
  const { address } = await connect(t, [reject])
  const { upstream } = asking(t, address, SharedSecret.of('another secret'), 300)
  const verdict = await upstream.authenticate(answering().pne)
  assert.deepEqual([verdict.result, 'reason' in verdict && verdict.reason], [Result.serverUnreachable, 'server-silent'])
})

test('what the PNE does wrong ends the flow and is no verdict', async (t) => {
  const { upstream } = await connect(t, [challenge(eap('1'))])
  const gone = new Error('the PNE is gone')
  const pne = { ...answering().pne, challenge: () => Promise.reject(gone) }
  await assert.rejects(upstream.authenticate(pne), gone)
})

test('pairing is refused, and the log says that it needs a CPNS Server', async (t) => {
  const { upstream, lines } = await connect(t, [])
  const refused = { result: Result.serverUnreachable, reason: 'pairing-needs-a-cpns-server' }
  assert.deepEqual(await upstream.assignKey(randomBytes(32)), refused)
  assert.deepEqual(await upstream.confirmKey(randomBytes(32)), refused)
  assert.deepEqual(
    lines.map((line) => line['event']),
    ['pairing-impossible'],
  )
})

async function secretFile(t: TestContext, content: string, mode = 0o600): Promise<string> {
  const file = join(await temporaryFolder(t), 'radius.secret')
  await writeFile(file, content)
  await chmod(file, mode)
  return file
}

for (const [ending, content] of [
  ['no line end', 'secret '],
  ['a line feed', 'secret \n'],
  ['CR LF', 'secret \r\n'],
] as const) {
  test(`a secret file with ${ending} at its end holds the same secret`, async (t) => {
    const read = await readRadiusSecret(await secretFile(t, content))
    assert.deepEqual(read.md5After(Buffer.alloc(0)), SharedSecret.of('secret ').md5After(Buffer.alloc(0)))
  })
}

test('a secret file that others can read, an empty one and a missing one are refused', async (t) => {
  await assert.rejects(readRadiusSecret(await secretFile(t, 'secret', 0o640)), { code: 'CREDENTIAL_TOO_OPEN' })
  await assert.rejects(readRadiusSecret(await secretFile(t, '\n')), { code: 'CREDENTIAL_CORRUPT' })
  await assert.rejects(readRadiusSecret('/nowhere/radius.secret'), { code: 'CREDENTIAL_MISSING', message: /chmod 600/ })
})

test('a gateway at an AAA server has a name from one place, one at a CPNS Server from its credential', async (t) => {
  const folder = await temporaryFolder(t)
  const radius = { host, port: 1812, secretFile: await secretFile(t, 'secret') }
  const others = { dataDir: join(folder, 'gw'), listen: { host, port: 0 }, logger: silent }
  const badArgument = { code: 'BAD_ARGUMENT' }
  await assert.rejects(runGateway({ ...others, server: radius }), badArgument)
  await assert.rejects(runGateway({ ...others, server: radius, identity: 'a', credentialFile: 'b' }), badArgument)
  await assert.rejects(runGateway({ ...others, server: radius, identity: 'NAME' }), badArgument)
  await assert.rejects(runGateway({ ...others, server: { host, port: 7410 }, identity: name.identity }), badArgument)
  const gateway = await runGateway({ ...others, server: radius, identity: name.identity })
  t.after(() => gateway.close({ graceMs: 0 }))
  assert.equal(gateway.identity, name.identity)
})
