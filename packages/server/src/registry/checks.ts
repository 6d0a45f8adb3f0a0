// What the registry checks of the store's answers.
import { type KeyRow, StoreError, type UserRow } from '../store/contract.ts'
import { RegistryError, unknownGateway, unknownUser } from './errors.ts'

/** One that was removed is none. */
export function checkUser(user: UserRow | undefined): UserRow {
  if (user === undefined || user.removedAt !== null) throw unknownUser()
  return user
}

/** What may be told of an assignment to `gateway`: nothing that another gateway assigned, nothing that works no more. */
export function checkAssigned(key: KeyRow | undefined, gateway: string): KeyRow {
  if (key === undefined) throw unknownGateway()
  if (key.gateway !== gateway) {
    throw new RegistryError('ASSIGNED_ELSEWHERE', 'another gateway assigned this PNE: pair it anew')
  }
  if (key.state === 'revoked') throw new RegistryError('PNE_REVOKED', 'this PNE is revoked: pair it anew')
  if (key.state === 'retired') throw new RegistryError('KEY_RETIRED', 'this key was replaced: use the newer one')
  return key
}

/** A key that is to replace another one must not be there as something else. */
export function checkReplaces(key: KeyRow, replaces: Uint8Array): KeyRow {
  if (key.replaces !== null && Buffer.compare(key.replaces, replaces) === 0) return key
  throw new RegistryError('ASSIGNED_ELSEWHERE', 'this 2nd seed was assigned for something else: make another')
}

/** Gives the store's refusal of a duplicate the registry's name for it. */
export async function unlessTaken<T>(
  adding: Promise<T>,
  code: 'USER_EXISTS' | 'GATEWAY_EXISTS',
  message: string,
): Promise<T> {
  try {
    return await adding
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    if (cause.code === 'STORE_DUPLICATE') throw new RegistryError(code, message, { cause })
    if (cause.code === 'STORE_UNKNOWN_USER') throw unknownUser()
    if (cause.code === 'STORE_PREFIX_TAKEN') {
      throw new RegistryError('ADDRESS_TAKEN', 'another RADIUS client has this very address: give another', { cause })
    }
    throw cause
  }
}
