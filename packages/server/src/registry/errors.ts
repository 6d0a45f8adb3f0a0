// Why the registry refuses. Each code is stable; the admin door turns it into an HTTP status, the CPNS door into a result.

export type RegistryErrorCode =
  | 'ADDRESS_INVALID'
  | 'ADDRESS_TAKEN'
  | 'ASSIGNED_ELSEWHERE'
  | 'GATEWAY_EXISTS'
  | 'GATEWAY_UNKNOWN'
  | 'GENERATION_IN_USE'
  | 'GENERATION_NEWEST'
  | 'GENERATION_UNKNOWN'
  | 'KEY_LAST'
  | 'KEY_RETIRED'
  | 'KEY_UNKNOWN'
  | 'NAME_INVALID'
  | 'PNE_AMBIGUOUS'
  | 'PNE_REVOKED'
  | 'PNE_UNKNOWN'
  | 'REPORTS_MISSING'
  | 'USER_EXISTS'
  | 'USER_UNKNOWN'

export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: RegistryErrorCode

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function unknownGateway(): RegistryError {
  return new RegistryError('GATEWAY_UNKNOWN', 'there is no such gateway, or it is revoked: add a gateway')
}

export function unknownUser(): RegistryError {
  return new RegistryError('USER_UNKNOWN', 'there is no such user, or it was removed: add the user first')
}

export function unknownKey(): RegistryError {
  return new RegistryError('KEY_UNKNOWN', 'the key to replace is not an active one of this gateway: pair the PNE anew')
}

export function unknownPne(): RegistryError {
  return new RegistryError('PNE_UNKNOWN', 'there is no such PNE: list the PNEs to find its id')
}
