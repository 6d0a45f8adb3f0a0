// What is known of one authentication, by who knows it. The server knows steps 4 and 5 of those that it decided; the gateway
// tells the rest, and everything of the local case. Both parts are small and go as JSON to other replicas as they are.

/** A step that was reached, and when: ms after the `at` of its part, with a fraction. */
export type StepAt = readonly [step: number, afterMs: number]

/** Steps 4 and 5, as this server or another replica did them. */
export interface ServerPart {
  readonly result: 'accepted' | 'refused'
  readonly reason: string | null
  readonly pne: string | null
  readonly user: string | null
  /** When step 3 arrived: ms since the epoch, with a fraction. */
  readonly at: number
  readonly steps: readonly StepAt[]
  /** From then to the answer. */
  readonly ms: number
}

export const keysUsed = ['EUKey', 'transient key', 'transient key, held'] as const

/** Steps 1, 2, 3, 6, 7 and 8, as an authenticated gateway told them; nobody else has seen them. */
export interface GatewayPart {
  /** Null when it was refused before that was known. */
  readonly case: 'local' | 'remote' | null
  readonly result: 'accepted' | 'refused'
  readonly reason: string | null
  /** Whom the gateway says it was. Worth something only when that PNE is the gateway's own. */
  readonly claimedPne: string | null
  readonly key: (typeof keysUsed)[number] | null
  readonly serverRoundTrips: number
  /** Of step 1, by the gateway's clock: ms since the epoch, with a fraction. */
  readonly at: number
  readonly steps: readonly StepAt[]
  /** When it was told, by our clock. */
  readonly toldAt: number
}

/** One authentication as far as it is known. */
export interface Known {
  /** The same at all replicas. */
  readonly id: string
  /** Identity, as it proved it. */
  readonly gateway: string
  /** base64url of 16 octets; null where the gateway names none, as by RADIUS. */
  readonly session: string | null
  server: ServerPart | undefined
  told: GatewayPart | undefined
  /** Rises with each part that comes, over all authentications: about the microseconds since the epoch. */
  revision: number
}

/** A part, and what it is a part of. */
export interface Part {
  readonly id: string
  readonly gateway: string
  readonly session: string | null
  readonly server?: ServerPart | undefined
  readonly told?: GatewayPart | undefined
}

/** A session id is a gateway's to choose, so it counts for that gateway alone. */
export function authenticationId(gateway: string, session: string): string {
  return `${session}.${gateway.slice(0, gateway.indexOf('@'))}`
}

export function isRefused({ server, told }: Known): boolean {
  return server?.result === 'refused' || told?.result === 'refused'
}

export function caseOf({ server, told }: Known): 'local' | 'remote' | null {
  return server ? 'remote' : (told?.case ?? null)
}

/** Whether nothing more will come: the gateway tells the rest of what it named a session for. */
export function isComplete({ session, server, told }: Known): boolean {
  if (session === null) return true
  return told !== undefined && (server !== undefined || told.serverRoundTrips === 0)
}
