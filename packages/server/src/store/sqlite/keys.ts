// The keys of PNEs, each by its 2nd seed: assigned, confirmed, replaced, and revoked. All inside a transaction.
import {
  type GatewayRow,
  type GenerationRetirement,
  type KeyRow,
  type NewKey,
  type NewPne,
  type Store,
  StoreError,
} from '../contract.ts'
import { wordsOf } from '../words.ts'
import { row } from './rows.ts'
import type { Statements } from './statements.ts'

type TagOf = (secondSeed: Uint8Array) => Uint8Array

const pending = { state: 'pending', confirmedAt: null } as const

/** What {@link Store.assignPne} does. */
export function assignPne(statements: Statements, pne: NewPne): KeyRow | undefined {
  return assign(statements, pne, () => addPne(statements, { ...pne, ...pending }))
}

/** What {@link Store.assignKey} does. */
export function assignKey(statements: Statements, { replaces, ...key }: NewKey): KeyRow | undefined {
  return assign(statements, key, () => {
    const old = findKey(statements, replaces)
    if (old?.state !== 'active' || old.gateway !== key.gateway) {
      throw new StoreError('STORE_UNKNOWN_KEY', 'the key to replace is not an active one of this gateway')
    }
    const { secondSeed, createdAt } = key
    statements.addKey.run({ secondSeed, replaces, pneId: old.pneId, createdAt, ...pending })
  })
}

function assign(
  statements: Statements,
  { secondSeed, gateway }: { secondSeed: Uint8Array; gateway: string },
  add: () => void,
): KeyRow | undefined {
  const assigning = statements.findGateway.get(gateway) as GatewayRow | undefined
  if (assigning === undefined || assigning.revokedAt !== null) return undefined
  const known = findKey(statements, secondSeed)
  if (known !== undefined) return known
  add()
  return findKey(statements, secondSeed)
}

/** A PNE with its first key. False when the gateway is not there. */
function addPne(
  { addPne, addKey, addWord }: Statements,
  { secondSeed, ...pne }: NewPne & { state: 'pending' | 'active'; confirmedAt: number | null },
): boolean {
  const { changes, lastInsertRowid } = addPne.run(pne)
  if (changes === 0) return false
  for (const word of wordsOf(pne.name)) addWord.run(word, lastInsertRowid)
  const { pneId, state, createdAt, confirmedAt } = pne
  addKey.run({ secondSeed, replaces: null, pneId, state, createdAt, confirmedAt })
  return true
}

/** What {@link Store.confirmPne} does. */
export function confirmPne(
  statements: Statements,
  secondSeed: Uint8Array,
  gateway: string,
  at: number,
): KeyRow | undefined {
  const { changes } = statements.confirmKey.run({ secondSeed, gateway, at })
  if (changes > 0) statements.confirmPne.run({ secondSeed, at })
  return findKey(statements, secondSeed)
}

/** What {@link Store.retireKey} does. */
export function retireKey(
  statements: Statements,
  secondSeed: Uint8Array,
  gateway: string,
  at: number,
): KeyRow | undefined {
  statements.retireKey.run({ secondSeed, gateway, at })
  return findKey(statements, secondSeed)
}

/** Makes a PNE and its keys revoked, once. */
export function revokePne(statements: Statements, pneId: string, tagOf: TagOf, at: number): void {
  if (statements.revokePne.run(at, pneId).changes === 0) return
  for (const { secondSeed } of statements.revokeKeys.all(pneId)) {
    statements.appendRevocation.run(pneId, tagOf(secondSeed as Uint8Array), at)
  }
  statements.deregisterPne.run(pneId)
}

export function removePendingPnes(statements: Statements, time: number): number {
  const { changes } = statements.removePendingKeys.run(time)
  removeKeyless(statements)
  return Number(changes)
}

/** Removes pending PNEs that have no key, with their words. */
function removeKeyless({ removePendingPnes, removeWord }: Statements): void {
  for (const { id, name } of removePendingPnes.all()) {
    for (const word of wordsOf(name as string | null)) removeWord.run(word, id as number)
  }
}

/** What {@link Store.retireGeneration} does. When it retired something, `forget` must follow. */
export function retireGeneration(
  statements: Statements,
  { userId, generation, force, tagOf, at }: Parameters<Store['retireGeneration']>[0],
): Omit<GenerationRetirement, 'erased'> {
  const inUse = statements.keysOfGeneration.all(userId, generation) as unknown as KeyInUse[]
  const retired = force || inUse.length === 0
  const alone = new Set(inUse.filter(({ others }) => others === 0).map(({ pneId }) => pneId))
  if (retired) {
    for (const { pneId, secondSeed } of inUse) {
      if (alone.has(pneId)) {
        revokePne(statements, pneId, tagOf, at)
        continue
      }
      statements.revokeKey.run(secondSeed)
      statements.appendRevocation.run(pneId, tagOf(secondSeed), at)
    }
    statements.removePendingOfGeneration.run(userId, generation)
    removeKeyless(statements)
    statements.destroyFirstSeed.run(userId, generation)
  }
  const { seq: newestRevocation } = row<{ seq: number }>(statements.newestRevocation.get())
  return { retired, keys: inUse.length, pnes: retired ? alone.size : 0, newestRevocation }
}

interface KeyInUse {
  secondSeed: Uint8Array
  pneId: string
  /** Whether the PNE has another active key, of another generation: 0 or 1. */
  others: number
}

function findKey({ findKey }: Statements, secondSeed: Uint8Array): KeyRow | undefined {
  return findKey.get(secondSeed) as KeyRow | undefined
}
