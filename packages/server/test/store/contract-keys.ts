// The contract of a store: several keys of a PNE, and what becomes of old ones.
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import type { GenerationRetirement, PneRow, Store } from '../../src/store/contract.ts'
import { activePne, type Contract, furnish, GATEWAY, NOBODY, newPne, OTHER_GATEWAY } from './furnish.ts'

const tagOf = (secondSeed: Uint8Array) => hash('sha256', secondSeed, 'buffer')

/** A further key of a PNE, pending. */
async function furtherKey(store: Store, { secondSeed: replaces }: PneRow, createdAt = 30): Promise<Uint8Array> {
  const secondSeed = randomBytes(32)
  await store.assignKey({ secondSeed, replaces, gateway: GATEWAY, createdAt })
  return secondSeed
}

async function stateOf(store: Store, secondSeed: Uint8Array): Promise<string | undefined> {
  return (await store.findPneBySecondSeed(secondSeed))?.state
}

/** A PNE with an active key of generation 1 and one of generation 2. */
async function rotatedPne(store: Store, userId: number): Promise<{ pne: PneRow; next: Uint8Array }> {
  const pne = await activePne(store)
  await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 })
  const next = await furtherKey(store, pne)
  await store.confirmPne(next, GATEWAY, 40)
  return { pne, next }
}

async function tags(store: Store): Promise<string[]> {
  return (await store.revocationsSince(0, 100)).map(({ tag }) => Buffer.from(tag).toString('hex')).sort()
}

export function keyContract(contract: Contract): void {
  contract(
    'a further key is of the same PNE and of the newest generation, and pending until it is confirmed',
    async (store) => {
      const { userId } = await furnish(store)
      const pne = await activePne(store)
      await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 })
      const secondSeed = randomBytes(32)
      const key = await store.assignKey({ secondSeed, replaces: pne.secondSeed, gateway: GATEWAY, createdAt: 30 })
      const { pneId } = pne
      assert.deepEqual(
        [key?.pneId, key?.state, key?.generation, Buffer.from(key?.replaces ?? []), key?.createdAt],
        [pneId, 'pending', 2, Buffer.from(pne.secondSeed), 30],
      )
      assert.deepEqual(await store.findPne(pneId), pne)
      assert.equal((await store.confirmPne(secondSeed, OTHER_GATEWAY, 40))?.state, 'pending')
      assert.equal((await store.confirmPne(secondSeed, GATEWAY, 40))?.state, 'active')
      assert.deepEqual(await store.findPneBySecondSeed(secondSeed), { pneId, state: 'active', userId, generation: 2 })
      assert.deepEqual(await store.findPneBySecondSeed(pne.secondSeed), {
        pneId,
        state: 'active',
        userId,
        generation: 1,
      })
      const now = await store.findPne(pneId)
      const newest = { ...pne, secondSeed: new Uint8Array(secondSeed), generation: 2, keyCreatedAt: 30 }
      assert.deepEqual({ ...now }, newest)
      assert.equal((await store.listPnes({}, { limit: 10 })).items.length, 1)
    },
  )

  contract(
    'of 2nd seeds that are looked up together each gets its own answer, in whatever order, some twice',
    async (store) => {
      const { userId } = await furnish(store)
      const pending = newPne()
      await store.assignPne(pending)
      const [first, second, third] = [await activePne(store), await activePne(store), await activePne(store)]
      const asked = [third, pending, first, NOBODY, second, third]
      const seeds = asked.map((one) => (one === NOBODY ? randomBytes(32) : (one as PneRow).secondSeed))
      const found = await Promise.all(seeds.map((seed) => store.findPneBySecondSeed(seed)))
      const active = ({ pneId }: { pneId: string }) => ({ pneId, state: 'active', userId, generation: 1 })
      const expected = asked.map((one) => (one === NOBODY ? undefined : active(one)))
      expected[1] = { ...active(pending), state: 'pending' }
      assert.deepEqual(found, expected)
    },
  )

  contract('a further key that is asked for again is the one that is there', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const of = { secondSeed: randomBytes(32), replaces: pne.secondSeed, gateway: GATEWAY, createdAt: 30 }
    const key = await store.assignKey(of)
    assert.deepEqual(await store.assignKey({ ...of, createdAt: 40 }), key)
    assert.deepEqual(await store.assignKey({ ...of, replaces: randomBytes(32) }), key)
    await store.confirmPne(of.secondSeed, GATEWAY, 50)
    assert.equal((await store.assignKey(of))?.state, 'active')
  })

  contract('only an active key of this gateway is replaced', async (store) => {
    await furnish(store)
    const [active, gone] = [await activePne(store), await activePne(store)]
    const pending = newPne()
    await store.assignPne(pending)
    await store.revokePne(gone.pneId, tagOf, 30)
    const secondSeed = randomBytes(32)
    const refused = { code: 'STORE_UNKNOWN_KEY' }
    for (const replaces of [pending.secondSeed, gone.secondSeed, randomBytes(32)]) {
      await assert.rejects(store.assignKey({ secondSeed, replaces, gateway: GATEWAY, createdAt: 30 }), refused)
    }
    const replaces = active.secondSeed
    await assert.rejects(store.assignKey({ secondSeed, replaces, gateway: OTHER_GATEWAY, createdAt: 30 }), refused)
    for (const gateway of [NOBODY.gateway, GATEWAY]) {
      if (gateway === GATEWAY) await store.revokeGateway(GATEWAY, 40)
      assert.equal(await store.assignKey({ secondSeed, replaces, gateway, createdAt: 50 }), undefined)
    }
    assert.equal(await store.findPneBySecondSeed(secondSeed), undefined)
  })

  contract('a key is retired by its gateway, once another key of the PNE is active', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const [{ secondSeed }, another] = [pne, await activePne(store)]
    assert.equal((await store.retireKey(secondSeed, GATEWAY, 50))?.state, 'active')
    const next = await furtherKey(store, pne)
    assert.equal((await store.retireKey(secondSeed, GATEWAY, 50))?.state, 'active')
    await store.confirmPne(next, GATEWAY, 50)
    assert.equal((await store.retireKey(secondSeed, OTHER_GATEWAY, 60))?.state, 'active')
    const retired = await store.retireKey(secondSeed, GATEWAY, 60)
    assert.deepEqual([retired?.state, retired?.retiredAt], ['retired', 60])
    assert.deepEqual(await store.retireKey(secondSeed, GATEWAY, 70), retired)
    assert.equal((await store.confirmPne(secondSeed, GATEWAY, 70))?.state, 'retired')
    assert.equal((await store.retireKey(next, GATEWAY, 70))?.state, 'active')
    assert.equal(await store.retireKey(randomBytes(32), GATEWAY, 70), undefined)
    assert.deepEqual([await stateOf(store, secondSeed), await stateOf(store, next)], ['retired', 'active'])
    assert.equal(await stateOf(store, another.secondSeed), 'active')
  })

  contract('a gateway that is revoked retires nothing', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    await store.confirmPne(await furtherKey(store, pne), GATEWAY, 40)
    await store.revokeGateway(GATEWAY, 50)
    assert.equal((await store.retireKey(pne.secondSeed, GATEWAY, 60))?.state, 'active')
  })

  contract('a revoked PNE has a line in the log for each of its keys, and none of them works', async (store) => {
    await furnish(store)
    const [pne, other] = [await activePne(store), await activePne(store)]
    const [active, pending] = [await furtherKey(store, pne), await furtherKey(store, pne)]
    await store.confirmPne(active, GATEWAY, 40)
    await store.retireKey(pne.secondSeed, GATEWAY, 50)
    const revocation = await store.revokePne(pne.pneId, tagOf, 60)
    const all = [pne.secondSeed, active, pending]
    assert.deepEqual(await tags(store), all.map((seed) => tagOf(seed).toString('hex')).sort())
    assert.equal(revocation?.seq, await store.newestRevocation())
    assert.deepEqual(await store.revokePne(pne.pneId, tagOf, 70), revocation)
    assert.equal((await store.revocationsSince(0, 10)).length, 3)
    for (const seed of all) {
      assert.equal((await store.confirmPne(seed, GATEWAY, 80))?.state, 'revoked')
      assert.equal((await store.retireKey(seed, GATEWAY, 80))?.state, 'revoked')
    }
    assert.equal(await stateOf(store, other.secondSeed), 'active')
  })

  contract('an old pending key is removed, and the PNE and its active key stay', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const [old, fresh] = [await furtherKey(store, pne, 99), await furtherKey(store, pne, 100)]
    assert.equal(await store.removePendingPnes(100), 1)
    assert.deepEqual([await stateOf(store, old), await stateOf(store, fresh)], [undefined, 'pending'])
    assert.deepEqual(await store.findPne(pne.pneId), pne)
  })

  contract('a retired key is removed when it is old', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const next = await furtherKey(store, pne)
    await store.confirmPne(next, GATEWAY, 40)
    await store.retireKey(pne.secondSeed, GATEWAY, 99)
    assert.equal(await store.removeRetiredKeys(99), 0)
    assert.equal(await store.removeRetiredKeys(100), 1)
    assert.deepEqual([await stateOf(store, pne.secondSeed), await stateOf(store, next)], [undefined, 'active'])
  })

  contract('a session that began with a key which was retired meanwhile is still reported', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const began = {
      kind: 'began',
      sessionId: randomBytes(16),
      secondSeed: pne.secondSeed,
      case: 'local',
      at: 30,
    } as const
    await store.countReports(GATEWAY, 1, [began])
    await store.confirmPne(await furtherKey(store, pne), GATEWAY, 40)
    await store.retireKey(pne.secondSeed, GATEWAY, 50)
    const { changes } = await store.countReports(GATEWAY, 2, [{ ...began, kind: 'ended' }])
    assert.deepEqual([changes[0]?.pneId, changes.length], [pne.pneId, 1])
    assert.deepEqual((await store.listRegistrations({}, { limit: 10 })).items, [])
  })

  contract('generations tell how many active keys use them', async (store) => {
    const { userId } = await furnish(store)
    const { pne } = await rotatedPne(store, userId)
    await store.assignPne(newPne())
    await activePne(store, OTHER_GATEWAY)
    const keys = async () => (await store.listGenerations(userId)).map((row) => [row.generation, row.keys, row.retired])
    assert.deepEqual(await keys(), [
      [1, 1, false],
      [2, 1, false],
    ])
    await store.retireKey(pne.secondSeed, GATEWAY, 50)
    assert.deepEqual(await keys(), [
      [1, 0, false],
      [2, 1, false],
    ])
    assert.deepEqual(await store.listGenerations(userId + 10), [])
  })

  contract('a generation that active keys use is retired by force alone', async (store) => {
    const { userId } = await furnish(store)
    const lagging = await activePne(store)
    const { pne, next } = await rotatedPne(store, userId)
    const retire = (force: boolean) => store.retireGeneration({ userId, generation: 1, force, tagOf, at: 60 })
    const refused = await retire(false)
    assert.deepEqual([refused.retired, refused.keys, refused.pnes], [false, 2, 0])
    assert.equal((await store.findFirstSeed(userId, 1))?.sealed.length, 1)
    assert.deepEqual(await tags(store), [])

    const forced = await retire(true)
    const newestRevocation = await store.newestRevocation()
    assert.deepEqual(forced, {
      retired: true,
      keys: 2,
      pnes: 1,
      newestRevocation,
      erased: forced.erased, // what a store can promise of its files is its own affair
    } as GenerationRetirement)
    assert.deepEqual(
      await tags(store),
      [pne, lagging].map(({ secondSeed }) => tagOf(secondSeed).toString('hex')).sort(),
    )
    assert.deepEqual([await stateOf(store, pne.secondSeed), await stateOf(store, next)], ['revoked', 'active'])
    assert.equal((await store.findPne(pne.pneId))?.state, 'active')
    assert.equal((await store.findPne(lagging.pneId))?.state, 'revoked')
    assert.deepEqual(
      [(await store.findFirstSeed(userId, 1))?.sealed.length, (await store.findFirstSeed(userId, 2))?.sealed.length],
      [0, 1],
    )
    const again = await retire(true)
    assert.deepEqual([again.retired, again.keys, again.pnes], [true, 0, 0])
    assert.deepEqual(
      (await store.listGenerations(userId)).map(({ retired }) => retired),
      [true, false],
    )
  })

  contract('a generation that no active key uses is retired, and what is pending of it goes', async (store) => {
    const { userId } = await furnish(store)
    const pending = newPne()
    await store.assignPne(pending)
    const { pne } = await rotatedPne(store, userId)
    await store.retireKey(pne.secondSeed, GATEWAY, 50)
    const ofBob = await activePne(store, OTHER_GATEWAY)
    assert.equal((await store.retireGeneration({ userId, generation: 1, force: false, tagOf, at: 60 })).retired, true)
    assert.equal(await store.findPneBySecondSeed(pending.secondSeed), undefined)
    assert.equal(await store.findPne(pending.pneId), undefined)
    assert.deepEqual(await tags(store), [])
    assert.equal((await store.findFirstSeed(ofBob.userId, 1))?.sealed.length, 1)
  })
}
