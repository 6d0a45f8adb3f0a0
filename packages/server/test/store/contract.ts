// The contract of a store, as tests that every implementation must pass.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import type { KeyRow, Store } from '../../src/store/contract.ts'
import { changesContract } from './contract-changes.ts'
import { keyContract } from './contract-keys.ts'
import { listContract } from './contract-lists.ts'
import { operatorContract } from './contract-operator.ts'
import { policyContract } from './contract-policy.ts'
import { registrationContract } from './contract-registrations.ts'
import { addGateway, addUser, furnish, GATEWAY, ids, NOBODY, newEvent, newPne, OTHER_GATEWAY } from './furnish.ts'

/** @param open  gives an empty store; the suite closes it */
export function storeContract(name: string, open: (t: TestContext) => Promise<Store>): void {
  const contract = (behaviour: string, prove: (store: Store) => Promise<void>) =>
    test(behaviour, async (t) => {
      const store = await open(t)
      try {
        await prove(store)
      } finally {
        await store.close()
      }
    })

  describe(`store contract: ${name}`, () => {
    contract('a claim is won once', async (store) => {
      assert.deepEqual([...(await store.claim('a', Buffer.of(1)))], [1])
      assert.deepEqual([...(await store.claim('a', Buffer.of(2)))], [1])
      assert.deepEqual([...(await store.claim('b', Buffer.of(3)))], [3])
    })

    contract('a claim is replaced only by who knows what it is', async (store) => {
      assert.equal(await store.replaceClaim('a', Buffer.of(), Buffer.of(1)), false, 'there is none')
      await store.claim('a', Buffer.of(1))
      await store.claim('b', Buffer.of(1))
      assert.equal(await store.replaceClaim('a', Buffer.of(2), Buffer.of(3)), false)
      assert.equal(await store.replaceClaim('a', Buffer.of(1), Buffer.of(2)), true)
      assert.equal(await store.replaceClaim('a', Buffer.of(1), Buffer.of(3)), false)
      assert.deepEqual([...(await store.claim('a', Buffer.of(9)))], [2])
      assert.deepEqual([...(await store.claim('b', Buffer.of(9)))], [1], 'another claim')
    })

    contract('a user has a sealed 1st seed of generation 1', async (store) => {
      const user = await store.addUser({ name: 'alice', sealedFirstSeed: Buffer.of(7), createdAt: 5 })
      const unlimited = { roaming: 'any', sessionsMax: null }
      assert.deepEqual(
        { ...user },
        { id: user.id, version: 1, name: 'alice', generation: 1, ...unlimited, createdAt: 5, removedAt: null },
      )
      assert.deepEqual(await store.findUser('alice'), user)
      const seed = await store.findFirstSeed(user.id, 1)
      assert.deepEqual([seed?.user, ...(seed?.sealed ?? [])], ['alice', 7])
    })

    contract('a name of a user is taken once, and the second user leaves no trace', async (store) => {
      await addUser(store, 'alice')
      await assert.rejects(addUser(store, 'alice'), { code: 'STORE_DUPLICATE' })
      assert.equal((await store.listUsers({}, { limit: 10 })).items.length, 1)
    })

    contract('of two users of one name that come at once, one is refused and the other stays', async (store) => {
      const [first, second, third] = await Promise.allSettled([
        addUser(store, 'alice'),
        addUser(store, 'alice'),
        addUser(store, 'bob'),
      ])
      assert.deepEqual([[first.status, second.status].sort(), third.status], [['fulfilled', 'rejected'], 'fulfilled'])
      const { items } = await store.listUsers({}, { limit: 10 })
      assert.deepEqual(
        items.map((user) => user.name),
        ['alice', 'bob'],
      )
    })

    contract('generations of a 1st seed come one after another, each once', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      const add = (generation: number) => store.addFirstSeed({ userId, generation, sealed: Buffer.of(9), createdAt: 1 })
      await assert.rejects(add(1), { code: 'STORE_DUPLICATE' })
      await assert.rejects(add(3), { code: 'STORE_DUPLICATE' })
      await add(2)
      await assert.rejects(add(2), { code: 'STORE_DUPLICATE' })
      assert.equal((await store.findUser('alice'))?.generation, 2)
      assert.equal(await store.findFirstSeed(userId, 3), undefined)
      assert.equal(await store.findFirstSeed(userId + 1, 1), undefined)
    })

    contract('a list comes in pages that together are the list', async (store) => {
      for (const name of ['carol', 'alice', 'bob']) await addUser(store, name)
      const first = await store.listUsers({}, { limit: 2 })
      const second = await store.listUsers({}, { limit: 2, cursor: first.next ?? '' })
      assert.deepEqual(
        [...first.items, ...second.items].map((user) => user.name),
        ['alice', 'bob', 'carol'],
      )
      assert.equal(second.next, null)
      assert.equal((await store.listUsers({}, { limit: 3 })).next, null)
    })

    contract('a gateway keeps its sealed secret, which no list shows', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      const added = await addGateway(store, GATEWAY, userId)
      const row = {
        identity: GATEWAY,
        version: 1,
        radius: null,
        visitors: true,
        userId,
        user: 'alice',
        createdAt: 1,
        revokedAt: null,
      }
      assert.deepEqual({ ...added }, row)
      assert.deepEqual([...((await store.findGateway(GATEWAY))?.sealedSecret ?? [])], [8])
      const { items } = await store.listGateways({}, { limit: 10 })
      assert.deepEqual(items, [{ ...added, registered: 0 }])
    })

    contract('a gateway needs a user that exists, and an identity that is free', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      await assert.rejects(addGateway(store, GATEWAY, userId + 1), { code: 'STORE_UNKNOWN_USER' })
      assert.equal(await store.findGateway(GATEWAY), undefined)
      await addGateway(store, GATEWAY, userId)
      await store.revokeGateway(GATEWAY, 2)
      await assert.rejects(addGateway(store, GATEWAY, userId), { code: 'STORE_DUPLICATE' })
    })

    contract('RADIUS clients are listed with their sealed secrets until they are revoked', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      await addGateway(store, GATEWAY, userId)
      assert.equal((await addGateway(store, 'ap@example.org', userId, '192.0.2.1/32')).radius, '192.0.2.1/32')
      const [client, ...others] = await store.listRadiusGateways()
      assert.deepEqual(
        [client?.identity, client?.radius, ...(client?.sealedSecret ?? [])],
        ['ap@example.org', '192.0.2.1/32', 8],
      )
      assert.deepEqual(others, [])
      await store.revokeGateway('ap@example.org', 20)
      assert.deepEqual(await store.listRadiusGateways(), [])
    })

    contract('a RADIUS prefix is taken once, and free again when its gateway is revoked', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      const add = (identity: string, radius: string) => addGateway(store, identity, userId, radius)
      await add('ap1@example.org', '192.0.2.0/24')
      await assert.rejects(add('ap2@example.org', '192.0.2.0/24'), { code: 'STORE_PREFIX_TAKEN' })
      assert.equal(await store.findGateway('ap2@example.org'), undefined)
      await add('ap2@example.org', '192.0.2.0/25')
      await store.revokeGateway('ap1@example.org', 20)
      await add('ap3@example.org', '192.0.2.0/24')
      await assert.rejects(add('ap4@example.org', '192.0.2.0/24'), { code: 'STORE_PREFIX_TAKEN' })
    })

    contract('a number rises with each change of RADIUS clients, and with nothing else', async (store) => {
      const { id: userId } = await addUser(store, 'alice')
      const numbers = [await store.radiusGatewayChanges()]
      const changes: (() => Promise<unknown>)[] = [
        () => addGateway(store, 'ap1@example.org', userId, '192.0.2.1/32'),
        () => addGateway(store, 'ap2@example.org', userId, '192.0.2.2/32'),
        () => store.revokeGateway('ap1@example.org', 20),
        () => addGateway(store, 'ap3@example.org', userId, '192.0.2.1/32'),
      ]
      for (const change of changes) {
        await change()
        numbers.push(await store.radiusGatewayChanges())
      }
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      )
      await addGateway(store, GATEWAY, userId)
      await store.revokeGateway(GATEWAY, 20)
      await store.revokeGateway('ap1@example.org', 30)
      assert.equal(await store.radiusGatewayChanges(), numbers.at(-1))
    })

    contract('a revocation of a gateway keeps its first time', async (store) => {
      await furnish(store)
      assert.equal((await store.revokeGateway(GATEWAY, 20))?.revokedAt, 20)
      assert.equal((await store.revokeGateway(GATEWAY, 30))?.revokedAt, 20)
      assert.equal((await store.findGateway(OTHER_GATEWAY))?.revokedAt, null)
      assert.equal(await store.revokeGateway(NOBODY.gateway, 20), undefined)
    })

    contract('an assignment takes user and generation from the gateway', async (store) => {
      const { userId } = await furnish(store)
      await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 })
      const pne = newPne({ name: 'lamp' })
      const secondSeed = new Uint8Array(pne.secondSeed)
      const { pneId, gateway, createdAt } = pne
      const shared = { pneId, secondSeed, state: 'pending', userId, user: 'alice', generation: 2, gateway, createdAt }
      const key = { ...shared, replaces: null, confirmedAt: null, retiredAt: null }
      assert.deepEqual({ ...(await store.assignPne(pne)) }, key)
      const listed = { ...shared, name: 'lamp', keyCreatedAt: createdAt, confirmedAt: null, revokedAt: null }
      assert.deepEqual({ ...(await store.findPne(pneId)) }, listed)
    })

    contract('a 2nd seed that is known is not assigned again', async (store) => {
      await furnish(store)
      const pne = newPne()
      const first = await store.assignPne(pne)
      assert.deepEqual(await store.assignPne({ ...newPne({ name: 'other' }), secondSeed: pne.secondSeed }), first)
      const elsewhere = { ...newPne(), secondSeed: pne.secondSeed, gateway: OTHER_GATEWAY }
      assert.equal((await store.assignPne(elsewhere))?.gateway, GATEWAY)
      assert.equal((await store.listPnes({}, { limit: 10 })).items.length, 1)
    })

    contract('of assignments with one 2nd seed that come at once, one is written', async (store) => {
      await furnish(store)
      const secondSeed = randomBytes(32)
      const rows = await Promise.all(Array.from({ length: 5 }, () => store.assignPne({ ...newPne(), secondSeed })))
      assert.equal(new Set(rows.map((row) => row?.pneId)).size, 1)
    })

    contract('a gateway that is unknown or revoked assigns and confirms nothing', async (store) => {
      await furnish(store)
      const known = newPne()
      await store.assignPne(known)
      assert.equal(await store.assignPne({ ...newPne(), gateway: NOBODY.gateway }), undefined)
      await store.revokeGateway(GATEWAY, 20)
      assert.equal(await store.assignPne(newPne()), undefined)
      assert.equal(await store.assignPne(known), undefined)
      assert.equal((await store.confirmPne(known.secondSeed, GATEWAY, 30))?.state, 'pending')
    })

    contract('a pneId names one PNE', async (store) => {
      await furnish(store)
      await store.assignPne(newPne({ pneId: 'pne-a' }))
      await assert.rejects(store.assignPne(newPne({ pneId: 'pne-a' })), { code: 'STORE_DUPLICATE' })
    })

    contract('a 2nd seed of another length is refused', async (store) => {
      await furnish(store)
      for (const octets of [0, 31, 33]) {
        const wrong = { ...newPne(), secondSeed: randomBytes(octets) }
        await assert.rejects(store.assignPne(wrong), { code: 'STORE_FAILED' })
        assert.equal(await store.findPneBySecondSeed(wrong.secondSeed), undefined)
      }
    })

    contract('only the gateway that assigned a PNE confirms it, and the first time stays', async (store) => {
      await furnish(store)
      const { secondSeed } = (await store.assignPne(newPne())) as KeyRow
      assert.equal((await store.confirmPne(secondSeed, OTHER_GATEWAY, 20))?.state, 'pending')
      const active = await store.confirmPne(secondSeed, GATEWAY, 30)
      assert.deepEqual([active?.state, active?.confirmedAt], ['active', 30])
      assert.deepEqual(await store.confirmPne(secondSeed, GATEWAY, 40), active)
      assert.equal(await store.confirmPne(randomBytes(32), GATEWAY, 40), undefined)
    })

    contract('the look-up of step 4 gives what it needs and nothing else', async (store) => {
      const { userId } = await furnish(store)
      const { secondSeed, pneId } = (await store.assignPne(newPne())) as KeyRow
      const key = await store.findPneBySecondSeed(secondSeed)
      assert.deepEqual(key, { pneId, state: 'pending', userId, generation: 1 })
      assert.equal(await store.findPneBySecondSeed(randomBytes(32)), undefined)
    })

    contract('revocation is for ever and is logged once', async (store) => {
      await furnish(store)
      const { secondSeed, pneId } = (await store.assignPne(newPne())) as KeyRow
      const tag = randomBytes(32)
      const revocation = await store.revokePne(pneId, () => tag, 50)
      assert.deepEqual([revocation?.pneId, revocation?.at, Buffer.from(revocation?.tag ?? [])], [pneId, 50, tag])
      assert.deepEqual(await store.revokePne(pneId, () => randomBytes(32), 60), revocation)
      assert.equal((await store.confirmPne(secondSeed, GATEWAY, 70))?.state, 'revoked')
      assert.equal((await store.assignPne({ ...newPne(), secondSeed }))?.state, 'revoked')
      assert.deepEqual(await store.revocationsSince(0, 10), [revocation])
      assert.equal(await store.revokePne(NOBODY.pneId, () => tag, 50), undefined)
    })

    contract('the revocation log is read onwards from a number', async (store) => {
      await furnish(store)
      assert.equal(await store.newestRevocation(), 0)
      for (const pneId of ['pne-a', 'pne-b', 'pne-c']) {
        await store.assignPne(newPne({ pneId }))
        await store.revokePne(pneId, () => randomBytes(32), 50)
      }
      const [first, second, third] = await store.revocationsSince(0, 10)
      assert.deepEqual([first?.pneId, second?.pneId, third?.pneId], ['pne-a', 'pne-b', 'pne-c'])
      assert.deepEqual(await store.revocationsSince(first?.seq ?? 0, 1), [second])
      assert.deepEqual(await store.revocationsSince(third?.seq ?? 0, 10), [])
      assert.equal(await store.newestRevocation(), third?.seq)
    })

    contract('the inventory is listed newest first, page by page, without gap or repetition', async (store) => {
      await furnish(store)
      for (const pneId of ['pne-a', 'pne-b', 'pne-c', 'pne-d']) await store.assignPne(newPne({ pneId }))
      const first = await store.listPnes({}, { limit: 2 })
      await store.assignPne(newPne({ pneId: 'pne-e' }))
      const second = await store.listPnes({}, { limit: 2, cursor: first.next ?? '' })
      assert.deepEqual(ids([...first.items, ...second.items]), ['pne-d', 'pne-c', 'pne-b', 'pne-a'])
      assert.equal(second.next, null)
    })

    contract('every condition of a filter must hold', async (store) => {
      await furnish(store)
      await store.assignPne(newPne({ pneId: 'pne-a', name: 'Kitchen lamp' }))
      const { secondSeed } = (await store.assignPne(newPne({ pneId: 'pne-b', name: 'Porch lamp' }))) as KeyRow
      await store.assignPne(newPne({ pneId: 'pne-c', gateway: OTHER_GATEWAY }))
      await store.confirmPne(secondSeed, GATEWAY, 20)
      const list = async (filter: Parameters<Store['listPnes']>[0]) =>
        ids((await store.listPnes(filter, { limit: 10 })).items)
      assert.deepEqual(await list({ query: 'LAMP' }), ['pne-a', 'pne-b'])
      assert.deepEqual(await list({ query: 'lamp', state: 'active' }), ['pne-b'])
      assert.deepEqual(await list({ query: 'lamp', state: 'active', user: 'bob' }), [])
      assert.deepEqual(await list({ user: 'bob' }), ['pne-c'])
      assert.deepEqual(await list({ query: 'pne-' }), ['pne-a', 'pne-b', 'pne-c'])
      assert.deepEqual(await list({ user: 'nobody' }), [])
      for (const wildcard of ['%', '_', "'", '*']) assert.deepEqual(await list({ query: wildcard }), [])
    })

    contract('a cursor that no page gave is refused', async (store) => {
      for (const cursor of ['', 'x', '-1', '1; DROP TABLE pnes', '1e3', '9'.repeat(40)]) {
        await assert.rejects(store.listPnes({}, { limit: 1, cursor }), { code: 'STORE_CURSOR_INVALID' }, cursor)
      }
    })

    contract('a PNE is found by the beginning of its pneId or by its name', async (store) => {
      await furnish(store)
      await store.assignPne(newPne({ pneId: 'pne-aab', name: 'lamp' }))
      await store.assignPne(newPne({ pneId: 'pne-aac', name: 'pne-aab' }))
      const match = async (reference: string) => ids(await store.matchPnes(reference, 10)).sort()
      assert.deepEqual(await match('lamp'), ['pne-aab'])
      assert.deepEqual(await match('pne-aa'), ['pne-aab', 'pne-aac'])
      assert.deepEqual(await match('pne-aab'), ['pne-aab', 'pne-aac'])
      assert.deepEqual(await match('lam'), [])
      assert.deepEqual(await match('pne-%'), [])
      assert.equal((await store.matchPnes('pne-', 1)).length, 1)
      assert.equal((await store.findPne('pne-aac'))?.name, 'pne-aab')
      assert.equal(await store.findPne('pne-aa'), undefined)
    })

    contract('only what was never confirmed is removed, and only when it is old', async (store) => {
      await furnish(store)
      const [old, fresh, active, revoked] = ['pne-a', 'pne-b', 'pne-c', 'pne-d'].map((pneId) => newPne({ pneId }))
      assert.ok(old && fresh && active && revoked)
      for (const pne of [old, active, revoked]) await store.assignPne({ ...pne, createdAt: 99 })
      await store.assignPne({ ...fresh, createdAt: 100 })
      await store.confirmPne(active.secondSeed, GATEWAY, 120)
      await store.revokePne(revoked.pneId, () => randomBytes(32), 120)
      assert.equal(await store.removePendingPnes(100), 1)
      assert.deepEqual(ids((await store.listPnes({}, { limit: 10 })).items).sort(), ['pne-b', 'pne-c', 'pne-d'])
    })

    contract('an import enters many as active', async (store) => {
      await furnish(store)
      const pnes = Array.from({ length: 5001 }, (_, i) => newPne({ pneId: `pne-${i}` }))
      assert.equal(await store.importPnes(pnes.values()), 5001)
      for (const pne of [pnes[0], pnes[5000]]) {
        assert.equal((await store.findPneBySecondSeed(pne?.secondSeed ?? Buffer.of()))?.state, 'active')
      }
      const [again] = pnes
      assert.ok(again)
      const fresh = newPne()
      await assert.rejects(store.importPnes([fresh, again]), { code: 'STORE_DUPLICATE' })
      assert.equal(await store.findPneBySecondSeed(fresh.secondSeed), undefined)
      const stranger = newPne({ gateway: NOBODY.gateway })
      await assert.rejects(store.importPnes([stranger]), { code: 'STORE_UNKNOWN_GATEWAY' })
      assert.equal(await store.importPnes([]), 0)
    })

    contract('what is imported is listed in its order, and found by its names', async (store) => {
      await furnish(store)
      const names = ['Porch lamp', 'kettle', 'lamp of the hall', null]
      await store.importPnes(names.map((name, i) => newPne({ pneId: `pne-${i}`, name })))
      assert.deepEqual(ids((await store.listPnes({}, { limit: 10 })).items), ['pne-3', 'pne-2', 'pne-1', 'pne-0'])
      const found = await store.listPnes({ query: 'LAM' }, { limit: 10 })
      assert.deepEqual(ids(found.items).sort(), ['pne-0', 'pne-2'])
      assert.equal((await store.counts()).pnes.active, 4)
      const fresh = newPne()
      await store.assignPne(fresh)
      assert.equal((await store.findPneBySecondSeed(fresh.secondSeed))?.state, 'pending')
    })

    contract('events are listed newest first, by filter, and from any of them backwards', async (store) => {
      const types = ['authentication', 'admin', 'authentication']
      await store.appendEvents(
        types.map((type, i) => newEvent({ type, pneId: `pne-${i}`, ms: 1.5 })),
        100,
      )
      const [third, second, first] = await store.listEvents({ limit: 10 })
      assert.deepEqual({ ...second }, { ...newEvent({ type: 'admin', pneId: 'pne-1', ms: 1.5 }), id: second?.id })
      assert.deepEqual(await store.listEvents({ limit: 10, type: 'authentication' }), [third, first])
      assert.deepEqual(await store.listEvents({ limit: 1, before: third?.id }), [second])
      assert.deepEqual(await store.listEvents({ limit: 10, before: third?.id, type: 'authentication' }), [first])
      assert.deepEqual(await store.listEvents({ limit: 10, pneId: 'pne-1' }), [second])
      assert.deepEqual(await store.listEvents({ limit: 10, pneId: 'pne-1', type: 'link' }), [])
    })

    contract('only the newest events are kept', async (store) => {
      for (let i = 0; i < 4; i++) await store.appendEvents([newEvent({ at: i }), newEvent({ at: i })], 5)
      const events = await store.listEvents({ limit: 100 })
      assert.deepEqual(
        events.map((event) => event.at),
        [3, 3, 2, 2, 1],
      )
    })

    keyContract(contract)
    listContract(contract)
    operatorContract(contract)
    changesContract(contract)
    policyContract(contract)
    registrationContract(contract)

    contract('closing finishes what was begun, refuses what comes later, and may be repeated', async (store) => {
      await furnish(store)
      const [adding, assigning] = [addUser(store, 'carol'), store.assignPne(newPne({ pneId: 'pne-a' }))]
      await store.close()
      assert.equal((await adding).name, 'carol')
      assert.equal((await assigning)?.pneId, 'pne-a')
      await assert.rejects(store.findUser('alice'), { code: 'STORE_CLOSED' })
      await assert.rejects(addUser(store, 'dave'), { code: 'STORE_CLOSED' })
      await assert.rejects(store.assignPne(newPne()), { code: 'STORE_CLOSED' })
      await store.close()
    })
  })
}
