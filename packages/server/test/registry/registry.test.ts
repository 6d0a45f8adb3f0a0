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

test('a rotated key is of the same PNE and of the newest generation; the old one works until it is retired', async () => {
  const { registry, home, assign } = await furnished()
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const gatewayIdentity = home.identity
  const { pneId, firstSeed } = await assign(old, 'Lamp')
  const rotate = () => registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await assert.rejects(rotate(), { code: 'KEY_UNKNOWN' })
  await registry.confirmPne({ gatewayIdentity, secondSeed: old })
  await registry.renewFirstSeed('alice')
  const rotated = await rotate()
  assert.deepEqual([rotated.pneId, rotated.user, rotated.generation], [pneId, 'alice', 2])
  assert.notDeepEqual(rotated.firstSeed, firstSeed)
  assert.deepEqual(await rotate(), rotated)

  const states = async () => Promise.all([old, next].map(async (seed) => (await registry.findPeer(seed))?.state))
  assert.deepEqual(await states(), ['active', 'pending'])
  await assert.rejects(registry.retireKey({ gatewayIdentity, secondSeed: old }), { code: 'KEY_LAST' })
  await registry.confirmPne({ gatewayIdentity, secondSeed: next })
  assert.deepEqual(await states(), ['active', 'active'])
  for (let i = 0; i < 2; i++) {
    assert.equal((await registry.retireKey({ gatewayIdentity, secondSeed: old })).pneId, pneId)
    assert.deepEqual(await states(), ['retired', 'active'])
  }
  assert.deepEqual(await rotate(), rotated)
  await assert.rejects(registry.retireKey({ gatewayIdentity, secondSeed: next }), { code: 'KEY_LAST' })
  await assert.rejects(assign(old), { code: 'KEY_RETIRED' })
  await assert.rejects(registry.confirmPne({ gatewayIdentity, secondSeed: old }), { code: 'KEY_RETIRED' })
  const pne = await registry.showPne('Lamp')
  assert.deepEqual([pne.pneId, pne.generation, pne.state], [pneId, 2, 'active'])
})

test('a gateway rotates what it assigned itself, and no 2nd seed twice', async () => {
  const { registry, home, lobby, assign } = await furnished()
  const [old, next, theirs] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const [ours, other] = [{ gatewayIdentity: home.identity }, { gatewayIdentity: lobby.identity }]
  await assign(old)
  await registry.confirmPne({ ...ours, secondSeed: old })
  await registry.assignPne({ ...other, secondSeed: theirs })
  await registry.confirmPne({ ...other, secondSeed: theirs })
  await assert.rejects(registry.assignPne({ ...other, secondSeed: next, replaces: old }), { code: 'KEY_UNKNOWN' })
  assert.equal(await registry.findPeer(next), undefined)
  for (const secondSeed of [old, theirs]) {
    await assert.rejects(registry.assignPne({ ...ours, secondSeed, replaces: old }), { code: 'ASSIGNED_ELSEWHERE' })
  }
  await registry.assignPne({ ...ours, secondSeed: next, replaces: old })
  await assert.rejects(registry.assignPne({ ...ours, secondSeed: next, replaces: theirs }), {
    code: 'ASSIGNED_ELSEWHERE',
  })
  await assert.rejects(registry.confirmPne({ ...other, secondSeed: next }), { code: 'ASSIGNED_ELSEWHERE' })
  await registry.confirmPne({ ...ours, secondSeed: next })
  await assert.rejects(registry.retireKey({ ...other, secondSeed: old }), { code: 'ASSIGNED_ELSEWHERE' })
  await assert.rejects(registry.retireKey({ ...ours, secondSeed: randomBytes(32) }), { code: 'PNE_UNKNOWN' })
  assert.equal((await registry.findPeer(old))?.state, 'active')
  await registry.revokeGateway(home.identity)
  for (const act of [
    registry.assignPne({ ...ours, secondSeed: randomBytes(32), replaces: old }),
    registry.retireKey({ ...ours, secondSeed: old }),
  ]) {
    await assert.rejects(act, { code: 'GATEWAY_UNKNOWN' })
  }
})

test('a revoked PNE has the tag of each of its keys in the log, and is rotated no more', async () => {
  const { registry, home, assign } = await furnished()
  const gatewayIdentity = home.identity
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const { pneId } = await assign(old)
  await registry.confirmPne({ gatewayIdentity, secondSeed: old })
  await registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  const told: number[] = []
  registry.on('revoked', ({ seq }) => told.push(seq))
  const { seq } = await registry.revokePne(pneId)
  const lines = await registry.revocationsSince(0, 10)
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
  assert.deepEqual(lines.map(({ tag }) => hex(tag)).sort(), [old, next].map((seed) => hex(revocationTag(seed))).sort())
  assert.deepEqual([told, lines.at(-1)?.seq], [[seq], seq])
  await assert.rejects(registry.confirmPne({ gatewayIdentity, secondSeed: next }), { code: 'PNE_REVOKED' })
  const rotating = registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await assert.rejects(rotating, { code: 'PNE_REVOKED' })
})

test('rotations are events, refused ones with their reason', async () => {
  const { events, registry, home, assign } = await furnished()
  const gatewayIdentity = home.identity
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const { pneId } = await assign(old)
  await registry.confirmPne({ gatewayIdentity, secondSeed: old })
  await registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await assert.rejects(registry.retireKey({ gatewayIdentity, secondSeed: old }))
  await registry.confirmPne({ gatewayIdentity, secondSeed: next })
  await registry.retireKey({ gatewayIdentity, secondSeed: old })
  const found = await events.list({ limit: 10, type: 'rotation' })
  assert.deepEqual(
    found.map(({ result, reason, pneId }) => [result, reason, pneId]),
    [
      ['retired', null, pneId],
      ['confirmed', null, pneId],
      ['refused', 'KEY_LAST', null],
      ['assigned', null, pneId],
    ],
  )
})

test('an old generation is retired once nobody uses it, or by force, which revokes', async () => {
  const { registry, home, assign } = await furnished()
  const gatewayIdentity = home.identity
  const [old, next, lagging] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  for (const secondSeed of [old, lagging]) {
    await assign(secondSeed)
    await registry.confirmPne({ gatewayIdentity, secondSeed })
  }
  await assert.rejects(registry.generations.retire('alice', 1), { code: 'GENERATION_NEWEST' })
  await registry.renewFirstSeed('alice')
  for (const generation of [0, 3]) {
    await assert.rejects(registry.generations.retire('alice', generation), { code: 'GENERATION_UNKNOWN' })
  }
  await registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await registry.confirmPne({ gatewayIdentity, secondSeed: next })
  const { firstSeed } = (await registry.findPeer(old)) ?? {}
  await assert.rejects(registry.generations.retire('alice', 1), {
    code: 'GENERATION_IN_USE',
    message: /^2 active keys/,
  })
  assert.equal((await registry.findPeer(old))?.state, 'active')
  const told: number[] = []
  registry.on('revoked', ({ seq }) => told.push(seq))
  const { keys, pnes } = await registry.generations.retire('alice', 1, { force: true })
  assert.deepEqual([keys, pnes, told], [2, 1, [2]])
  assert.deepEqual([await registry.findPeer(old), await registry.findPeer(lagging)], [undefined, undefined])
  assert.deepEqual(firstSeed, Buffer.alloc(32), 'the opened 1st seed is overwritten')
  assert.equal((await registry.findPeer(next))?.state, 'active')
  await registry.generations.retire('alice', 1)
  assert.deepEqual(told, [2])
  assert.deepEqual(
    (await registry.generations.list('alice')).map(({ generation, keys, retired }) => [generation, keys, retired]),
    [
      [1, 0, true],
      [2, 1, false],
    ],
  )
  await assert.rejects(registry.generations.list('carol'), { code: 'USER_UNKNOWN' })
  await registry.removeUser('alice')
  await assert.rejects(registry.generations.retire('alice', 1), { code: 'USER_UNKNOWN' })
})

test('a retired key is forgotten after a month', async () => {
  const { clock, registry, home, assign } = await furnished()
  const gatewayIdentity = home.identity
  const [old, next] = [randomBytes(32), randomBytes(32)]
  await assign(old)
  await registry.confirmPne({ gatewayIdentity, secondSeed: old })
  await registry.assignPne({ gatewayIdentity, secondSeed: next, replaces: old })
  await registry.confirmPne({ gatewayIdentity, secondSeed: next })
  await registry.retireKey({ gatewayIdentity, secondSeed: old })
  clock.now += 30 * 24 * HOUR_MS
  await registry.removePending()
  assert.equal((await registry.findPeer(old))?.state, 'retired')
  clock.now += 1
  await registry.removePending()
  assert.deepEqual([await registry.findPeer(old), (await registry.findPeer(next))?.state], [undefined, 'active'])
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
