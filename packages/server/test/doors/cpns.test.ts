// The door for gateways against a scripted gateway on a real socket: what it answers, and above all what it refuses.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { connect as tcp } from 'node:net'
import { after, before, test } from 'node:test'
import {
  CHALLENGE_LIFETIME_S,
  ChallengeRequest,
  ChallengeResponse,
  decode,
  deriveTransientKey,
  encode,
  Result,
  RevocationNotice,
  revocationTag,
} from '@opencpns/protocol'
import {
  initDataFolder,
  openDataFolder,
  Registry,
  type RunningServer,
  readAdminAccess,
  runServer,
} from '../../src/index.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { answerChallenge, ScriptedGateway } from './scripted-gateway.ts'

const REALM = 'example.org'
const HOME = 'home-gw@example.org'
const HOTEL = 'hotel-gw@example.org'
const anyPort = { host: '127.0.0.1', port: 0 }

const clock = { offsetMs: 0 }
const now = () => Date.now() + clock.offsetMs
const folder = temporaryFolder({ after })
const dataDir = `${folder}/server`
let server: RunningServer
let secrets: Record<string, Buffer>
const open: ScriptedGateway[] = []

before(async () => {
  await initDataFolder(dataDir, { realm: REALM })
  secrets = await addGateways(dataDir)
  server = await runServer({ dataDir, listen: anyPort, admin: anyPort, now })
})

after(async () => {
  for (const gateway of open) gateway.link.destroy()
  await server.close({ graceMs: 100 })
})

async function addGateways(dir: string): Promise<Record<string, Buffer>> {
  const { store, vault, realm } = await openDataFolder(dir)
  const registry = new Registry({ store, vault, realm })
  await registry.addUser('alice')
  const home = await registry.addGateway({ name: 'home-gw', user: 'alice' })
  const hotel = await registry.addGateway({ name: 'hotel-gw', user: 'alice' })
  await store.close()
  return { [HOME]: home.secret, [HOTEL]: hotel.secret }
}

async function gateway(identity = HOME, at = server): Promise<ScriptedGateway> {
  const link = await ScriptedGateway.connect(at.addresses.cpns, identity, secrets[identity] ?? randomBytes(32))
  open.push(link)
  return link
}

async function admin(path: string, method = 'GET'): Promise<Response> {
  const { url, token } = await readAdminAccess(dataDir)
  return fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
}

const revoke = (pneId: string) => admin(`/v1/pnes/${pneId}/revoke`, 'POST')

test('steps 4 to 6: a PNE of any gateway is authenticated at another, and both sides have the same transient key', async () => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const hotel = await gateway(HOTEL)
  const challenge = await hotel.challenge()
  const { eap, peer } = answerChallenge(pne, challenge)
  const response = await hotel.forward({ secondSeed: pne.secondSeed, challenge, eap })
  assert.equal(response.result, Result.success)
  assert.equal(response.pneId, pne.pneId)
  assert.equal(response.user, 'alice')
  const step = peer.receive(response.eap ?? new Uint8Array(), Date.now())
  assert.equal(step.do, 'send', 'GPSK-3 proves the server to the PNE')
  const msk = peer.keys?.msk ?? new Uint8Array()
  assert.deepEqual(Buffer.from(response.transientKey ?? []), deriveTransientKey({ msk, gateway: HOTEL }))
  assert.notDeepEqual(Buffer.from(response.transientKey ?? []), deriveTransientKey({ msk, gateway: HOME }))
})

test('a PNE is rotated: both keys are good, then the new one alone, and each request may be repeated', async () => {
  const home = await gateway()
  const hotel = await gateway(HOTEL)
  const old = await home.pair(randomBytes(32))
  const secondSeed = randomBytes(32)
  const { notPermitted, success } = Result
  assert.equal((await hotel.rotate(secondSeed, old.secondSeed)).result, notPermitted)
  const assigned = await home.rotate(secondSeed, old.secondSeed)
  const { id, ...facts } = await home.rotate(secondSeed, old.secondSeed)
  assert.deepEqual({ ...facts, id: assigned.id }, assigned)
  assert.deepEqual([assigned.result, assigned.pneId, assigned.user], [success, old.pneId, 'alice'])
  const next = { secondSeed, euKey: assigned.euKey ?? randomBytes(32) }
  assert.notDeepEqual(next.euKey, old.euKey)

  const works = async (pne: { secondSeed: Uint8Array; euKey: Uint8Array }) => {
    const challenge = await hotel.challenge()
    const { eap } = answerChallenge(pne, challenge)
    const { result } = await hotel.forward({ secondSeed: pne.secondSeed, challenge, eap })
    return result === success
  }
  const bothWork = async () => [await works(old), await works(next)]
  assert.deepEqual(await bothWork(), [true, false])
  assert.equal((await home.retire(old.secondSeed)).result, notPermitted)
  for (let i = 0; i < 2; i++) assert.equal((await home.confirm(secondSeed)).result, success)
  assert.deepEqual(await bothWork(), [true, true])
  assert.equal((await hotel.retire(old.secondSeed)).result, notPermitted)
  for (let i = 0; i < 2; i++) assert.equal((await home.retire(old.secondSeed)).result, success)
  assert.deepEqual(await bothWork(), [false, true])
  const page = (await (await admin('/v1/events?type=authentication&limit=2')).json()) as { items: { reason: string }[] }
  assert.deepEqual(
    page.items.map(({ reason }) => reason),
    [null, 'KEY_RETIRED'],
  )
})

test('an answer tells nothing but that there was a refusal, whatever its reason', async (t) => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const revoked = await home.pair(randomBytes(32))
  assert.equal((await revoke(revoked.pneId)).status, 200)
  const pending = randomBytes(32)
  const { euKey } = await home.assign(pending)

  const cases: [string, { secondSeed: Uint8Array; euKey: Uint8Array }, Uint8Array?][] = [
    ['wrong EUKey', { ...pne, euKey: randomBytes(32) }],
    ['unknown 2nd seed', { secondSeed: randomBytes(32), euKey: randomBytes(32) }],
    ['revoked PNE', revoked],
    ['PNE whose assignment was not confirmed', { secondSeed: pending, euKey: euKey ?? randomBytes(32) }],
    ['2nd seed of another PNE than ID_Peer', pne, revoked.secondSeed],
  ]
  for (const [name, who, forwarded] of cases) {
    await t.test(name, async () => {
      const challenge = await home.challenge()
      const { eap } = answerChallenge(who, challenge)
      const { id, ...answer } = await home.forward({ secondSeed: forwarded ?? who.secondSeed, challenge, eap })
      assert.deepEqual(answer, { type: 'ForwardedResponse', result: Result.authenticationFailed })
    })
  }
  const page = (await (await admin('/v1/events?type=authentication&limit=5')).json()) as { items: { reason: string }[] }
  assert.deepEqual(
    page.items.map((event) => event.reason),
    ['EAP_BAD_MAC', 'PNE_PENDING', 'PNE_REVOKED', 'UNKNOWN_PNE', 'EAP_BAD_MAC'],
    'the operator sees each reason, the newest first',
  )
})

test('a GPSK-2 replayed under another challenge is refused', async () => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const { eap } = answerChallenge(pne, await home.challenge())
  const answer = await home.forward({ secondSeed: pne.secondSeed, challenge: await home.challenge(), eap })
  assert.equal(answer.result, Result.authenticationFailed)
  assert.equal(answer.transientKey, undefined)
})

test('a challenge that is expired, of another gateway, or changed in any octet is refused', async () => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const forward = (gw: ScriptedGateway, challenge: Uint8Array) =>
    gw.forward({ secondSeed: pne.secondSeed, challenge, eap: answerChallenge(pne, challenge).eap })

  const old = await home.challenge()
  clock.offsetMs = (CHALLENGE_LIFETIME_S + 2) * 1000
  assert.equal((await forward(home, old)).result, Result.challengeRefused, 'expired')
  clock.offsetMs = 0
  assert.equal((await forward(home, old)).result, Result.success, 'and good while it is young')

  const hotel = await gateway(HOTEL)
  assert.equal((await forward(hotel, await home.challenge())).result, Result.challengeRefused, 'of another gateway')

  const good = await home.challenge()
  for (let at = 0; at < good.length; at++) {
    const changed = Uint8Array.from(good)
    changed[at] = (changed[at] ?? 0) ^ 1
    const { eap } = answerChallenge(pne, good)
    const { result } = await home.forward({ secondSeed: pne.secondSeed, challenge: changed, eap })
    assert.equal(result, Result.challengeRefused, `octet ${at}`)
  }
})

test('key assignment: the same 2nd seed gets the same answer, and no other gateway gets it', async () => {
  const home = await gateway()
  const secondSeed = randomBytes(32)
  const first = await home.assign(secondSeed)
  const { id: _, ...again } = await home.assign(secondSeed)
  assert.deepEqual(again, {
    type: 'KeyAssignmentResponse',
    result: Result.success,
    euKey: first.euKey,
    pneId: first.pneId,
    user: 'alice',
    generation: 1,
  })
  const hotel = await gateway(HOTEL)
  assert.equal((await hotel.assign(secondSeed)).result, Result.notPermitted)
  assert.equal((await hotel.confirm(secondSeed)).result, Result.notPermitted)
  assert.equal((await home.confirm(randomBytes(32))).result, Result.notPermitted, 'never assigned')
  assert.equal((await home.confirm(secondSeed)).result, Result.success)
  assert.equal((await home.confirm(secondSeed)).result, Result.success, 'confirming again changes nothing')
})

test('two servers on copies of one data folder: one finishes what the other began', async () => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const copy = `${folder}/copy`
  await cp(dataDir, copy, { recursive: true })
  const replica = await runServer({ dataDir: copy, listen: anyPort, admin: anyPort })
  try {
    const challenge = await home.challenge()
    const { eap } = answerChallenge(pne, challenge)
    const elsewhere = await gateway(HOME, replica)
    const answer = await elsewhere.forward({ secondSeed: pne.secondSeed, challenge, eap })
    assert.equal(answer.result, Result.success)
    elsewhere.link.destroy()
  } finally {
    await replica.close({ graceMs: 100 })
  }
})

test('an unknown gateway and one with a wrong secret both get an offer, and both fail only in TLS', async () => {
  const attempts = [
    ScriptedGateway.connect(server.addresses.cpns, HOME, randomBytes(32)),
    ScriptedGateway.connect(server.addresses.cpns, 'nobody@example.org', randomBytes(32)),
  ]
  await Promise.all(attempts.map((attempt) => assert.rejects(attempt, { code: 'TLS_REFUSED' })))
})

test('a gateway that speaks no version of ours is told which ones we speak', async () => {
  await assert.rejects(ScriptedGateway.connect(server.addresses.cpns, HOME, randomBytes(32), [9]), {
    code: 'UNEXPECTED_MESSAGE',
    message: /got message 34/,
  })
})

test('a revocation reaches a connected gateway at once, and the log gives it to one that asks later', async () => {
  const home = await gateway()
  const pne = await home.pair(randomBytes(32))
  const before = home.welcome.revocations ?? 0
  assert.equal((await revoke(pne.pneId)).status, 200)
  const notice = decode(await home.link.receive({ timeoutMs: 30_000 }), RevocationNotice)
  assert.ok(notice.upTo > before)
  const log = await home.revocations(before)
  assert.deepEqual(Buffer.from(log.tags?.at(-1) ?? []), revocationTag(pne.secondSeed))
  assert.equal(log.upTo, notice.upTo)
  const later = await gateway()
  assert.equal(later.welcome.revocations, notice.upTo)
  assert.deepEqual((await later.revocations(notice.upTo)).tags, [])
})

test('a frame that is none ends the link, and the server lives on', async () => {
  for (const frame of [Buffer.from('a1'), Buffer.from('a100182b', 'hex'), randomBytes(50)]) {
    const home = await gateway()
    await home.link.send(frame)
    await assert.rejects(home.link.receive({ timeoutMs: 30_000 }), { code: 'LINK_CLOSED' })
  }
  const { result } = await (await gateway()).ask(encode(ChallengeRequest, { id: 1, count: 64 }), ChallengeResponse)
  assert.equal(result, Result.success)
})

test('1,500 connections that never speak do not keep a gateway out', async () => {
  const { host, port } = server.addresses.cpns
  const silent = Array.from({ length: 1500 }, () => tcp({ host, port }).on('error', () => {}))
  const home = await gateway()
  assert.ok((await home.challenge()).length > 0)
  for (const socket of silent) socket.destroy()
})
