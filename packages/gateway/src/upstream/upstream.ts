// Who vouches for PNEs that this gateway does not know: a CPNS Server (cpns.ts), or another kind of server later on. An AAA
// server (RADIUS) leads the EAP method itself, with several Challenges; both fit `authenticate`, which may relay any number.

import type { Result } from '@opencpns/protocol'

/** One PNE that waits in step 2, as the upstream sees it. */
export interface PneExchange {
  /** 32 octets */
  readonly secondSeed: Uint8Array
  readonly realm: string
  /** Of the session to be, in base64url: what this gateway reports the authentication by. */
  readonly sessionId: string
  /** The trace that it is recorded in, and the place in it: from step 3 on, that round trip. */
  readonly traceparent?: string | undefined
  /** Sends an EAP request in a Challenge; resolves to the EAP response. Rejects when the PNE is gone, silent or wrong. */
  challenge(eap: Uint8Array): Promise<Uint8Array>
  /** Notes a message of step 3 or 6. */
  step(step: 3 | 6, message: string): void
}

/** Step 6, success. */
interface Vouched {
  readonly result: typeof Result.success
  /** TK, 32 octets. */
  readonly transientKey: Uint8Array
  readonly lifetimeS: number
  /** The EAP request that the PNE has not had yet: GPSK-3. */
  readonly eap?: Uint8Array | undefined
  readonly pneId?: string | undefined
  /** The end user whose PNE it is. */
  readonly user?: string | undefined
  /** Sessions that the PNE may have at once; undefined for no limit. */
  readonly sessionsMax?: number | undefined
}

/** Step 6, or its absence: what the PNE is told, and why, for the log. */
export interface Refused {
  readonly result: Exclude<Result, typeof Result.success>
  readonly reason: string
}

export type Verdict = (Vouched | Refused) & {
  /** Round trips between gateway and server that the PNE had to wait for. */
  readonly serverRoundTrips: number
}

/** An EUKey as the server assigns it. */
export interface AssignedKey {
  readonly pneId: string
  /** 32 octets */
  readonly euKey: Uint8Array
  /** The end user whose PNE it is, and the generation of the 1st seed. A server may leave both out. */
  readonly user?: string | undefined
  readonly generation?: number | undefined
}

export type KeyAssignment = ({ readonly result: typeof Result.success } & AssignedKey) | Refused

export type KeyConfirmation = { readonly result: typeof Result.success } | Refused

/** `sinceMs`: milliseconds since the epoch. */
interface Connection {
  readonly connected: boolean
  readonly sinceMs: number
  /** Each server that this gateway keeps a connection to, or tries to: `HOST:PORT`. */
  readonly servers: readonly { readonly address: string; readonly connected: boolean; readonly sinceMs: number }[]
}

/** None of its methods rejects because a server is away or refuses: that is a verdict. */
export interface Upstream {
  /** Steps 3 to 6. Rejects with what `challenge` rejects with. */
  authenticate(pne: PneExchange): Promise<Verdict>
  /** The EUKey of a new PNE, pending. Asked again with the same 2nd seed, the answer is the same. @param ticketId  for the record */
  assignKey(secondSeed: Uint8Array, name?: string, ticketId?: Uint8Array): Promise<KeyAssignment>
  /** A further EUKey of the PNE that has the 2nd seed `replaces`, pending; otherwise as {@link assignKey}. */
  renewKey(secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyAssignment>
  /** The PNE has its credential: the server may authenticate it from now on. @param ticketId  for the record */
  confirmKey(secondSeed: Uint8Array, ticketId?: Uint8Array): Promise<KeyConfirmation>
  /** The PNE has used the key that replaces this one: the server refuses this one from now on. */
  retireKey(secondSeed: Uint8Array): Promise<KeyConfirmation>
  /** Sends what needs no answer, over a link of version 2. False when there is none now: then nothing was sent. */
  tell(message: Uint8Array): boolean
  /** Challenges that are there, and requests that wait for an answer. */
  load(): { readonly challenges: number; readonly inFlight: number }
  /** Whether there is a connection to any server, and since when there is one or none; undefined where there are no connections. */
  connection(): Connection | undefined
  close(): void
}

/** Reports of presence that wait for the server. */
export interface ReportQueue {
  /** Called when there are new reports. */
  onReports: () => void
  /** The next reports, encoded, up to 64; undefined when there are none. */
  next(): { readonly first: number; readonly reports: readonly Uint8Array[] } | undefined
  /** The server has counted up to this number, durably. */
  counted(upTo: number): void
  /** The server counts from this number, which is not ours. */
  continueAfter(upTo: number): void
}

/** What a CPNS Server tells a gateway, and is told by it, that must outlive the connection and the process. */
export interface Records {
  readonly revocationLog: RevocationLog
  readonly reports: ReportQueue
  readonly policy: { note(policy: { generation: number; visitors: boolean; sessionsMax?: number | undefined }): void }
  /** There is a connection: requests that waited for one may come. */
  connected(): void
  /** A policy was noted. */
  policyChanged(): void
  /** The server asks for a pairing ticket. @throws {GatewayError} */
  makeTicket(wishes: { name?: string | undefined; lifetimeS?: number | undefined }): {
    readonly uri: string
    readonly expiresAtS: number
    readonly ticketId: Uint8Array
  }
  /** The key of this PNE is to be rotated at the next chance. Never throws. */
  rotate(pneId: string): void
}

/** What becomes of revocations that the upstream hears of. */
export interface RevocationLog {
  /** Number of the last line acted on; 0 for none. */
  revokedUpTo(): number
  /** Acts on revocation tags, 32 octets each, durably. @throws when it could not: then they are asked for again */
  revoke(tags: readonly Uint8Array[], upTo: number): void
}
