// The log of changes, by which servers that share a store keep up with each other.
import assert from 'node:assert/strict'
import type { Store } from '../../src/store/contract.ts'
import { activePne, addUser, type Contract, furnish, GATEWAY, newPne, OTHER_GATEWAY } from './furnish.ts'

const tagOf = (secondSeed: Uint8Array) => Uint8Array.from(secondSeed).reverse()

/** What stands in the log after `seq`. */
async function after(store: Store, seq: number): Promise<string[]> {
  return (await store.changesSince(seq, 1000)).map(({ kind, subject }) => `${kind} ${subject}`)
}

/** What an act adds to the log. */
async function noted(store: Store, act: () => Promise<unknown>): Promise<string[]> {
  const { change } = await store.newestLines()
  await act()
  return after(store, change)
}

export function changesContract(contract: Contract): void {
  contract('what is only added is no change: nobody can hold an older form of it', async (store) => {
    const { userId } = await furnish(store)
    await addUser(store, 'carol')
    await activePne(store)
    await store.addToken({ ...token('t1'), hash: Buffer.alloc(32, 1) })
    assert.deepEqual(await after(store, 0), [])
    assert.deepEqual({ ...(await store.newestLines()) }, { revocation: 0, change: 0 })
    assert.ok(userId > 0)
  })

  contract('changes of users and gateways are in the log, and refused ones are not', async (store) => {
    const { userId } = await furnish(store)
    const change = (roaming: 'none' | 'any', version?: number) => store.changeUserPolicy('alice', { roaming }, version)
    assert.deepEqual(await noted(store, () => change('none')), ['user alice'])
    assert.deepEqual(await noted(store, () => store.changeUserPolicy('alice', { gateways: [OTHER_GATEWAY] })), [
      'user alice',
    ])
    assert.deepEqual(await noted(store, () => change('any', 99).catch(() => {})), [])
    assert.deepEqual(await noted(store, () => store.changeUserPolicy('nobody', { roaming: 'any' })), [])
    const seed = { userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 }
    assert.deepEqual(await noted(store, () => store.addFirstSeed(seed)), ['user alice'])
    assert.deepEqual(await noted(store, () => store.addFirstSeed(seed).catch(() => {})), [])
    assert.deepEqual(await noted(store, () => store.changeVisitors(GATEWAY, false)), [`gateway ${GATEWAY}`])
    assert.deepEqual(await noted(store, () => store.revokeGateway(GATEWAY, 5)), [`gateway ${GATEWAY}`])
    assert.deepEqual(await noted(store, () => store.revokeGateway(GATEWAY, 6)), [])
  })

  contract('the removal of a user is in the log, with that of its gateways', async (store) => {
    await furnish(store)
    const lines = await noted(store, () => store.removeUser('alice', tagOf, 5))
    assert.deepEqual(new Set(lines), new Set(['user alice', `gateway ${GATEWAY}`]))
    assert.deepEqual(await noted(store, () => store.removeUser('alice', tagOf, 6)), [])
  })

  contract('a retired key is in the log, once; a revoked one is in the revocation log', async (store) => {
    await furnish(store)
    const { secondSeed, pneId } = await activePne(store)
    const next = newPne()
    await store.assignKey({ secondSeed: next.secondSeed, replaces: secondSeed, gateway: GATEWAY, createdAt: 1 })
    assert.deepEqual(await noted(store, () => store.retireKey(secondSeed, GATEWAY, 5)), [], 'it is the only active one')
    assert.deepEqual(await noted(store, () => store.confirmPne(next.secondSeed, GATEWAY, 5)), [])
    const retired = [`key ${Buffer.from(secondSeed).toString('hex')}`]
    assert.deepEqual(await noted(store, () => store.retireKey(secondSeed, GATEWAY, 6)), retired)
    assert.deepEqual(await noted(store, () => store.retireKey(secondSeed, GATEWAY, 7)), [])
    assert.deepEqual(await noted(store, () => store.revokePne(pneId, tagOf, 8)), [])
    assert.equal((await store.newestLines()).revocation, await store.newestRevocation())
  })

  contract('a 1st seed that is destroyed is in the log, once', async (store) => {
    const { userId } = await furnish(store)
    await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(9), createdAt: 1 })
    const retire = () => store.retireGeneration({ userId, generation: 1, force: false, tagOf, at: 5 })
    assert.deepEqual(await noted(store, retire), ['user alice'])
    assert.deepEqual(await noted(store, retire), [])
  })

  contract('a token that ends is in the log', async (store) => {
    await store.addToken({ ...token('t1'), hash: Buffer.alloc(32, 1) })
    assert.deepEqual(await noted(store, () => store.noteTokenUse('t1', 5)), [])
    assert.deepEqual(await noted(store, () => store.revokeToken('t1', 5)), ['token t1'])
    assert.deepEqual(await noted(store, () => store.revokeToken('t1', 6)), [])
  })

  contract('numbers rise, and a page ends where it was asked to', async (store) => {
    await furnish(store)
    for (const visitors of [false, true, false]) await store.changeVisitors(GATEWAY, visitors)
    const lines = await store.changesSince(0, 10)
    assert.equal(lines.length, 3)
    assert.ok(lines.every(({ seq }, at) => at === 0 || seq > (lines[at - 1]?.seq ?? seq)))
    assert.equal((await store.newestLines()).change, lines.at(-1)?.seq)
    assert.deepEqual(await store.changesSince(lines[0]?.seq ?? 0, 1), [lines[1]])
  })
}

function token(id: string) {
  return { id, name: id, role: 'viewer', createdAt: 1, createdBy: 'local', expiresAt: null } as const
}
