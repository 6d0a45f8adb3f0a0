// The check value tells whether a store was written under a master key. While the key is being changed the store holds those of
// both, old ‖ new, so that a replica which has only one of them says so instead of failing at single values.
import { timingSafeEqual } from 'node:crypto'
import type { Store } from '../store/contract.ts'
import type { Vault } from '../vault.ts'
import { DataFolderError } from './errors.ts'

export const MASTER_KEY_CLAIM = 'master-key-check'

/**
 * The first to open a store marks it with its key; everybody else must have the same.
 * @throws {DataFolderError} MASTER_KEY_WRONG, MASTER_KEY_CHANGING
 */
export async function checkMasterKey(store: Store, vault: Vault, dir: string): Promise<void> {
  const own = vault.checkValue()
  const state = stateOfKey(await store.claim(MASTER_KEY_CLAIM, own), own)
  if (state === 'changing') throw changing(dir)
  if (state === 'wrong') throw wrongKey(dir)
}

/** What a master key is to a store: its key, one of two while it is being changed, or none. */
export type KeyState = 'right' | 'changing' | 'wrong'

/** @param written  what the store holds @param own  the check value of the master key */
export function stateOfKey(written: Uint8Array, own: Uint8Array): KeyState {
  if (isEqual(written, own)) return 'right'
  const halves = [written.subarray(0, own.length), written.subarray(own.length)]
  return halves.some((half) => isEqual(half, own)) ? 'changing' : 'wrong'
}

/** Marks the store as one whose master key is being changed. Idempotent. @throws {DataFolderError} MASTER_KEY_WRONG */
export async function markChanging(store: Store, { from, to }: Change, dir: string): Promise<void> {
  const [old, next] = [from.checkValue(), to.checkValue()]
  const both = Buffer.concat([old, next])
  const written = await store.claim(MASTER_KEY_CLAIM, old)
  if (isEqual(written, both) || isEqual(written, next)) return
  if (!isEqual(written, old) || !(await store.replaceClaim(MASTER_KEY_CLAIM, old, both))) throw wrongKey(dir)
}

/** Every sealed value is under the new key. Idempotent. */
export async function markChanged(store: Store, { from, to }: Change): Promise<void> {
  const next = to.checkValue()
  await store.replaceClaim(MASTER_KEY_CLAIM, Buffer.concat([from.checkValue(), next]), next)
}

/** From one master key to another. */
export interface Change {
  readonly from: Vault
  readonly to: Vault
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function changing(dir: string): DataFolderError {
  return new DataFolderError(
    'MASTER_KEY_CHANGING',
    `the master key is being changed, elsewhere than in ${dir}: finish that there (opencpns server rekey), then copy its master.key here`,
  )
}

function wrongKey(dir: string): DataFolderError {
  return new DataFolderError(
    'MASTER_KEY_WRONG',
    `the master key in ${dir} is not the key of its store: restore both from the same backup, or copy the key that it was changed to`,
  )
}
