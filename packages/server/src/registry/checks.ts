// What the registry checks of the store's answers.
import { type PneRow, StoreError } from '../store/contract.ts'
import { RegistryError, unknownGateway, unknownUser } from './errors.ts'

/** What may be told of an assignment to `gateway`: nothing that another gateway assigned, nothing that was revoked. */
export function checkAssigned(pne: PneRow | undefined, gateway: string): PneRow {
  if (pne === undefined) throw unknownGateway()
  if (pne.gateway !== gateway) {
    throw new RegistryError('ASSIGNED_ELSEWHERE', 'another gateway assigned this PNE: pair it anew')
  }
  if (pne.state === 'revoked') throw new RegistryError('PNE_REVOKED', 'this PNE is revoked: pair it anew')
  return pne
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
