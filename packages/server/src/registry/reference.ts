// How people refer to a PNE: by its pneId, by a beginning of it that is unique, or by a display name that is.
import type { PneRow, Store } from '../store/contract.ts'
import { RegistryError, unknownPne } from './errors.ts'

/** @throws {RegistryError} PNE_UNKNOWN, PNE_AMBIGUOUS */
export async function findReferenced(store: Store, reference: string): Promise<PneRow> {
  const exact = await store.findPne(reference)
  if (exact !== undefined) return exact
  const [pne, another] = reference === '' ? [] : await store.matchPnes(reference, 2)
  if (pne === undefined) throw unknownPne()
  if (another !== undefined) {
    throw new RegistryError('PNE_AMBIGUOUS', 'several PNEs go by this name or beginning: give the whole pneId')
  }
  return pne
}
