// Why the registry refuses. Each code is stable; the admin door turns it into an HTTP status, the CPNS door into a result.

export type RegistryErrorCode =
  | 'ADDRESS_INVALID' // not an address or an address prefix
  | 'ADDRESS_TAKEN' // another RADIUS client has this prefix
  | 'ASSIGNED_ELSEWHERE' // another gateway assigned this key
  | 'CHANGED_MEANWHILE' // somebody else changed it: look at it again
  | 'GATEWAY_EXISTS' // the name is taken, by a revoked gateway too
  | 'GATEWAY_UNKNOWN' // no such gateway, or it was revoked
  | 'GENERATION_IN_USE' // active keys are calculated from this 1st seed
  | 'GENERATION_NEWEST' // the newest 1st seed cannot be retired
  | 'GENERATION_UNKNOWN' // the user never had it
  | 'KEY_LAST' // the only active key of a PNE cannot be retired
  | 'KEY_RETIRED' // a newer key of this PNE took its place
  | 'KEY_UNKNOWN' // the key to replace is not an active one of this gateway
  | 'NAME_INVALID' // 1 to 63 lower-case letters, digits and inner hyphens
  | 'PNE_AMBIGUOUS' // several PNEs begin so: use more of the id
  | 'PNE_REVOKED' // for ever: pair it anew
  | 'PNE_UNKNOWN' // no such PNE
  | 'REPORTS_MISSING' // a gateway left out numbers of its reports
  | 'TOKEN_EXISTS' // a token that is not revoked has this name
  | 'TOKEN_UNKNOWN' // no such token
  | 'USER_EXISTS' // the name is taken, by a removed user too
  | 'USER_UNKNOWN' // no such user

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

export function changedMeanwhile(cause: unknown): RegistryError {
  return new RegistryError('CHANGED_MEANWHILE', 'somebody else changed it meanwhile: look at it again', { cause })
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
