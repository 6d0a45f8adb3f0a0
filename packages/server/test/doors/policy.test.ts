// Registrations and policy at the door for gateways, and revocation of gateways: what is told, counted and refused.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Case, RegistrationKind, Result } from '@opencpns/protocol'
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

const anyPort = { host: '127.0.0.1', port: 0 }
const folder = temporaryFolder({ after })
const dataDir = `${folder}/server`
const secrets = new Map<string, Buffer>()
const open: ScriptedGateway[] = []
const lines: Record<string, unknown>[] = []
const write = (facts: object) => void lines.push(facts as Record<string, unknown>)
const logger = { debug: write, info: write, warn: write, error: write }
let server: RunningServer

before(async () => {
  await initDataFolder(dataDir, { realm: 'example.org' })
  const { store, vault, realm } = await openDataFolder(dataDir)
  const registry = new Registry({ store, vault, realm })
  for (const user of ['alice', 'bob', 'carol']) {
    await registry.addUser(user)
    for (const name of [`${user}-gw`, `${user}-hub`]) {
      const { identity, secret } = await registry.addGateway({ name, user })
      secrets.set(identity, secret)
    }
  }
  await store.close()
  server = await runServer({ dataDir, listen: anyPort, admin: anyPort, logger })
})

after(async () => {
  for (const gateway of open) gateway.link.destroy()
  await server.close({ graceMs: 100 })
})

async function gateway(name: string): Promise<ScriptedGateway> {
  const identity = `${name}@example.org`
  const link = await ScriptedGateway.connect(server.addresses.cpns, identity, secrets.get(identity) ?? randomBytes(32))
  open.push(link)
  return link
}

// biome-ignore lint/suspicious/noExplicitAny: documents from outside
async function admin(method: string, path: string, body?: object): Promise<any> {
  const { url, token } = await readAdminAccess(dataDir)
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
  const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return response.json()
}

async function visit(at: ScriptedGateway, pne: { secondSeed: Uint8Array; euKey: Uint8Array }) {
  const challenge = await at.challenge()
  return at.forward({ secondSeed: pne.secondSeed, challenge, eap: answerChallenge(pne, challenge).eap })
}

async function newestRefusal(): Promise<string> {
  const { items } = await admin('GET', '/v1/events?type=authentication&limit=1')
  return items[0].reason
}

const report = (secondSeed: Uint8Array, kind: RegistrationKind = RegistrationKind.began, which: Case = Case.local) => ({
  kind,
  sessionId: randomBytes(16),
  secondSeed,
  atMs: 1000,
  case: which,
})

test('a gateway is told its policy with the first message, and at each change that concerns it', async () => {
  const [gw, hub] = [await gateway('alice-gw'), await gateway('alice-hub')]
  assert.deepEqual(gw.policy, { type: 'PolicyNotice', generation: 1, visitors: true })
  await admin('PATCH', '/v1/users/bob', { policy: { sessionsMax: 1 } })
  await admin('PATCH', '/v1/gateways/alice-gw', { visitors: false })
  assert.equal((await gw.nextPolicy()).visitors, false)
  await admin('PATCH', '/v1/users/alice', { policy: { sessionsMax: 5 } })
  assert.deepEqual(await gw.nextPolicy(), { type: 'PolicyNotice', generation: 1, visitors: false, sessionsMax: 5 })
  assert.deepEqual(await hub.nextPolicy(), { type: 'PolicyNotice', generation: 1, visitors: true, sessionsMax: 5 })
  await admin('PATCH', '/v1/gateways/alice-gw', { visitors: true })
  assert.equal((await gw.nextPolicy()).visitors, true)
  assert.equal((await gateway('alice-gw')).policy?.sessionsMax, 5)
  await admin('PATCH', '/v1/users/alice', { policy: { sessionsMax: null } })
})

test('a PNE that may not roam, or not there, is refused like any other, and the operator is told why', async () => {
  const [home, away] = [await gateway('bob-gw'), await gateway('carol-gw')]
  const pne = await home.pair(randomBytes(32))
  await admin('PATCH', '/v1/users/bob', { policy: { sessionsMax: 4 } })
  const welcome = await visit(away, pne)
  assert.deepEqual([welcome.result, welcome.sessionsMax], [Result.success, 4])
  const refused = async (reason: string) => {
    const { id: _, ...answer } = await visit(away, pne)
    assert.deepEqual(answer, { type: 'ForwardedResponse', result: Result.authenticationFailed })
    assert.equal(await newestRefusal(), reason)
  }
  await admin('PATCH', '/v1/users/bob', { policy: { roaming: 'none' } })
  await refused('ROAMING_NOT_ALLOWED')
  await admin('PATCH', '/v1/users/bob', { policy: { roaming: 'listed', gateways: ['carol-hub', 'bob-gw'] } })
  await refused('ROAMING_NOT_ALLOWED')
  await admin('PATCH', '/v1/users/bob', { policy: { gateways: ['carol-gw@example.org'] } })
  assert.equal((await visit(away, pne)).result, Result.success)
  await admin('PATCH', '/v1/gateways/carol-gw', { visitors: false })
  await refused('NO_VISITORS')
  await admin('PATCH', '/v1/gateways/carol-gw', { visitors: true })
  const wrongKey = await visit(away, { ...pne, euKey: randomBytes(32) })
  assert.equal(wrongKey.result, Result.authenticationFailed)
  assert.equal(await newestRefusal(), 'EAP_BAD_MAC', 'policy is looked at only after the proof')
})

test('reports are counted once each, a gap changes nothing, and the number 0 asks where the server is', async () => {
  const gw = await gateway('carol-gw')
  const pne = await gw.pair(randomBytes(32))
  const began = report(pne.secondSeed)
  const ended = { ...began, kind: RegistrationKind.ended }
  const gap = await gw.report(2, [began])
  assert.deepEqual([gap.result, gap.upTo], [Result.malformedMessage, undefined])
  assert.equal((await gw.report(1, [began])).upTo, 1)
  assert.equal((await gw.report(1, [began])).upTo, 1)
  assert.equal((await gw.report(0, [ended])).upTo, 1)
  const { items } = await admin('GET', '/v1/sessions?gateway=carol-gw')
  const session = began.sessionId.toString('base64url')
  const expected = {
    session,
    pne: pne.pneId,
    name: 'watch',
    user: 'carol',
    gateway: 'carol-gw@example.org',
    case: 'local',
  }
  assert.deepEqual(items, [{ ...expected, since: '1970-01-01T00:00:01.000Z' }])
  const again = await gateway('carol-gw')
  assert.equal((await again.report(1, [began, ended, began, ended])).upTo, 4)
  assert.deepEqual((await admin('GET', '/v1/pns/carol-gw')).items, [])
  const events = await admin('GET', `/v1/events?type=registration&pne=${pne.pneId}`)
  assert.deepEqual(
    events.items.map(({ result }: Record<string, string>) => result),
    ['ended', 'began', 'ended', 'began'],
  )
})

test('a session that began later than now, by the clock of a gateway, began now', async () => {
  const gw = await gateway('carol-gw')
  const pne = await gw.pair(randomBytes(32))
  const before = Date.now()
  const { upTo = 0 } = await gw.report(0, [report(pne.secondSeed)])
  await gw.report(upTo + 1, [{ ...report(pne.secondSeed), atMs: Number.MAX_SAFE_INTEGER }])
  const { items } = await admin('GET', `/v1/sessions?pne=${pne.pneId}`)
  assert.ok(Date.parse(items[0].since) >= before && Date.parse(items[0].since) <= Date.now())
})

test('a report that is none ends the link, and nothing of its request counts', async () => {
  const gw = await gateway('carol-hub')
  const pne = await gw.pair(randomBytes(32))
  await assert.rejects(gw.reportBodies(1, [Buffer.of(0xa0)]), { code: 'LINK_CLOSED' })
  const again = await gateway('carol-hub')
  assert.equal((await again.report(1, [report(pne.secondSeed)])).upTo, 1)
})

test('a gateway registers no PNE as its own that another one paired', async () => {
  const [home, other] = [await gateway('bob-gw'), await gateway('bob-hub')]
  const pne = await home.pair(randomBytes(32))
  assert.equal((await other.report(1, [report(pne.secondSeed)])).upTo, 1)
  assert.deepEqual((await admin('GET', '/v1/pns/bob-hub')).items, [])
  assert.equal((await other.report(2, [report(pne.secondSeed, RegistrationKind.began, Case.remote)])).upTo, 2)
  assert.deepEqual((await admin('GET', '/v1/pns/bob-hub')).registered, 1)
  await admin('POST', `/v1/pnes/${pne.pneId}/revoke`)
  assert.deepEqual((await admin('GET', '/v1/pns/bob-hub')).registered, 0)
})

test('the link of a revoked gateway ends at once, and it gets no other', async () => {
  const gw = await gateway('alice-hub')
  const revoked = await admin('POST', '/v1/gateways/alice-hub/revoke')
  assert.deepEqual([revoked.identity, typeof revoked.revoked], ['alice-hub@example.org', 'string'])
  await assert.rejects(gw.link.receive({ timeoutMs: 30_000 }), { code: 'LINK_CLOSED' })
  await assert.rejects(gateway('alice-hub'))
})

test('the gateways of a removed user may still read the revocation log, and nothing else', async () => {
  const gw = await gateway('alice-gw')
  const [pne, later] = [await gw.pair(randomBytes(32)), randomBytes(32)]
  const visitor = await (await gateway('carol-gw')).pair(randomBytes(32))
  const removal = await admin('DELETE', '/v1/users/alice')
  assert.deepEqual([removal.pnes, removal.gateways], [1, ['alice-gw@example.org']])
  const { tags } = await gw.revocations(0)
  assert.ok((tags?.length ?? 0) >= 1)
  assert.equal((await gw.assign(later)).result, Result.notPermitted)
  assert.equal((await gw.report(1, [report(pne.secondSeed)])).result, Result.notPermitted)
  assert.equal((await visit(gw, visitor)).result, Result.notPermitted)
  await assert.rejects(gateway('alice-gw'))
  const shown = await admin('GET', '/v1/users/alice')
  assert.equal(typeof shown.removed, 'string')
  await assert.rejects(gw.link.receive({ timeoutMs: 30_000 }), { code: 'LINK_CLOSED' })
  const away = await gateway('carol-gw')
  assert.equal((await visit(away, pne)).result, Result.authenticationFailed)
  assert.equal(await newestRefusal(), 'UNKNOWN_PNE')
})

test('what the API does not allow is refused', async () => {
  for (const [method, path, body, code] of [
    ['PATCH', '/v1/users/nobody', { policy: { roaming: 'none' } }, 'USER_UNKNOWN'],
    ['PATCH', '/v1/users/bob', { policy: { roaming: 'some' } }, 'REQUEST_INVALID'],
    ['PATCH', '/v1/users/bob', { policy: { sessionsMax: 0 } }, 'REQUEST_INVALID'],
    ['PATCH', '/v1/users/bob', { policy: { sessionsMax: 65536 } }, 'REQUEST_INVALID'],
    ['PATCH', '/v1/users/bob', { policy: { other: 1 } }, 'REQUEST_INVALID'],
    ['PATCH', '/v1/users/bob', { policy: { gateways: ['none-gw'] } }, 'GATEWAY_UNKNOWN'],
    ['PATCH', '/v1/users/bob', { policy: { gateways: ['A b'] } }, 'NAME_INVALID'],
    ['PATCH', '/v1/users/alice', { policy: { roaming: 'any' } }, 'USER_UNKNOWN'],
    ['PATCH', '/v1/gateways/none-gw', { visitors: true }, 'GATEWAY_UNKNOWN'],
    ['PATCH', '/v1/gateways/bob-gw', { visitors: 'yes' }, 'REQUEST_INVALID'],
    ['POST', '/v1/gateways/none-gw/revoke', undefined, 'GATEWAY_UNKNOWN'],
    ['DELETE', '/v1/users/nobody', undefined, 'USER_UNKNOWN'],
    ['DELETE', '/v1/users/alice', undefined, 'USER_UNKNOWN'],
    ['POST', '/v1/users', { name: 'alice' }, 'USER_EXISTS'],
    ['POST', '/v1/gateways', { name: 'x', user: 'alice' }, 'USER_UNKNOWN'],
    ['GET', '/v1/pns/none-gw', undefined, 'GATEWAY_UNKNOWN'],
    ['GET', '/v1/sessions?cursor=x', undefined, 'STORE_CURSOR_INVALID'],
    ['GET', '/v1/sessions?user=bob', undefined, 'REQUEST_INVALID'],
  ] as const) {
    assert.equal((await admin(method, path, body)).code, code, `${method} ${path} ${JSON.stringify(body)}`)
  }
})
