// What is known of one authentication, by who knows it. The server knows steps 4 and 5 of those that it decided; the gateway
// tells the rest, and everything of the local case. Each part is a line of the event log: `authentication`, or `report` where
// a gateway adds to what the server decided.
import type { EventRow } from '../store/contract.ts'

/** A step that was reached, and when: ms after the beginning of its part, with a fraction. */
export type StepAt = readonly [step: number, afterMs: number]

interface AnyPart {
  readonly result: 'accepted' | 'refused'
  readonly reason: string | null
  readonly pne: string | null
  readonly user: string | null
  /** ms since the epoch: of the server's part the arrival of step 3, of a gateway's step 1 by its own clock. */
  readonly at: number
  readonly steps: readonly StepAt[]
}

/** Steps 4 and 5. */
export interface ServerPart extends AnyPart {
  /** From the arrival of step 3 to the answer. */
  readonly ms: number
}

export const keysUsed = ['EUKey', 'transient key', 'transient key, held'] as const
type KeyUsed = (typeof keysUsed)[number]

/** Steps 1, 2, 3, 6, 7 and 8, as an authenticated gateway told them; nobody else has seen them. */
export interface GatewayPart extends AnyPart {
  /** Null when it was refused before that was known. */
  readonly case: 'local' | 'remote' | null
  readonly key: KeyUsed | null
  readonly serverRoundTrips: number
  /** When it was told, by our clock. */
  readonly toldAt: number
}

/** What a line of the log says beside its columns, of a gateway's part. */
export interface ToldFacts {
  readonly key: KeyUsed | null
  readonly serverRoundTrips: number
  readonly at: number
}

/** One authentication as far as it is known. */
export interface Known {
  /** Of its first line in the log. */
  readonly id: number
  /** Identity, as it proved it. */
  readonly gateway: string
  /** base64url of 16 octets; null where the gateway names none, as by RADIUS. */
  readonly session: string | null
  readonly server: ServerPart | undefined
  readonly told: GatewayPart | undefined
}

/** Puts parts together, in the order of their first lines. A session is a gateway's to name, so it counts for that one alone. */
export function assemble(rows: readonly EventRow[]): Known[] {
  const known = new Map<string, Known>()
  for (const row of rows) {
    const key = row.session === null ? `#${row.id}` : `${row.gateway} ${row.session}`
    known.set(key, withPart(known.get(key), row))
  }
  return [...known.values()]
}

/** @param known  what was known before of the authentication that this line is about */
function withPart(known: Known | undefined, row: EventRow): Known {
  const { id, gateway, session } = row
  const before = known ?? { id, gateway: gateway ?? '', session, server: undefined, told: undefined }
  const told = toldPart(row)
  return told ? { ...before, told: before.told ?? told } : { ...before, server: serverPart(row) }
}

function serverPart({ at, ms, ...row }: EventRow): ServerPart {
  return { ...anyPart(row), at: at - (ms ?? 0), ms: ms ?? 0 }
}

function toldPart({ facts, at: toldAt, ...row }: EventRow): GatewayPart | undefined {
  if (facts === null) return undefined
  const { key, serverRoundTrips, at } = JSON.parse(facts) as ToldFacts
  const which = row.case === 'local' || row.case === 'remote' ? row.case : null
  return { ...anyPart(row), case: which, key, serverRoundTrips, at, toldAt }
}

function anyPart({ result, reason, pneId, user, steps }: Omit<EventRow, 'at' | 'ms' | 'facts'>) {
  const was: AnyPart['result'] = result === 'accepted' ? 'accepted' : 'refused'
  return { result: was, reason, pne: pneId, user, steps: readSteps(steps) }
}

/** Steps as the log has them: each with its microseconds, one after another. */
export function writeSteps(steps: readonly StepAt[]): number[] {
  return steps.flatMap(([step, afterMs]) => [step, Math.round(afterMs * 1000)])
}

function readSteps(text: string | null): StepAt[] {
  const flat: number[] = text === null ? [] : JSON.parse(text)
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] ?? 0, (flat[2 * at + 1] ?? 0) / 1000])
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
  return told !== undefined && (server !== undefined || !told.steps.some(([step]) => step === 6))
}
