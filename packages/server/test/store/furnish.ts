// What the contract suite fills a store with.
import { randomBytes } from 'node:crypto'
import type { NewEventRow, NewPne, PneRow, Store } from '../../src/store/contract.ts'

export const GATEWAY = 'home@example.org'
export const OTHER_GATEWAY = 'lobby@example.org'
export const NOBODY = { pneId: 'pne-none', gateway: 'none@example.org' }

/** Names a behaviour and proves it on an empty store. */
export type Contract = (behaviour: string, prove: (store: Store) => Promise<void>) => void

export function addUser(store: Store, name: string) {
  return store.addUser({ name, sealedFirstSeed: Buffer.of(7), createdAt: 1 })
}

export function addGateway(store: Store, identity: string, userId: number, radius: string | null = null) {
  return store.addGateway({ identity, radius, userId, sealedSecret: Buffer.of(8), createdAt: 1 })
}

/** Two users with a gateway each. */
export async function furnish(store: Store): Promise<{ userId: number }> {
  const alice = await addUser(store, 'alice')
  const bob = await addUser(store, 'bob')
  await addGateway(store, GATEWAY, alice.id)
  await addGateway(store, OTHER_GATEWAY, bob.id)
  return { userId: alice.id }
}

export function newPne(changes: Partial<NewPne> = {}): NewPne {
  const pneId = `pne-${randomBytes(8).toString('hex')}`
  return { pneId, secondSeed: randomBytes(32), gateway: GATEWAY, name: null, createdAt: 10, ...changes }
}

export function newEvent(changes: Partial<NewEventRow>): NewEventRow {
  const absent = { reason: null, pneId: null, gateway: null, user: null, case: null, ms: null, session: null }
  const details = { steps: null, facts: null }
  return { at: 1, type: 'authentication', result: 'accepted', ...absent, ...details, ...changes }
}

export function ids(pnes: PneRow[]): string[] {
  return pnes.map((pne) => pne.pneId)
}

/** A PNE that the gateway has confirmed. */
export async function activePne(store: Store, gateway = GATEWAY): Promise<PneRow> {
  const pne = newPne({ gateway })
  await store.assignPne(pne)
  await store.confirmPne(pne.secondSeed, gateway, 20)
  return (await store.findPne(pne.pneId)) as PneRow
}
