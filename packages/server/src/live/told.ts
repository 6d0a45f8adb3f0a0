// What gateways tell of authentications (AuthenticationsReport, docs/protocol.md section 4.4). A gateway is authenticated, not
// trusted: decoding bounds each value, allowances bound what it counts and what of it goes into the log, and the inventory says
// whom its word is about.
import {
  AUTHENTICATIONS_MAX,
  type AuthenticationReport,
  type AuthenticationsReport,
  Case,
  REPORT_INTERVAL_MS,
  Result,
} from '@opencpns/protocol'
import type { NewEvent } from '../events.ts'
import { LruMap } from '../registry/lru-map.ts'
import type { Device } from './devices.ts'
import { keysUsed, type StepAt, type ToldFacts, writeSteps } from './parts.ts'
import type { Kind } from './rates.ts'

/** Authentications that each gateway, and all of them, may have in the log: in a millisecond, and at once. */
const PER_GATEWAY = { perMs: AUTHENTICATIONS_MAX / REPORT_INTERVAL_MS, atOnce: 4 * AUTHENTICATIONS_MAX }
const IN_ALL = { perMs: 0.5, atOnce: 1000 }

/** That one gateway may have counted: several times what one can do, and what gathered while it had no link. */
const COUNTED = { perMs: 20, atOnce: 200_000 }
const GATEWAYS_MAX = 10_000

/** What a report counts. */
export type ReportedCounts = Pick<
  AuthenticationsReport,
  'localAccepted' | 'localRefused' | 'remoteAccepted' | 'remoteRefused' | 'undecided'
>

/** Bounds what gateways may put before the operator. A link that ends, or another one, gives a gateway nothing anew. */
export class Allowances {
  readonly #byGateway = new LruMap<string, { told: Allowance; counted: Allowance }>(GATEWAYS_MAX)
  readonly #all = new Allowance(IN_ALL)

  /** How many of `wanted` that are told one by one are allowed. */
  take(gateway: string, wanted: number, nowMs: number): number {
    return this.#all.take(this.#of(gateway).told.take(wanted, nowMs), nowMs)
  }

  /** What is counted of a report: all of it, or so large a part of each number as is allowed of their sum. */
  count(gateway: string, report: ReportedCounts, nowMs: number): ReportedCounts {
    const { localAccepted, localRefused, remoteAccepted, remoteRefused, undecided } = report
    const sum = localAccepted + localRefused + remoteAccepted + remoteRefused + undecided
    const allowed = this.#of(gateway).counted.take(sum, nowMs)
    if (allowed === sum) return report
    const part = (count: number) => Math.floor((count / sum) * allowed)
    return {
      localAccepted: part(localAccepted),
      localRefused: part(localRefused),
      remoteAccepted: part(remoteAccepted),
      remoteRefused: part(remoteRefused),
      undecided: part(undecided),
    }
  }

  #of(gateway: string): { told: Allowance; counted: Allowance } {
    const known = this.#byGateway.get(gateway)
    if (known) return known
    const fresh = { told: new Allowance(PER_GATEWAY), counted: new Allowance(COUNTED) }
    this.#byGateway.set(gateway, fresh)
    return fresh
  }
}

class Allowance {
  readonly #perMs: number
  readonly #atOnce: number
  #left: number
  #at = 0

  constructor({ perMs, atOnce }: { perMs: number; atOnce: number }) {
    this.#perMs = perMs
    this.#atOnce = atOnce
    this.#left = atOnce
  }

  take(wanted: number, nowMs: number): number {
    this.#left = Math.min(this.#atOnce, this.#left + Math.max(0, nowMs - this.#at) * this.#perMs)
    this.#at = nowMs
    const allowed = Math.min(wanted, Math.floor(this.#left))
    this.#left -= allowed
    return allowed
  }
}

/**
 * How many authentications a report adds to those that the server has counted itself. Of the remote case it does not say how
 * many went without the server, by a TK that was held or refused before. Those that it tells one by one do, and stand for
 * the rest: up to 128 a second at a gateway that is all of them.
 */
export function countsOf(report: ReportedCounts, told: readonly AuthenticationReport[]): [Kind, number][] {
  const { localAccepted, localRefused, remoteAccepted, remoteRefused, undecided } = report
  const remote = told.filter((one) => one.case === Case.remote)
  const accepted = remote.filter((one) => one.result === Result.success)
  const refused = remote.filter((one) => one.result !== Result.success)
  return [
    ['localAccepted', localAccepted],
    ['localRefused', localRefused],
    ['remoteAccepted', alone(accepted, remoteAccepted)],
    ['remoteRefused', alone(refused, remoteRefused)],
    ['undecided', undecided],
  ]
}

function alone(told: readonly AuthenticationReport[], count: number): number {
  const without = told.filter(({ step6Us }) => step6Us === undefined)
  return told.length === 0 ? 0 : Math.round((without.length / told.length) * count)
}

/**
 * What goes into the log of one that was told. Where the server has decided, that it is a `report` beside.
 * @param device  what the inventory says of the PNE that the gateway names: it counts when it is the gateway's own
 */
export function eventOf(gateway: string, report: AuthenticationReport, device: Device | undefined): NewEvent {
  const { case: which, result, reason, keyUsed, pneId, atUs, serverRoundTrips } = report
  const isOwn = device?.gateway === gateway
  const steps = stepsOf(report)
  const key = keyUsed === undefined ? null : (keysUsed[keyUsed] ?? null)
  const facts: ToldFacts = { key, serverRoundTrips, at: atUs / 1000 }
  return {
    type: report.step6Us === undefined ? 'authentication' : 'report',
    case: which === undefined ? undefined : which === Case.local ? 'local' : 'remote',
    result: result === Result.success ? 'accepted' : 'refused',
    reason: result === Result.success ? undefined : reason,
    gateway,
    pneId: isOwn ? pneId : undefined,
    user: isOwn ? device.user : undefined,
    session: Buffer.from(report.sessionId).toString('base64url'),
    ms: steps.at(-1)?.[1],
    steps: writeSteps(steps),
    facts,
  }
}

/**
 * What each step took, in microseconds since the step before. The time at the server is in that of step 6, which thus is the
 * whole time that the gateway waited.
 */
export function intervalsOf(report: AuthenticationReport): StepAt[] {
  let before = 0
  return stepsOf(report).map(([step, afterMs]) => {
    const us = (afterMs - before) * 1000
    before = Math.max(before, afterMs)
    return [step, Math.max(0, us)] as const
  })
}

function stepsOf({ step2Us, step3Us, step6Us, step7Us, step8Us }: AuthenticationReport): StepAt[] {
  const reached: [number, number | undefined][] = [
    [1, 0],
    [2, step2Us],
    [3, step3Us],
    [6, step6Us],
    [7, step7Us],
    [8, step8Us],
  ]
  return reached.flatMap(([step, us]) => (us === undefined ? [] : [[step, us / 1000] as const]))
}
