import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { revocationTag } from '@opencpns/protocol'
import { EventLog } from '../../src/events.ts'
import { Registry } from '../../src/registry.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Vault } from '../../src/vault.ts'

const HOUR_MS = 3_600_000

/** A registry with the users alice and bob, who have a gateway each. */
async function furnished() {
  const store = openSqlite(':memory:')
  const vault = new Vault(Buffer.alloc(32, 1))
  const clock = { now: 1_000_000 }
  const now = () => clock.now
  const events = new EventLog(store, { now })
  const registry = new Registry({ store, vault, realm: 'example.org', events, now })
  await registry.addUser('alice')
  await registry.addUser('bob')
  const home = await registry.addGateway({ name: 'home', user: 'alice' })
  const lobby = await registry.addGateway({ name: 'lobby', user: 'bob' })
  const assign = (secondSeed: Uint8Array, name?: string) =>
    registry.assignPne({ gatewayIdentity: home.identity, secondSeed, name })
  return { store, vault, clock, events, registry, home, lobby, assign }
}

test('names of users and gateways are host labels', async () => {
  const { registry } = await furnished()
  for (const name of ['', 'Alice', '-a', 'a-', 'a.b', 'a b', 'a@b', 'ä', 'a'.repeat(64), 'a\n', "'", '__proto__']) {
    await assert.rejects(registry.addUser(name), { code: 'NAME_INVALID' }, name)
    await assert.rejects(registry.addGateway({ name, user: 'alice' }), { code: 'NAME_INVALID' }, name)
  }
  for (const name of ['a', '0', 'a-b', 'a'.repeat(63)]) assert.equal((await registry.addUser(name)).name, name)
})

test('a user and a gateway are added once', async () => {
  const { registry } = await furnished()
  await assert.rejects(registry.addUser('alice'), { code: 'USER_EXISTS' })
  await assert.rejects(registry.addGateway({ name: 'home', user: 'bob' }), { code: 'GATEWAY_EXISTS' })
  await assert.rejects(registry.addGateway({ name: 'new', user: 'carol' }), { code: 'USER_UNKNOWN' })
})

test("a link is authenticated by the gateway's secret until the gateway is revoked", async () => {
  const { registry, home } = await furnished()
  assert.deepEqual((await registry.findGatewayForLink(home.identity))?.secret, home.secret)
  assert.equal(await registry.findGatewayForLink('none@example.org'), undefined)
  const ended: string[] = []
  registry.on('gatewayRevoked', (identity) => ended.push(identity))
  await registry.revokeGateway(home.identity)
  assert.equal(await registry.findGatewayForLink(home.identity), undefined)
  assert.deepEqual(ended, [home.identity])
  await assert.rejects(registry.revokeGateway('none@example.org'), { code: 'GATEWAY_UNKNOWN' })
})

test('a sealed secret that was moved to another gateway does not open', async () => {
  const { store, registry, home, lobby } = await furnished()
  const { sealedSecret } = (await store.findGateway(lobby.identity)) ?? {}
  const findGateway = store.findGateway.bind(store)
  store.findGateway = async (identity) => {
    const gateway = await findGateway(identity)
    return gateway && { ...gateway, sealedSecret: sealedSecret ?? Buffer.of() }
  }
  assert.deepEqual((await registry.findGatewayForLink(lobby.identity))?.secret, lobby.secret)
  await assert.rejects(registry.findGatewayForLink(home.identity), { code: 'VAULT_CANNOT_OPEN' })
})

test('a sealed 1st seed that was moved to another user does not open', async () => {
  const { store, registry, assign } = await furnished()
  const secondSeed = randomBytes(32)
  const bob = await store.findUser('bob')
  const findFirstSeed = store.findFirstSeed.bind(store)
  store.findFirstSeed = async (userId, generation) => {
    const seed = await findFirstSeed(userId, generation)
    const other = await findFirstSeed(bob?.id ?? 0, 1)
    return seed && other && { ...seed, sealed: other.sealed }
  }
  await assert.rejects(assign(secondSeed), { code: 'VAULT_CANNOT_OPEN' })
  await assert.rejects(registry.findPeer(secondSeed), { code: 'VAULT_CANNOT_OPEN' })
})

test('an assignment gives a pneId and the 1st seed, and the same ones when it is asked again', async () => {
  const { registry, home, assign } = await furnished()
  const secondSeed = randomBytes(32)
  const first = await assign(secondSeed, 'Lamp')
  assert.match(first.pneId, /^pne-[a-z2-7]{16}$/)
  assert.equal(first.firstSeed.length, 32)
  assert.deepEqual(await assign(secondSeed, 'Another name'), first)
  assert.deepEqual(await registry.showPne('Lamp'), await registry.showPne(first.pneId))
  await registry.confirmPne({ gatewayIdentity: home.identity, secondSeed })
  assert.deepEqual(await assign(secondSeed), first)
  assert.equal((await registry.showPne(first.pneId)).state, 'active')
})

test('what one gateway assigned is nothing to another', async () => {
  const { registry, lobby, assign } = await furnished()
  const secondSeed = randomBytes(32)
  await assign(secondSeed)
  const theirs = { gatewayIdentity: lobby.identity, secondSeed }
  await assert.rejects(registry.assignPne(theirs), { code: 'ASSIGNED_ELSEWHERE' })
  await assert.rejects(registry.confirmPne(theirs), { code: 'ASSIGNED_ELSEWHERE' })
  assert.equal((await registry.findPeer(secondSeed))?.state, 'pending')
})

test('a gateway that is unknown or revoked neither assigns nor confirms', async () => {
  const { registry, home, assign } = await furnished()
  const secondSeed = randomBytes(32)
  await assert.rejects(registry.assignPne({ gatewayIdentity: 'none@example.org', secondSeed }), {
    code: 'GATEWAY_UNKNOWN',
  })
  await assign(secondSeed)
  await registry.revokeGateway(home.identity)
  await assert.rejects(assign(randomBytes(32)), { code: 'GATEWAY_UNKNOWN' })
  const confirming = registry.confirmPne({ gatewayIdentity: home.identity, secondSeed })
  await assert.rejects(confirming, { code: 'GATEWAY_UNKNOWN' })
})

test('a display name is short and has no characters that only act', async () => {
  const { assign } = await furnished()
  for (const name of ['a'.repeat(65), 'a\nb', 'a\u0000', '\u001b[31m', 'a\u202eb', 'a\u2028b', '\ud800', '\u007f']) {
    await assert.rejects(assign(randomBytes(32), name), { code: 'NAME_INVALID' }, JSON.stringify(name))
  }
  await assign(randomBytes(32), '😀'.repeat(64))
})

test('a confirmation may be repeated, but not before the assignment', async () => {
  const { registry, home, assign } = await furnished()
  const of = { gatewayIdentity: home.identity, secondSeed: randomBytes(32) }
  await assert.rejects(registry.confirmPne(of), { code: 'PNE_UNKNOWN' })
  const { pneId } = await assign(of.secondSeed)
  assert.equal((await registry.confirmPne(of)).pneId, pneId)
  assert.equal((await registry.confirmPne(of)).pneId, pneId)
})

test('a peer is found by its 2nd seed in every state, with the 1st seed it was assigned under', async () => {
  const { registry, home, assign } = await furnished()
  const secondSeed = randomBytes(32)
  const { pneId, firstSeed } = await assign(secondSeed)
  const peer = { pneId, state: 'pending', user: 'alice', generation: 1, firstSeed }
  const found = await registry.findPeer(secondSeed)
  assert.deepEqual(found, { ...peer, userId: found?.userId })
  await registry.confirmPne({ gatewayIdentity: home.identity, secondSeed })
  assert.equal((await registry.findPeer(secondSeed))?.state, 'active')
  await registry.revokePne(pneId)
  assert.equal((await registry.findPeer(secondSeed))?.state, 'revoked')
  assert.equal(await registry.findPeer(randomBytes(32)), undefined)
})

test('a new generation is for new PNEs; the others keep their 1st seed', async () => {
  const { registry, assign } = await furnished()
  const [old, young] = [randomBytes(32), randomBytes(32)]
  const before = await assign(old)
  assert.equal((await registry.renewFirstSeed('alice')).generation, 2)
  const after = await assign(young)
  assert.notDeepEqual(after.firstSeed, before.firstSeed)
  assert.deepEqual((await registry.findPeer(old))?.firstSeed, before.firstSeed)
  assert.equal((await registry.findPeer(young))?.generation, 2)
  await assert.rejects(registry.renewFirstSeed('carol'), { code: 'USER_UNKNOWN' })
})

test('a 1st seed is decrypted once, not for each authentication', async (t) => {
  const { vault, registry, assign } = await furnished()
  const open = t.mock.method(vault, 'open')
  const secondSeed = randomBytes(32)
  await assign(secondSeed)
  for (let i = 0; i < 10; i++) await registry.findPeer(secondSeed)
  assert.equal(open.mock.callCount(), 1)
})

test('a revoked PNE stays revoked, is logged once by its tag, and is told of once', async () => {
  const { registry, home, assign } = await furnished()
  const secondSeed = randomBytes(32)
  const { pneId } = await assign(secondSeed)
  const told: number[] = []
  registry.on('revoked', ({ seq }) => told.push(seq))
  const revocation = await registry.revokePne(pneId)
  assert.deepEqual(await registry.revokePne(pneId), revocation)
  assert.deepEqual(Buffer.from(revocation.tag), revocationTag(secondSeed))
  assert.deepEqual(await registry.revocationsSince(0, 10), [revocation])
  assert.equal(await registry.newestRevocation(), revocation.seq)
  assert.deepEqual(told, [revocation.seq])
  await assert.rejects(assign(secondSeed), { code: 'PNE_REVOKED' })
  const confirming = registry.confirmPne({ gatewayIdentity: home.identity, secondSeed })
  await assert.rejects(confirming, { code: 'PNE_REVOKED' })
})

test('revocation wants the whole pneId', async () => {
  const { registry, assign } = await furnished()
  const { pneId } = await assign(randomBytes(32), 'Lamp')
  for (const reference of ['Lamp', pneId.slice(0, -1), '', 'pne-', 'pne-aaaaaaaaaaaaaaaa']) {
    await assert.rejects(registry.revokePne(reference), { code: 'PNE_UNKNOWN' }, reference)
  }
  assert.equal((await registry.showPne(pneId)).state, 'pending')
})

test('a reference to a PNE must mean one', async () => {
  const { registry, assign } = await furnished()
  const { pneId } = await assign(randomBytes(32), 'Lamp')
  await assign(randomBytes(32), 'Twin')
  await assign(randomBytes(32), 'Twin')
  assert.equal((await registry.showPne(pneId.slice(0, 12))).pneId, pneId)
  assert.equal((await registry.showPne('Lamp')).pneId, pneId)
  for (const reference of ['Twin', 'pne-']) await assert.rejects(registry.showPne(reference), { code: 'PNE_AMBIGUOUS' })
  for (const reference of ['', 'Lam', 'lamp', 'pne-1']) {
    await assert.rejects(registry.showPne(reference), { code: 'PNE_UNKNOWN' }, reference)
  }
})

test('a pneId in full wins over a display name that looks like it', async () => {
  const { registry, assign } = await furnished()
  const { pneId } = await assign(randomBytes(32))
  await assign(randomBytes(32), pneId)
  assert.equal((await registry.showPne(pneId)).pneId, pneId)
})

test('assignments that nobody confirms for an hour are removed, at the start and every hour', async (t) => {
  const { clock, registry, home, assign } = await furnished()
  t.mock.timers.enable({ apis: ['setInterval'] })
  const [abandoned, confirmed, later] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  await assign(abandoned)
  await assign(confirmed)
  await registry.confirmPne({ gatewayIdentity: home.identity, secondSeed: confirmed })
  clock.now += HOUR_MS
  await registry.start()
  assert.ok(await registry.findPeer(abandoned))
  await assign(later)
  clock.now += 1
  await registry.start()
  assert.equal(await registry.findPeer(abandoned), undefined)
  assert.ok(await registry.findPeer(confirmed))
  clock.now += HOUR_MS
  t.mock.timers.tick(HOUR_MS)
  await new Promise(setImmediate)
  assert.equal(await registry.findPeer(later), undefined)
  registry.close()
})

test('what happened is in the event log, with the reason of what was refused', async () => {
  const { events, registry, home, lobby, assign } = await furnished()
  const secondSeed = randomBytes(32)
  const { pneId } = await assign(secondSeed)
  await assert.rejects(registry.assignPne({ gatewayIdentity: lobby.identity, secondSeed }))
  await registry.revokePne(pneId)
  const [revoked, refused, assigned, gatewayAdded] = await events.list({ limit: 10 })
  assert.deepEqual([revoked?.type, revoked?.pneId, revoked?.gateway], ['revocation', pneId, home.identity])
  assert.deepEqual(
    [refused?.result, refused?.reason, refused?.gateway],
    ['refused', 'ASSIGNED_ELSEWHERE', lobby.identity],
  )
  assert.deepEqual([assigned?.type, assigned?.result, assigned?.user], ['assignment', 'accepted', 'alice'])
  assert.deepEqual([gatewayAdded?.type, gatewayAdded?.result], ['admin', 'gateway-added'])
})

test('the registry shows no secret of its own', async () => {
  const { registry, home, assign } = await furnished()
  const { firstSeed } = await assign(randomBytes(32))
  const shown = inspect(registry, { depth: 9, showHidden: true })
  for (const octets of [firstSeed, home.secret]) {
    for (const form of ['hex', 'base64url'] as const) assert.ok(!shown.includes(octets.toString(form).slice(0, 16)))
    assert.ok(!shown.includes(octets.toString('hex').replace(/../g, '$& ').slice(0, 24)))
  }
})
