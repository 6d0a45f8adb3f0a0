// The RADIUS door against scripted access points on a real socket: all four messages of EAP-GPSK, and above all refusals.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { Code as EapCode, encodePacket, failure, nak, success, Type } from '@opencpns/eap'
import { deriveEuKey } from '@opencpns/protocol'
import {
  Code,
  type EapAnswer,
  EapMessage,
  NasIdentifier,
  type RadiusClient,
  SessionTimeout,
  TerminationAction,
  UserName,
} from '@opencpns/radius'
import {
  initDataFolder,
  openDataFolder,
  Registry,
  type RunningServer,
  readAdminAccess,
  runServer,
} from '../../src/index.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { accessPoint, identityOf, identityResponse, type Pne, Station } from './station.ts'

const REALM = 'example.org'
const anyPort = { host: '127.0.0.1', port: 0 }

const clock = { offsetMs: 0 }
const now = () => Date.now() + clock.offsetMs
const folder = temporaryFolder({ after })
const dataDir = `${folder}/server`
const lines: Record<string, unknown>[] = []
const write = (facts: object) => void lines.push(facts as Record<string, unknown>)
const logger = { debug: write, info: write, warn: write, error: write }
const pnes = new Map<string, Pne & { pneId: string }>()
const secrets = new Map<string, Buffer>()
let server: RunningServer
let client: RadiusClient

before(async () => {
  await initDataFolder(dataDir, { realm: REALM })
  await furnish(dataDir)
  server = await runServer({ dataDir, listen: anyPort, admin: anyPort, radius: anyPort, logger, now })
  client = accessPoint(radiusOf(server), secretOf('ap'))
})

after(async () => {
  client.close()
  await server.close({ graceMs: 100 })
})

/** Alice, a gateway that assigned a PNE of each kind, and an access point. */
async function furnish(dir: string): Promise<void> {
  const { store, vault, realm } = await openDataFolder(dir)
  const registry = new Registry({ store, vault, realm })
  await registry.addUser('alice')
  const { identity: gatewayIdentity } = await registry.addGateway({ name: 'home', user: 'alice' })
  for (const name of ['watch', 'camera', 'revoked', 'pending', 'late']) {
    const secondSeed = randomBytes(32)
    const { firstSeed, pneId } = await registry.assignPne({ gatewayIdentity, secondSeed, name })
    pnes.set(name, { secondSeed, euKey: deriveEuKey({ firstSeed, secondSeed, realm }), pneId })
    if (name !== 'pending') await registry.confirmPne({ gatewayIdentity, secondSeed })
  }
  await registry.revokePne(pne('revoked').pneId)
  secrets.set('ap', (await registry.addGateway({ name: 'ap', user: 'alice', radius: '127.0.0.1' })).secret)
  await store.close()
}

function pne(name: string): Pne & { pneId: string } {
  return pnes.get(name) ?? assert.fail(name)
}

function secretOf(name: string): Buffer {
  return secrets.get(name) ?? assert.fail(name)
}

function radiusOf({ addresses }: RunningServer) {
  return addresses.radius ?? assert.fail('no RADIUS door')
}

function assertRejected(answer: EapAnswer, eap: Uint8Array): void {
  assert.equal(answer.code, Code.AccessReject)
  assert.deepEqual(answer.eapMessage, failure(eap[1] ?? 0), 'EAP-Failure, with the identifier of the response')
  assert.deepEqual([answer.state, answer.msk, answer.sessionTimeoutS], [undefined, undefined, undefined])
}

/** The newest line about an authentication. */
function newestLine(): Record<string, unknown> {
  return lines.findLast(({ event }) => event === 'authentication') ?? assert.fail('no line')
}

async function admin(path: string, method = 'GET', body?: object): Promise<{ items: Record<string, unknown>[] }> {
  const { url, token } = await readAdminAccess(dataDir)
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
  const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return (await response.json()) as { items: Record<string, unknown>[] }
}

for (const csuites of [[2], [1]]) {
  test(`a device with ciphersuite ${csuites} is accepted, and both sides have the same MSK`, async () => {
    const station = new Station(client, pne('watch'), { csuites })
    const answer = await station.run()
    assert.equal(answer.code, Code.AccessAccept)
    assert.equal(answer.msk?.length, 64)
    assert.deepEqual(answer.msk, station.peer.keys?.msk)
    assert.equal(answer.sessionTimeoutS, 3600)
    const end = station.peer.receive(answer.eapMessage ?? Buffer.of(), Date.now())
    assert.equal(end.do, 'succeed', 'EAP-Success for this conversation')
  })
}

test('Access-Accept names the user and asks for authentication anew when the session is over', async () => {
  const station = new Station(client, pne('watch'))
  const first = await station.begin()
  const second = await station.ask(station.reply(first), first)
  const attributes = [UserName.of(station.identity), EapMessage.of(station.reply(second))]
  const answer = await client.request([...attributes, { type: 24, value: second.state ?? Buffer.of() }])
  assert.equal(UserName.find(answer.attributes), station.identity)
  assert.equal(SessionTimeout.find(answer.attributes), 3600)
  assert.equal(TerminationAction.find(answer.attributes), 1)
})

test('State holds at most 253 octets, and no key in the clear', async () => {
  const station = new Station(client, pne('watch'))
  const first = await station.begin()
  const second = await station.ask(station.reply(first), first)
  assert.deepEqual([first.state?.length, second.state?.length], [32, 130])
  station.reply(second)
  for (const key of [station.peer.keys?.msk, station.peer.keys?.sk]) {
    assert.ok(key && !second.state?.includes(key.subarray(0, 8)))
  }
})

test('an accepted device is an event and a line of the log', async () => {
  await new Station(client, pne('watch')).run()
  const { pneId } = pne('watch')
  const line = newestLine()
  const { event, result, gateway, nas, station } = line
  assert.deepEqual(
    { event, result, gateway, pneId: line['pneId'], nas, station },
    {
      event: 'authentication',
      result: 'accepted',
      gateway: 'ap@example.org',
      pneId,
      nas: 'ap.example.org',
      station: '02-00-00-00-00-01',
    },
  )
  const [newest] = (await admin('/v1/events?type=authentication&limit=1')).items
  const { type, case: which, pne: id, user } = newest ?? assert.fail('no event')
  assert.deepEqual({ type, which, id, user }, { type: 'authentication', which: 'remote', id: pneId, user: 'alice' })
})

test('what an access point says of itself cannot forge a line of the log, nor fill it', async () => {
  const name = Buffer.from(`ap\n{"event":"forged"}\u202e${'x'.repeat(200)}`)
  const attributes = [UserName.of('nobody'), EapMessage.of(identityResponse('nobody'))]
  await client.request([...attributes, { type: NasIdentifier.type, value: name }])
  assert.equal(newestLine()['nas'], `ap?{"event":"forged"}?${'x'.repeat(42)}`)
})

test('EAP-Start is answered with EAP-Request/Identity', async () => {
  const answer = await new Station(client, pne('watch')).ask(Buffer.alloc(0))
  const identityRequest = encodePacket({ code: EapCode.Request, identifier: 0, type: Type.Identity, data: Buffer.of() })
  assert.deepEqual([answer.code, answer.eapMessage], [Code.AccessChallenge, identityRequest])
})

test('the challenge follows the identifier of the identity, round its end too', async () => {
  const station = new Station(client, pne('watch'))
  for (const identifier of [0, 7, 255]) {
    const { eapMessage } = await station.ask(identityResponse(station.identity, identifier))
    assert.equal(eapMessage?.[1], (identifier + 1) % 256)
  }
})

test('refusals look alike from outside, and the operator is told each reason', async (t) => {
  const stranger = { secondSeed: randomBytes(32), euKey: randomBytes(32) }
  const cases: [string, Pne, string][] = [
    ['wrong key', { ...pne('watch'), euKey: randomBytes(32) }, 'EAP_BAD_MAC'],
    ['unknown PNE', stranger, 'UNKNOWN_PNE'],
    ['revoked PNE', pne('revoked'), 'PNE_REVOKED'],
    ['PNE whose assignment was not confirmed', pne('pending'), 'PNE_PENDING'],
  ]
  for (const [name, who, reason] of cases) {
    for (const csuites of [[2], [1]]) {
      await t.test(`${name}, ciphersuite ${csuites}`, async () => {
        const station = new Station(client, who, { csuites })
        const first = await station.begin()
        assert.equal(first.code, Code.AccessChallenge, 'a challenge tells nothing')
        const gpsk2 = station.reply(first)
        assertRejected(await station.ask(gpsk2, first), gpsk2)
        assert.equal(newestLine()['reason'], reason)
      })
    }
  }
})

test('a device that is revoked between its two proofs is refused', async () => {
  const station = new Station(client, pne('late'))
  const first = await station.begin()
  const second = await station.ask(station.reply(first), first)
  await admin(`/v1/pnes/${pne('late').pneId}/revoke`, 'POST')
  const gpsk4 = station.reply(second)
  assertRejected(await station.ask(gpsk4, second), gpsk4)
  assert.equal(newestLine()['reason'], 'PNE_REVOKED')
})

test('policy holds at an access point too', async () => {
  const attempt = async () => {
    const station = new Station(client, pne('watch'))
    const first = await station.begin()
    const second = await station.ask(station.reply(first), first)
    return { gpsk4: station.reply(second), answer: await station.ask(station.reply(second), second) }
  }
  const refused = async (reason: string) => {
    const { gpsk4, answer } = await attempt()
    assertRejected(answer, gpsk4)
    assert.equal(newestLine()['reason'], reason)
  }
  const user = (policy: object) => admin('/v1/users/alice', 'PATCH', { policy })
  await user({ roaming: 'none' })
  await refused('ROAMING_NOT_ALLOWED')
  await user({ roaming: 'listed', gateways: ['home'] })
  await refused('ROAMING_NOT_ALLOWED')
  await user({ gateways: ['ap'] })
  assert.equal((await attempt()).answer.code, Code.AccessAccept)
  await user({ roaming: 'any' })
  await admin('/v1/gateways/ap', 'PATCH', { visitors: false })
  await refused('NO_VISITORS')
  await admin('/v1/gateways/ap', 'PATCH', { visitors: true })
  assert.equal((await attempt()).answer.code, Code.AccessAccept)
})

test('a User-Name that is no identity of this realm is refused at once', async (t) => {
  const seed = Buffer.from(pne('watch').secondSeed).toString('base64url')
  const names = [
    'alice',
    'alice@example.org',
    seed,
    `${seed}@other.org`,
    `${seed}@`,
    `${seed}=@example.org`,
    ' ',
    '\u0000',
  ]
  for (const name of [...names, `${seed}@example.org `, `${seed}@EXAMPLE.ORG`, 'x'.repeat(253)]) {
    await t.test(JSON.stringify(name), async () => {
      const eap = identityResponse(name)
      const station = new Station(client, pne('watch'), { identity: name })
      assertRejected(await station.ask(eap), eap)
      assert.equal(newestLine()['reason'], 'IDENTITY_INVALID')
    })
  }
})

test('the identity in EAP must be that of User-Name', async () => {
  const station = new Station(client, pne('watch'))
  const eap = identityResponse(identityOf(pne('camera')))
  assertRejected(await station.ask(eap), eap)
  assert.equal(newestLine()['reason'], 'IDENTITY_MISMATCH')
})

test('ID_Peer of GPSK-2 must be that of User-Name, even with the right key', async () => {
  const liar = new Station(
    client,
    { ...pne('watch'), secondSeed: pne('camera').secondSeed },
    {
      identity: identityOf(pne('watch')),
    },
  )
  const first = await liar.begin()
  const gpsk2 = liar.reply(first)
  assertRejected(await liar.ask(gpsk2, first), gpsk2)
  assert.equal(newestLine()['reason'], 'IDENTITY_MISMATCH')
})

test('an Access-Request without EAP is refused', async () => {
  const password = { type: 2, value: randomBytes(16) }
  const answer = await client.request([UserName.of(identityOf(pne('watch'))), password])
  assert.equal(answer.code, Code.AccessReject)
  assert.deepEqual(EapMessage.findAll(answer.attributes), [])
  assert.equal(newestLine()['reason'], 'EAP_MISSING')
})

test('a device without EAP-GPSK is refused, and the operator is told what it has', async () => {
  const station = new Station(client, pne('watch'))
  const first = await station.begin()
  const eap = nak(first.eapMessage?.[1] ?? 0, [25, 21, 200])
  assertRejected(await station.ask(eap, first), eap)
  const { reason, detail } = newestLine()
  assert.equal(reason, 'EAP_METHOD_REFUSED')
  assert.match(String(detail), /offers PEAP \(25\), TTLS \(21\), method \(200\), but not EAP-GPSK \(51\): set eap=GPSK/)
})

test('whatever else comes as EAP is refused', async (t) => {
  const station = new Station(client, pne('watch'))
  const of = (code: 1 | 2, type: number, data: Uint8Array) => encodePacket({ code, identifier: 3, type, data })
  const packets = {
    'a request': of(EapCode.Request, Type.Identity, Buffer.from(station.identity)),
    'EAP-Success': success(3),
    'another method': of(EapCode.Response, 4, randomBytes(17)),
    'an OP-Code of no message': of(EapCode.Response, Type.Gpsk, Buffer.of(9)),
    'GPSK-Fail': of(EapCode.Response, Type.Gpsk, Buffer.from('0500000002', 'hex')),
    'GPSK-1': of(EapCode.Response, Type.Gpsk, Buffer.of(1)),
    'GPSK-2 cut short': of(EapCode.Response, Type.Gpsk, Buffer.of(2, 0, 9)),
    'no OP-Code': of(EapCode.Response, Type.Gpsk, Buffer.of()),
    'a wrong length': Buffer.of(2, 3, 0, 9, 1),
    'one octet': Buffer.of(2),
  }
  for (const [name, eap] of Object.entries(packets)) {
    await t.test(name, async () => {
      const { state } = await station.begin()
      assertRejected(await station.ask(eap, { state }), eap)
      assert.match(String(newestLine()['reason']), /^EAP_/)
    })
  }
})

test('State of GPSK-1 that is missing, changed, of another device, or old', async (t) => {
  const other = await new Station(client, pne('camera')).begin()
  const changes: [string, (state: Buffer) => Buffer | undefined, string][] = [
    ['missing', () => undefined, 'CHALLENGE_FORGED'],
    ['empty', () => Buffer.of(0), 'CHALLENGE_FORGED'],
    ['changed at its begin', (state) => flip(state, 0), 'CHALLENGE_FORGED'],
    ['changed at its end', (state) => flip(state, state.length - 1), 'CHALLENGE_FORGED'],
    ['cut', (state) => state.subarray(1), 'CHALLENGE_FORGED'],
    ['of another device', () => other.state, 'CHALLENGE_FORGED'],
  ]
  for (const [name, change, reason] of changes) {
    await t.test(name, async () => {
      const station = new Station(client, pne('watch'))
      const first = await station.begin()
      const gpsk2 = station.reply(first)
      assertRejected(await station.ask(gpsk2, { state: first.state && change(first.state) }), gpsk2)
      assert.equal(newestLine()['reason'], reason)
    })
  }
  await t.test('of the same device, but another conversation', async () => {
    const [station, before] = [new Station(client, pne('watch')), await new Station(client, pne('watch')).begin()]
    const gpsk2 = station.reply(await station.begin())
    assertRejected(await station.ask(gpsk2, before), gpsk2)
    assert.equal(newestLine()['reason'], 'EAP_WRONG_RAND')
  })
  await t.test('old', async () => {
    const station = new Station(client, pne('watch'))
    const first = await station.begin()
    const gpsk2 = station.reply(first)
    await later(302, async () => assertRejected(await station.ask(gpsk2, first), gpsk2))
    assert.equal(newestLine()['reason'], 'CHALLENGE_EXPIRED')
    assert.equal((await station.ask(gpsk2, first)).code, Code.AccessChallenge, 'and good while it is young')
  })
})

test('State of GPSK-3 that is missing, changed anywhere, of another device, or old', async (t) => {
  const toGpsk4 = async (name: string) => {
    const station = new Station(client, pne(name))
    const first = await station.begin()
    const second = await station.ask(station.reply(first), first)
    return { station, first, second, gpsk4: station.reply(second) }
  }
  const other = await toGpsk4('camera')
  const { station, first, second, gpsk4 } = await toGpsk4('watch')
  const state = second.state ?? assert.fail('no State')
  const changes: [string, Buffer | undefined][] = [
    ['missing', undefined],
    ['of GPSK-1', first.state],
    ['of another device', other.second.state],
    ['cut', state.subarray(0, -1)],
    ['longer', Buffer.concat([state, Buffer.of(0)])],
    ['only a time', state.subarray(0, 4)],
  ]
  for (let at = 3; at < state.length; at++) changes.push([`changed in octet ${at}`, flip(state, at)])
  for (const [name, changed] of changes) {
    assertRejected(await station.ask(gpsk4, { state: changed }), gpsk4)
    assert.equal(newestLine()['reason'], 'STATE_FORGED', name)
  }
  await t.test('under the name of another device', async () => {
    assertRejected(await station.ask(gpsk4, second, other.station.identity), gpsk4)
    assert.equal(newestLine()['reason'], 'STATE_FORGED')
  })
  await t.test('old, or of a clock that is far ahead', async () => {
    for (const seconds of [122, -70]) {
      await later(seconds, async () => assertRejected(await station.ask(gpsk4, second), gpsk4))
      assert.equal(newestLine()['reason'], 'STATE_EXPIRED')
    }
  })
  await t.test('with a wrong GPSK-4', async () => {
    const wrong = flip(gpsk4, gpsk4.length - 1)
    assertRejected(await station.ask(wrong, second), wrong)
    assert.equal(newestLine()['reason'], 'EAP_BAD_MAC')
  })
  assert.equal((await station.ask(gpsk4, second)).code, Code.AccessAccept, 'what was not changed is good')
})

test('State of another access point is refused in both steps', async () => {
  // The same server, to which the same address is another access point.
  const copy = `${folder}/exchanged`
  await cp(dataDir, copy, { recursive: true })
  const { store, vault, realm } = await openDataFolder(copy)
  const registry = new Registry({ store, vault, realm })
  await registry.revokeGateway('ap@example.org')
  const another = await registry.addGateway({ name: 'ap3', user: 'alice', radius: '127.0.0.1' })
  await store.close()
  const replica = await runServer({ dataDir: copy, listen: anyPort, admin: anyPort, radius: anyPort, logger })
  const elsewhere = accessPoint(radiusOf(replica), another.secret)
  try {
    const station = new Station(client, pne('watch'))
    const there = new Station(elsewhere, pne('watch'))
    const first = await station.begin()
    const gpsk2 = station.reply(first)
    assertRejected(await there.ask(gpsk2, first), gpsk2)
    assert.equal(newestLine()['reason'], 'CHALLENGE_FORGED')
    const second = await station.ask(gpsk2, first)
    const gpsk4 = station.reply(second)
    assertRejected(await there.ask(gpsk4, second), gpsk4)
    assert.equal(newestLine()['reason'], 'STATE_FORGED')
    assert.equal((await there.run()).code, Code.AccessAccept)
  } finally {
    elsewhere.close()
    await replica.close({ graceMs: 100 })
  }
})

test('any replica goes on with what another began', async () => {
  const copy = `${folder}/replica`
  await cp(dataDir, copy, { recursive: true })
  const replica = await runServer({ dataDir: copy, listen: anyPort, admin: anyPort, radius: anyPort })
  const elsewhere = accessPoint(radiusOf(replica), secretOf('ap'))
  try {
    const here = new Station(client, pne('watch'))
    const there = new Station(elsewhere, pne('watch'))
    const first = await here.begin()
    const second = await there.ask(here.reply(first), first)
    const answer = await here.ask(here.reply(second), second)
    assert.equal(answer.code, Code.AccessAccept)
    assert.deepEqual(answer.msk, here.peer.keys?.msk)
  } finally {
    elsewhere.close()
    await replica.close({ graceMs: 100 })
  }
})

test('a stranger, and an access point with another secret, get no answer', async () => {
  const wrong = accessPoint(radiusOf(server), randomBytes(24))
  try {
    await assert.rejects(new Station(wrong, pne('watch')).begin(), { code: 'RADIUS_NO_ANSWER' })
  } finally {
    wrong.close()
  }
})

test('a log has no key of any device, and no shared secret', () => {
  const shown = JSON.stringify(lines)
  const keys = [...[...pnes.values()].map(({ euKey }) => euKey), secretOf('ap')]
  for (const key of keys) {
    for (const form of ['hex', 'base64', 'base64url'] as const)
      assert.ok(!shown.includes(Buffer.from(key).toString(form)))
  }
})

test('a port that is taken is told by its option', async () => {
  const copy = `${folder}/taken`
  await initDataFolder(copy, { realm: REALM })
  const starting = runServer({ dataDir: copy, listen: anyPort, admin: anyPort, radius: radiusOf(server) })
  await assert.rejects(starting, { code: 'PORT_TAKEN', message: /--radius/ })
})

function flip(octets: Buffer, at: number): Buffer {
  const changed = Buffer.from(octets)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

async function later(seconds: number, act: () => Promise<void>): Promise<void> {
  clock.offsetMs = seconds * 1000
  try {
    await act()
  } finally {
    clock.offsetMs = 0
  }
}
