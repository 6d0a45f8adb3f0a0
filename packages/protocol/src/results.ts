// The results that messages carry: docs/protocol.md section 6. A result in the clear is a hint, never a fact.

import { oneOf } from './schema.ts'

export const Result = {
  success: 0,
  authenticationFailed: 1, // every refusal of a PNE, whatever its reason: the reason stays in the logs
  unsupportedVersion: 2,
  malformedMessage: 3,
  busy: 4, // over a bound; try again later
  serverUnreachable: 5, // the PN GW cannot reach the CPNS Server, so the remote case is not possible now
  ticketUsed: 6, // told inside TLS only, to one who knows the ticket's secret
  ticketExpired: 7, // likewise
  serviceUnavailable: 8, // told inside TLS only: no such service here for this PNE
  notPermitted: 9, // CPNS Server to PN GW: this gateway may not do that
  challengeRefused: 10, // CPNS Server to PN GW: expired, forged, or issued to another gateway
} as const
export type Result = (typeof Result)[keyof typeof Result]

export const result = oneOf(Result, 'result')

/** A result in words, as people and logs read it: `authentication-failed`. */
export function resultName(value: Result): string {
  const [name = 'unknown'] = Object.entries(Result).find(([, number]) => number === value) ?? []
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Which pre-shared key step 7 starts from. */
export const Case = { local: 0, remote: 1 } as const
export type Case = (typeof Case)[keyof typeof Case]
export type CaseName = keyof typeof Case

export const caseOf = oneOf(Case, 'case')

/** What step 7 started from: the EUKey, a TK of this authentication, or one that the gateway still held. */
export const KeyUsed = { euKey: 0, transientKey: 1, heldTransientKey: 2 } as const
export type KeyUsed = (typeof KeyUsed)[keyof typeof KeyUsed]

export const keyUsed = oneOf(KeyUsed, 'key-used')
