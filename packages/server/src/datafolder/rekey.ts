// A change of the master key: every sealed value goes from the old key to a new one. Both keys are in the folder meanwhile, and
// each step can be done again, so whatever cuts it off, the next attempt or the next start of the server finishes it.

import type { Store } from '../store/contract.ts'
import type { SealedRow } from '../store/contract-operator.ts'
import { type Vault, VaultError } from '../vault.ts'
import { type Change, markChanged, markChanging } from './check-value.ts'
import { adoptNextMasterKey, hasNextMasterKey, nextMasterKey, readMasterKey } from './master-key.ts'

/** Values of one transaction. */
const BATCH = 500

export interface RekeyOptions {
  /** Called now and then with how many values are under the new key, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface Rekeyed {
  /** Sealed values that are under the new key. */
  readonly values: number
  /** It finished what was begun before. */
  readonly resumed: boolean
}

/**
 * The caller has the folder and the store for itself.
 * @throws {VaultError} a value opens under neither key: then nothing was changed, unless it was before
 * @throws {DataFolderError} MASTER_KEY_* @throws {StoreError}
 */
export async function changeMasterKey(dir: string, store: Store, { onProgress }: RekeyOptions = {}): Promise<Rekeyed> {
  const resumed = await hasNextMasterKey(dir)
  const from = await readMasterKey(dir)
  // 1. Nothing is begun that could not be finished.
  const total = resumed ? await check(store, [from, await nextMasterKey(dir)]) : await check(store, [from])
  // 2. The new key is on the disk before anything is sealed under it.
  const change = { from, to: await nextMasterKey(dir) }
  // 3. From here on, who has only one of the keys does not start.
  await markChanging(store, change, dir)
  // 4. Value by value, each replaced only while it is still what was read.
  let found: number
  do found = await reseal(store, change, (done) => onProgress?.(done, total))
  while (found > 0)
  // 5. and 6. The store is the new key's, and so is the folder.
  await markChanged(store, change)
  await adoptNextMasterKey(dir)
  return { values: total, resumed }
}

/** How many sealed values there are. @throws {VaultError} one of them opens under none of the keys */
async function check(store: Store, vaults: readonly Vault[]): Promise<number> {
  let count = 0
  for await (const rows of batches(store)) {
    for (const row of rows) open(row, vaults).fill(0)
    count += rows.length
  }
  return count
}

/** One pass; gives how many values were still under the old key. */
async function reseal(store: Store, { from, to }: Change, onProgress: (done: number) => void): Promise<number> {
  let [seen, found] = [0, 0]
  for await (const rows of batches(store)) {
    const old = rows.filter((row) => !opens(row, to))
    const resealed = old.map(({ kind, place, sealed }) => {
      const plaintext = from.open(kind, place, sealed)
      const row = { kind, place, from: sealed, to: to.seal(kind, place, plaintext) }
      plaintext.fill(0)
      return row
    })
    if (resealed.length > 0) await store.reseal(resealed)
    seen += rows.length
    found += old.length
    onProgress(seen)
  }
  return found
}

async function* batches(store: Store): AsyncGenerator<readonly SealedRow[]> {
  let last: SealedRow | undefined
  do {
    const rows = await store.listSealed(last, BATCH)
    if (rows.length > 0) yield rows
    last = rows.at(-1)
  } while (last !== undefined)
}

function opens(row: SealedRow, vault: Vault): boolean {
  try {
    open(row, [vault]).fill(0)
    return true
  } catch (error) {
    if (error instanceof VaultError) return false
    throw error
  }
}

/** Under the first of these keys that opens it. */
function open({ kind, place, sealed }: SealedRow, vaults: readonly Vault[]): Buffer {
  for (const vault of vaults) {
    try {
      return vault.open(kind, place, sealed)
    } catch (error) {
      if (!(error instanceof VaultError)) throw error
    }
  }
  throw new VaultError(`the sealed ${kind} of ${place} does not open: restore database and master key together`)
}
