// The contract of the operator's part of a store: tokens, the audit log, answers, links of gateways, sealed values.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Store } from '../../src/store/contract.ts'
import type { AuditRow, LinkChange, NewToken } from '../../src/store/contract-operator.ts'
import { activePne, addGateway, addUser, type Contract, furnish, GATEWAY, newPne, OTHER_GATEWAY } from './furnish.ts'

export function operatorContract(contract: Contract): void {
  contract('a token is found by its hash and by its id, and shows neither the hash nor more', async (store) => {
    const token = newToken({ name: 'dora', expiresAt: 90 })
    const { hash, ...facts } = token
    const row = { ...facts, revokedAt: null, usedAt: null }
    assert.deepEqual({ ...(await store.addToken(token)) }, row)
    assert.deepEqual({ ...(await store.findToken(hash)) }, row)
    assert.deepEqual({ ...(await store.findTokenById(token.id)) }, row)
    await store.noteTokenUse(token.id, 70)
    assert.equal((await store.findToken(hash))?.usedAt, 70)
    assert.equal(await store.findToken(randomBytes(32)), undefined)
    assert.equal(await store.findTokenById(token.name), undefined)
  })

  contract('the name of a token is taken until that is revoked, and its hash for ever', async (store) => {
    const first = newToken({ name: 'dora' })
    await store.addToken(first)
    await assert.rejects(store.addToken(newToken({ name: 'dora' })), { code: 'STORE_DUPLICATE' })
    assert.equal((await store.revokeToken('dora', 20))?.revokedAt, 20)
    const second = await store.addToken(newToken({ name: 'dora' }))
    await assert.rejects(store.addToken(newToken({ hash: first.hash })), { code: 'STORE_DUPLICATE' })
    assert.equal((await store.revokeToken('dora', 30))?.id, second.id)
    assert.equal((await store.findTokenById(first.id))?.revokedAt, 20)
  })

  contract('a token is revoked once, by id or by name', async (store) => {
    const { id } = await store.addToken(newToken({ name: 'dora' }))
    assert.equal((await store.revokeToken(id, 20))?.revokedAt, 20)
    assert.equal((await store.revokeToken(id, 30))?.revokedAt, 20)
    assert.equal(await store.revokeToken('dora', 30), undefined)
    assert.equal(await store.revokeToken('nobody', 30), undefined)
  })

  contract('a token has one of three roles and a hash of 32 octets', async (store) => {
    for (const wrong of [{ role: 'root' as 'admin' }, { hash: randomBytes(31) }, { hash: randomBytes(33) }]) {
      await assert.rejects(store.addToken(newToken(wrong)), { code: 'STORE_FAILED' })
    }
    assert.deepEqual((await store.listTokens({ limit: 10 })).items, [])
  })

  contract('tokens are listed newest first, page by page', async (store) => {
    for (const name of ['a', 'b', 'c']) await store.addToken(newToken({ name }))
    const first = await store.listTokens({ limit: 2 })
    const second = await store.listTokens({ limit: 2, cursor: first.next ?? '' })
    assert.deepEqual(
      [...first.items, ...second.items].map(({ name }) => name),
      ['c', 'b', 'a'],
    )
    assert.equal(second.next, null)
    await assert.rejects(store.listTokens({ limit: 2, cursor: 'x' }), { code: 'STORE_CURSOR_INVALID' })
  })

  contract('the audit log has a row before a change, and its outcome after', async (store) => {
    const begun = newAudit({ facts: '{"a":1}' })
    const id = await store.beginAudit(begun)
    assert.deepEqual(
      (await store.listAudit({ limit: 5 })).map((row) => ({ ...row })),
      [{ ...begun, id, outcome: null }],
    )
    assert.deepEqual({ ...(await store.endAudit(id, 'done')) }, { ...begun, id, outcome: 'done' })
    assert.equal((await store.endAudit(id, 'done', '{"b":2}'))?.facts, '{"b":2}')
    assert.equal(await store.endAudit(id + 1, 'done'), undefined)
  })

  contract('the audit log is read newest first, by every condition, from any row backwards', async (store) => {
    const begin = (changes: Partial<AuditRow>) => store.beginAudit(newAudit(changes))
    const first = await begin({ actor: 'dora', action: 'user.add', target: 'alice' })
    const second = await begin({ actor: 'dora', action: 'pne.revoke', target: 'pne-a' })
    const third = await begin({ actor: 'finn', action: 'user.add', target: null })
    assert.ok(first < second && second < third)
    const list = async (filter: object) => (await store.listAudit({ limit: 10, ...filter })).map(({ id }) => id)
    assert.deepEqual(await list({}), [third, second, first])
    assert.deepEqual(await list({ limit: 1 }), [third])
    assert.deepEqual(await list({ before: third }), [second, first])
    assert.deepEqual(await list({ actor: 'dora' }), [second, first])
    assert.deepEqual(await list({ action: 'user.add' }), [third, first])
    assert.deepEqual(await list({ action: 'user.add', target: 'alice', actor: 'dora' }), [first])
    assert.deepEqual(await list({ action: 'user.add', target: 'bob' }), [])
  })

  contract('a key for an answer is taken once; whoever comes second gets what is there', async (store) => {
    const claim = newClaim({ at: 10 })
    const both = await Promise.all([store.claimAnswer(claim), store.claimAnswer({ ...claim, at: 11 })])
    const [underWay, ...others] = both.filter((found) => found !== undefined)
    assert.deepEqual([others.length, underWay?.sealedAnswer], [0, null])
    await store.keepAnswer(claim.scope, claim.key, Buffer.of(1, 2))
    const kept = await store.claimAnswer(claim)
    assert.deepEqual([...(kept?.sealedAnswer ?? [])], [1, 2])
    assert.deepEqual(Buffer.from(kept?.fingerprint ?? []), claim.fingerprint)
    assert.equal(await store.claimAnswer({ ...claim, scope: 'other' }), undefined)
    assert.equal(await store.claimAnswer({ ...claim, key: 'other' }), undefined)
  })

  contract('a key is free again when its request changed nothing, but not when it has an answer', async (store) => {
    const claim = newClaim({})
    await store.claimAnswer(claim)
    await store.dropAnswer(claim.scope, claim.key)
    assert.equal(await store.claimAnswer(claim), undefined)
    await store.keepAnswer(claim.scope, claim.key, Buffer.of(1))
    await store.dropAnswer(claim.scope, claim.key)
    assert.equal((await store.claimAnswer(claim))?.sealedAnswer?.length, 1)
  })

  contract('a key whose request was abandoned is taken over by the same request only', async (store) => {
    const claim = newClaim({ at: 10 })
    await store.claimAnswer(claim)
    assert.notEqual(await store.claimAnswer({ ...claim, abandonedBefore: 10 }), undefined)
    const another = { ...claim, fingerprint: randomBytes(32), abandonedBefore: 11 }
    assert.notEqual(await store.claimAnswer(another), undefined)
    assert.equal(await store.claimAnswer({ ...claim, at: 20, abandonedBefore: 11 }), undefined)
    assert.equal((await store.claimAnswer({ ...claim, abandonedBefore: 20 }))?.at, 20)
    await store.keepAnswer(claim.scope, claim.key, Buffer.of(1))
    assert.notEqual(await store.claimAnswer({ ...claim, abandonedBefore: 99 }), undefined)
  })

  contract('answers are forgotten in time', async (store) => {
    const claim = newClaim({ at: 10 })
    await store.claimAnswer(claim)
    await store.keepAnswer(claim.scope, claim.key, Buffer.of(1))
    assert.notEqual(await store.claimAnswer({ ...claim, at: 20, forgetBefore: 10 }), undefined)
    assert.equal(await store.claimAnswer({ ...claim, at: 20, forgetBefore: 11 }), undefined)
  })

  contract('whether a key was taken can be asked without taking it, until it is forgotten', async (store) => {
    const claim = newClaim({ at: 10 })
    const { scope, key } = claim
    assert.deepEqual([await store.hasAnswer(scope, key), await store.hasAnswer(scope, key)], [false, false])
    await store.claimAnswer(claim)
    assert.equal(await store.hasAnswer(scope, key), true)
    assert.deepEqual([await store.hasAnswer('other', key), await store.hasAnswer(scope, 'other')], [false, false])
    await store.claimAnswer({ ...newClaim({ at: 20 }), scope: 'other', forgetBefore: 11 })
    assert.equal(await store.hasAnswer(scope, key), false)
  })

  contract('a gateway is connected while a replica that lives has a link with it', async (store) => {
    const beat = beatOf(store)
    assert.equal(await beat('r1', 100, up(GATEWAY, 90), up(OTHER_GATEWAY, 91)), false)
    assert.equal(await beat('r2', 110, up(GATEWAY, 95)), false)
    assert.equal(await beat('r1', 120), true)
    const links = [
      { gateway: GATEWAY, replica: 'r1', since: 90 },
      { gateway: GATEWAY, replica: 'r2', since: 95 },
      { gateway: OTHER_GATEWAY, replica: 'r1', since: 91 },
    ]
    const list = async (...of: Parameters<Store['listLinks']>) =>
      (await store.listLinks(...of)).map((link) => ({ ...link }))
    assert.deepEqual(await list(0), links)
    assert.equal(await store.countLinks(0), 2)
    assert.deepEqual(await list(0, [OTHER_GATEWAY, 'none@example.org']), [links[2]])
    assert.deepEqual(await list(0, []), [])
    assert.deepEqual(await list(115), [links[0], links[2]])
    assert.deepEqual(await list(121), [])
    assert.deepEqual([await store.countLinks(120), await store.countLinks(121)], [2, 0])
    const others = async (...of: Parameters<Store['countOtherReplicas']>) => store.countOtherReplicas(...of)
    assert.deepEqual([await others('r1', 0), await others('r2', 115), await others('r1', 115)], [1, 1, 0])
    assert.deepEqual([await others('none', 0), await others('none', 121)], [2, 0])
  })

  contract('links come and go in the order in which they are told', async (store) => {
    const beat = beatOf(store)
    await beat('r1', 100, up(GATEWAY, 90), down(GATEWAY, 91), up(OTHER_GATEWAY, 92), up(OTHER_GATEWAY, 93))
    assert.deepEqual(
      (await store.listLinks(0)).map(({ gateway, since }) => [gateway, since]),
      [[OTHER_GATEWAY, 93]],
    )
    await beat('r2', 100, down(OTHER_GATEWAY, 94))
    assert.equal(await store.countLinks(0), 1)
  })

  contract('a replica that is dropped, or silent for long, takes its links along and begins anew', async (store) => {
    const beat = beatOf(store)
    await beat('r1', 100, up(GATEWAY, 90))
    await beat('r2', 100, up(OTHER_GATEWAY, 90))
    await store.dropReplica('r1')
    await store.dropReplica('r1')
    assert.deepEqual(
      (await store.listLinks(0)).map(({ gateway }) => gateway),
      [OTHER_GATEWAY],
    )
    assert.equal(await beat('r1', 110), false)
    assert.equal(await store.beat({ replica: 'r3', at: 200, changes: [], forgetBefore: 110 }), false)
    assert.equal(await store.countLinks(0), 0)
    assert.deepEqual([await beat('r1', 210), await beat('r2', 210)], [true, false])
  })

  contract('what there is is counted by state', async (store) => {
    const { userId } = await furnish(store)
    await addGateway(store, 'ap@example.org', userId, '192.0.2.1/32')
    await addGateway(store, 'old@example.org', userId)
    await store.revokeGateway('old@example.org', 5)
    await addUser(store, 'carol')
    await store.removeUser('carol', (seed) => seed, 5)
    await store.assignPne(newPne())
    const [active, revoked] = [await activePne(store), await activePne(store)]
    await activePne(store, OTHER_GATEWAY)
    await store.revokePne(revoked.pneId, (seed) => seed, 5)
    const report = { kind: 'began', sessionId: randomBytes(16), case: 'local', at: 6 } as const
    await store.countReports(GATEWAY, 1, [{ ...report, secondSeed: active.secondSeed }])
    assert.deepEqual(await store.counts(), {
      users: 2,
      gateways: { cpns: 2, radius: 1, revoked: 1 },
      pnes: { pending: 1, active: 2, revoked: 1 },
      registered: 1,
    })
    await store.countReports(GATEWAY, 2, [{ ...report, secondSeed: active.secondSeed, sessionId: randomBytes(16) }])
    assert.equal((await store.counts()).registered, 1)
    await store.revokePne(active.pneId, (seed) => seed, 7)
    await store.removePendingPnes(100)
    const { pnes, registered } = await store.counts()
    assert.deepEqual([pnes, registered], [{ pending: 0, active: 1, revoked: 2 }, 0])
    await store.assignPne(newPne())
    assert.deepEqual(await store.countPnes(userId), { pending: 1, active: 0, revoked: 2 })
    assert.deepEqual(await store.countPnes(userId + 999), { pending: 0, active: 0, revoked: 0 })
  })

  contract('sealed values are listed whole, in parts, without those that were destroyed', async (store) => {
    const { userId } = await furnish(store)
    for (let generation = 2; generation <= 11; generation++) {
      await store.addFirstSeed({ userId, generation, sealed: Buffer.of(generation), createdAt: 1 })
    }
    const old = { userId, generation: 3, force: false, tagOf: (seed: Uint8Array) => seed, at: 5 }
    await store.retireGeneration(old)
    await addGateway(store, 'ap@example.org', userId, '192.0.2.1/32')
    const all = await store.listSealed(undefined, 100)
    const places = all.map(({ kind, place }) => `${kind} ${place}`)
    const seeds = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11].map((generation) => `first-seed alice/${generation}`)
    assert.deepEqual(places.toSorted(), [
      ...[...seeds, 'first-seed bob/1'].sort(),
      `gateway-secret ${GATEWAY}`,
      `gateway-secret ${OTHER_GATEWAY}`,
      'radius-secret ap@example.org',
    ])
    assert.deepEqual([...(all.find(({ place }) => place === 'alice/4')?.sealed ?? [])], [4])
    const parts: string[] = []
    let last: Parameters<Store['listSealed']>[0]
    for (let part = await store.listSealed(last, 3); part.length > 0; part = await store.listSealed(last, 3)) {
      parts.push(...part.map(({ kind, place }) => `${kind} ${place}`))
      last = part.at(-1)
    }
    assert.deepEqual(parts, places)
  })

  contract('a sealed value is replaced only while it is what it was', async (store) => {
    await furnish(store)
    const to = Buffer.of(99)
    const count = await store.reseal([
      { kind: 'first-seed', place: 'alice/1', from: Buffer.of(7), to },
      { kind: 'first-seed', place: 'bob/1', from: Buffer.of(6), to },
      { kind: 'first-seed', place: 'nobody/1', from: Buffer.of(7), to },
      { kind: 'gateway-secret', place: GATEWAY, from: Buffer.of(8), to },
      { kind: 'radius-secret', place: OTHER_GATEWAY, from: Buffer.of(7), to },
    ])
    const sealed = (await store.listSealed(undefined, 10)).map(({ place, sealed }) => [place, ...sealed])
    assert.deepEqual(Object.fromEntries(sealed), { 'alice/1': 99, 'bob/1': 7, [GATEWAY]: 99, [OTHER_GATEWAY]: 8 })
    assert.equal(count, 2)
  })
}

function newToken(changes: Partial<NewToken>): NewToken {
  const id = randomBytes(9).toString('base64url')
  const hash = new Uint8Array(randomBytes(32))
  return { id, name: id, role: 'viewer', hash, createdAt: 10, createdBy: 'local', expiresAt: null, ...changes }
}

function newAudit(changes: Partial<AuditRow>): Omit<AuditRow, 'id' | 'outcome'> {
  const who = { actor: 'dora', role: 'operator', from: '192.0.2.1' } as const
  return { at: 10, ...who, action: 'pne.revoke', target: 'pne-a', facts: null, ...changes }
}

function newClaim(changes: { at?: number }) {
  const fingerprint = randomBytes(32)
  return { scope: 'token', key: 'k1', fingerprint, at: 10, forgetBefore: 0, abandonedBefore: 0, ...changes }
}

function beatOf(store: Store) {
  return (replica: string, at: number, ...changes: LinkChange[]) =>
    store.beat({ replica, at, changes, forgetBefore: 0 })
}

function up(gateway: string, at: number): LinkChange {
  return { gateway, connected: true, at }
}

function down(gateway: string, at: number): LinkChange {
  return { gateway, connected: false, at }
}
