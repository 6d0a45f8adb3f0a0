// Authentications as the admin API would tell them.
import type { Authentication, Step } from '../../../packages/console/src/page/logic/authentication.ts'

export function step(number: number, ms = 1): Step {
  return { step: number, from: 'PNE', to: 'PN GW', message: 'any', atMs: number, ms }
}

/** Of the remote case, accepted, unless told otherwise. */
export function authentication(of: Partial<Authentication> = {}): Authentication {
  return {
    id: 1,
    at: '2026-01-02T03:04:05.000Z',
    case: 'remote',
    result: 'accepted',
    reason: null,
    gateway: 'hotel-gw@example.org',
    pne: 'pne-a',
    pneName: 'watch',
    user: 'alice',
    key: 'transient key',
    session: null,
    serverRoundTrips: 1,
    ms: 5,
    steps: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => step(number)),
    stoppedAt: null,
    complete: true,
    ...of,
  }
}
