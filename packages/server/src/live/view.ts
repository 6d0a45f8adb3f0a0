// An authentication as the operator sees it: both parts put together on one scale of time.
import type { Party } from '@opencpns/io'
import { caseOf, type GatewayPart, isComplete, isRefused, type Known, type ServerPart, type StepAt } from './parts.ts'

interface StepView {
  step: number
  from: Party
  to: Party
  message: string
  /** After step 1; after the arrival at the server while only the server's part is known. */
  atMs: number
  /** Since the step before. */
  ms: number
}

export interface AuthenticationView {
  id: number
  at: string
  case: 'local' | 'remote' | null
  result: 'accepted' | 'refused'
  reason: string | null
  gateway: string
  pne: string | null
  pneName: string | null
  user: string | null
  key: string | null
  session: string | null
  serverRoundTrips: number | null
  ms: number | null
  steps: StepView[]
  stoppedAt: number | null
  complete: boolean
}

/** A gateway's clock may be wrong; further off than this, the time at which it told counts. */
const CLOCK_MAX_OFF_MS = 60_000

/** @param pneName  display name of the PNE that {@link pneOf} gives */
export function view(known: Known, pneName: string | null): AuthenticationView {
  const { id, gateway, session, server, told } = known
  const steps = stepsOf(known)
  const refused = isRefused(known)
  return {
    id,
    at: new Date(startOf(server, told)).toISOString(),
    case: caseOf(known),
    result: refused ? 'refused' : 'accepted',
    reason: (server?.result === 'refused' ? server.reason : told?.reason) ?? null,
    gateway,
    pne: pneOf(known),
    pneName,
    user: (server ?? told)?.user ?? null,
    key: told?.key ?? null,
    session,
    serverRoundTrips: told?.serverRoundTrips ?? null,
    ms: told ? (steps.at(-1)?.atMs ?? null) : (server?.ms ?? null),
    steps,
    stoppedAt: refused ? stoppedAt(server, told) : null,
    complete: isComplete(known),
  }
}

/** Whom it was about, if that is known. */
export function pneOf({ server, told }: Known): string | null {
  return (server ?? told)?.pne ?? null
}

function startOf(server: ServerPart | undefined, told: GatewayPart | undefined): number {
  if (told === undefined) return server?.at ?? 0
  if (server !== undefined) return server.at - arrival(server, told)
  const isPlausible = Math.abs(told.toldAt - told.at) <= CLOCK_MAX_OFF_MS
  return isPlausible ? told.at : told.toldAt - (told.steps.at(-1)?.[1] ?? 0)
}

/** When step 3 arrived at the server, after step 1: the way there is taken to be as long as the way back. */
function arrival(server: ServerPart, { steps }: GatewayPart): number {
  const at = (step: number) => steps.find(([one]) => one === step)?.[1]
  const sent = at(3) ?? 0
  const answered = at(6)
  return answered === undefined ? sent : sent + Math.max(0, answered - sent - server.ms) / 2
}

function stepsOf(known: Known): StepView[] {
  const { server, told } = known
  const offset = server && told ? arrival(server, told) : 0
  const ours = (server?.steps ?? []).map(([step, after]) => [step, after + offset] as const)
  const all = [...(told?.steps ?? []), ...ours].sort(([a], [b]) => a - b)
  let before = 0
  return all.map(([step, after]) => {
    const atMs = Math.max(before, rounded(after))
    const ms = rounded(atMs - before)
    before = atMs
    return { step, ...wordsOf(step, known), atMs, ms }
  })
}

/** The step that was not done. */
function stoppedAt(server: ServerPart | undefined, told: GatewayPart | undefined): number {
  if (server?.result === 'refused') return after(server.steps, 3)
  return after(told?.steps ?? [], 0)
}

function after(steps: readonly StepAt[], before: number): number {
  return Math.min(8, Math.max(before, ...steps.map(([step]) => step)) + 1)
}

function wordsOf(step: number, known: Known): { from: Party; to: Party; message: string } {
  const key = known.told?.key
  switch (step) {
    case 1:
      return { from: 'PNE', to: 'PN GW', message: 'AuthenticationRequest' }
    case 2:
      return { from: 'PN GW', to: 'PN GW', message: found(known) }
    case 3:
      return { from: 'PN GW', to: 'CPNS Server', message: 'ForwardedRequest' }
    case 4:
      return { from: 'CPNS Server', to: 'CPNS Server', message: 'EUKey = KDF(1st seed, 2nd seed)' }
    case 5:
      return { from: 'PNE', to: 'CPNS Server', message: 'EAP-GPSK' }
    case 6:
      return { from: 'CPNS Server', to: 'PN GW', message: 'ForwardedResponse' }
    case 7:
      return { from: 'PNE', to: 'PN GW', message: `TLS handshake, PSK from the ${key === 'EUKey' ? 'EUKey' : 'TK'}` }
    default:
      return { from: 'PN GW', to: 'PNE', message: 'AuthenticationResponse' }
  }
}

function found(known: Known): string {
  if (known.told?.key === 'transient key, held') return 'TK found: remote case without the server'
  return caseOf(known) === 'local' ? 'EUKey found: local case' : 'EUKey not found: remote case'
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
