// The contract of a store: what users and gateways allow, and the removal of a user.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import {
  activePne,
  addGateway,
  addUser,
  type Contract,
  furnish,
  GATEWAY,
  NOBODY,
  newPne,
  OTHER_GATEWAY,
} from './furnish.ts'

const tagOf = (secondSeed: Uint8Array) => hash('sha256', secondSeed, 'buffer')

export function policyContract(contract: Contract): void {
  contract('a policy changes in what is given, and the rest stays', async (store) => {
    const { userId } = await furnish(store)
    const listed = await store.changeUserPolicy('alice', { roaming: 'listed', gateways: [OTHER_GATEWAY, GATEWAY] })
    assert.deepEqual([listed?.roaming, listed?.sessionsMax], ['listed', null])
    assert.deepEqual(await store.listedGateways(userId), [GATEWAY, OTHER_GATEWAY])
    assert.equal((await store.changeUserPolicy('alice', { sessionsMax: 3 }))?.sessionsMax, 3)
    assert.deepEqual(await store.listedGateways(userId), [GATEWAY, OTHER_GATEWAY])
    assert.deepEqual(await store.changeUserPolicy('alice', {}), await store.findUser('alice'))
    await store.changeUserPolicy('alice', { gateways: [OTHER_GATEWAY, OTHER_GATEWAY], sessionsMax: null })
    assert.deepEqual(await store.listedGateways(userId), [OTHER_GATEWAY])
    const alice = await store.findUser('alice')
    assert.deepEqual([alice?.roaming, alice?.sessionsMax], ['listed', null])
    assert.equal((await store.findUser('bob'))?.roaming, 'any')
    assert.equal(await store.changeUserPolicy('carol', { roaming: 'none' }), undefined)
  })

  contract('a policy that lists a gateway which is not there changes nothing', async (store) => {
    const { userId } = await furnish(store)
    await store.changeUserPolicy('alice', { gateways: [GATEWAY] })
    const change = { roaming: 'none', gateways: [OTHER_GATEWAY, NOBODY.gateway], sessionsMax: 1 } as const
    await assert.rejects(store.changeUserPolicy('alice', change), { code: 'STORE_UNKNOWN_GATEWAY' })
    const alice = await store.findUser('alice')
    assert.deepEqual([alice?.roaming, alice?.sessionsMax, await store.listedGateways(userId)], ['any', null, [GATEWAY]])
  })

  contract('what decides on an admission is of this user and this gateway', async (store) => {
    const { userId } = await furnish(store)
    const open = { roaming: 'any', sessionsMax: null, listed: false, visitors: true, gatewayRevoked: false }
    assert.deepEqual(await store.findAdmission(userId, OTHER_GATEWAY), open)
    await store.changeUserPolicy('alice', { roaming: 'listed', gateways: [OTHER_GATEWAY], sessionsMax: 2 })
    assert.equal((await store.changeVisitors(OTHER_GATEWAY, false))?.visitors, false)
    await store.revokeGateway(OTHER_GATEWAY, 20)
    const closed = { roaming: 'listed', sessionsMax: 2, listed: true, visitors: false, gatewayRevoked: true }
    assert.deepEqual(await store.findAdmission(userId, OTHER_GATEWAY), closed)
    assert.deepEqual(await store.findAdmission(userId, GATEWAY), { ...open, roaming: 'listed', sessionsMax: 2 })
    assert.equal(await store.findAdmission(userId, NOBODY.gateway), undefined)
    assert.equal(await store.findAdmission(userId + 10, GATEWAY), undefined)
  })

  contract('a gateway takes visitors, or not, or again', async (store) => {
    await furnish(store)
    assert.equal((await store.changeVisitors(GATEWAY, false))?.visitors, false)
    const { items } = await store.listGateways({}, { limit: 10 })
    assert.deepEqual(
      items.map(({ visitors }) => visitors),
      [false, true],
    )
    assert.equal((await store.changeVisitors(GATEWAY, true))?.visitors, true)
    assert.equal((await store.findGateway(GATEWAY))?.visitors, true)
    assert.equal(await store.changeVisitors(NOBODY.gateway, true), undefined)
  })

  contract('a removed user has no 1st seed, no PNE that is not revoked, and no gateway', async (store) => {
    const { userId } = await furnish(store)
    await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 })
    const [active, gone] = [await activePne(store), await activePne(store)]
    const pending = newPne()
    await store.assignPne(pending)
    await store.revokePne(gone.pneId, tagOf, 30)
    const ofBob = await activePne(store, OTHER_GATEWAY)

    const removal = await store.removeUser('alice', tagOf, 50)
    assert.deepEqual([removal?.pnes, removal?.gateways], [2, [GATEWAY]])
    assert.deepEqual(removal?.user, await store.findUser('alice'))
    assert.equal(removal?.user.removedAt, 50)
    for (const generation of [1, 2]) assert.equal((await store.findFirstSeed(userId, generation))?.sealed.length, 0)
    for (const { pneId } of [active, gone, pending]) assert.equal((await store.findPne(pneId))?.state, 'revoked')
    const lines = await store.revocationsSince(0, 10)
    assert.deepEqual(
      lines.map(({ tag }) => Buffer.from(tag).toString('hex')).sort(),
      [active, gone, pending].map(({ secondSeed }) => tagOf(secondSeed).toString('hex')).sort(),
    )
    assert.deepEqual([removal?.newestRevocation, lines.length], [lines.at(-1)?.seq, 3])
    assert.equal((await store.findGateway(GATEWAY))?.revokedAt, 50)

    assert.equal((await store.findGateway(OTHER_GATEWAY))?.revokedAt, null)
    assert.equal((await store.findPne(ofBob.pneId))?.state, 'active')
    assert.equal((await store.findFirstSeed(ofBob.userId, 1))?.sealed.length, 1)
  })

  contract('a removed user stays removed, and the name taken', async (store) => {
    const { userId } = await furnish(store)
    await store.removeUser('alice', tagOf, 50)
    assert.equal(await store.removeUser('alice', tagOf, 60), undefined)
    assert.equal(await store.removeUser('carol', tagOf, 60), undefined)
    await assert.rejects(addUser(store, 'alice'), { code: 'STORE_DUPLICATE' })
    await assert.rejects(addGateway(store, 'new@example.org', userId), { code: 'STORE_UNKNOWN_USER' })
    assert.equal(await store.changeUserPolicy('alice', { roaming: 'none' }), undefined)
    assert.equal(await store.assignPne(newPne()), undefined)
    assert.equal((await store.findUser('alice'))?.removedAt, 50)
  })
}
