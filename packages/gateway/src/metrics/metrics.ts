// What a gateway counts and measures for Prometheus; what each metric means stands in docs/operations/metrics.md. Values that are
// kept elsewhere are read when somebody asks. No label has a value from outside, so their number is bounded.

import { readFileSync } from 'node:fs'
import type { Admission } from '@opencpns/io'
import { type Result, resultName } from '@opencpns/protocol'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { AuthenticationFacts } from '../authenticate.ts'
import type { DataFolder } from '../keystore/data-folder.ts'
import type { Load } from '../load.ts'
import type { GatewayParts } from '../parts.ts'

/** Seconds: from what a step costs at best to its deadline. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15]

/** What is there at the moment, kept elsewhere. */
export interface Sources
  extends Pick<GatewayParts, 'registrar' | 'sessions' | 'transientKeys' | 'tickets' | 'upstream'> {
  readonly admission: Admission
  readonly folder: Pick<DataFolder, 'keys'>
  readonly load: Load
}

export class GatewayMetrics {
  readonly #registry = new Registry()
  readonly #authentications = this.#counter(
    'authentications_total',
    'PNEs that this gateway authenticated or refused',
    ['case', 'result', 'reason'],
  )
  readonly #durations = this.#histogram('authentication_duration_seconds', 'From step 1 to step 8', ['case'])
  readonly #steps = this.#histogram('step_duration_seconds', 'What a step took, since the one before', ['step'])
  readonly #pairings = this.#counter('pairings_total', 'Attempts to pair', ['result'])
  readonly #rotations = this.#counter('rotations_total', 'Keys that were rotated, or not', ['result'])
  readonly #revocations = this.#counter('revocations_total', 'Lines of the revocation log that were acted on', [])
  readonly #sessions = this.#gauge('sessions', 'Open sessions', ['kind'])
  readonly #unauthenticated = this.#gauge('unauthenticated_connections', 'Connections before step 8', [])
  readonly #displaced = this.#counter('displaced_connections_total', 'Those that had to give way to newer ones', [])
  readonly #overloaded = this.#gauge('overloaded', '1 while PNEs are turned away because the process is late', [])
  readonly #keys = this.#gauge('keys', 'EUKeys that this gateway assigned', [])
  readonly #transientKeys = this.#gauge('transient_keys', 'TKs that are held for further sessions', [])
  readonly #tickets = this.#gauge('tickets', 'Pairing tickets that may still be used', [])
  readonly #outbox = this.#gauge('outbox_reports', 'Reports of presence that the server has not counted yet', [])
  readonly #serverLinks = this.#gauge('server_links', 'Connections to servers', ['state'])
  readonly #challenges = this.#gauge('challenges', 'Challenges in the pool', [])
  readonly #inFlight = this.#gauge('server_requests_in_flight', 'Requests that wait for a server', [])
  // Bound once: these come with each authentication.
  readonly #ofStep = new Map([2, 3, 6, 7, 8].map((step) => [step, this.#steps.labels(String(step))]))
  readonly #ofCase = { local: this.#durations.labels('local'), remote: this.#durations.labels('remote') }
  readonly #accepted = {
    local: this.#authentications.labels('local', 'success', ''),
    remote: this.#authentications.labels('remote', 'success', ''),
  }
  #sources: Sources | undefined

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
    // What has not happened yet is told as 0, so that the first time shows as a rise.
    for (const step of this.#ofStep.keys()) this.#steps.zero({ step })
    for (const which of ['local', 'remote']) {
      this.#durations.zero({ case: which })
      this.#authentications.inc({ case: which, result: 'success', reason: '' }, 0)
    }
    for (const result of ['success', 'refused']) this.#rotations.inc({ result }, 0)
    this.#pairings.inc({ result: 'success' }, 0)
    this.#gauge('info', 'The release that runs; always 1', ['version']).set({ version: readVersion() }, 1)
  }

  /** From now on what is kept elsewhere is told too. */
  watch(sources: Sources): void {
    this.#sources = sources
  }

  /** An authentication has ended. */
  authenticated({ case: which, trace }: AuthenticationFacts, result: Result, reason?: string): void {
    if (reason === undefined && which) {
      this.#accepted[which].inc()
      this.#ofCase[which].observe(trace.ms / 1000)
    } else {
      this.#authentications.inc({ case: which ?? 'undecided', result: resultName(result), reason: reason ?? '' })
    }
    let before = trace.startedAt
    for (const { step, at } of trace.steps) {
      this.#ofStep.get(step)?.observe((at - before) / 1000)
      before = at
    }
  }

  paired(result: Result): void {
    this.#pairings.inc({ result: resultName(result) })
  }

  rotated(result: 'success' | 'refused'): void {
    this.#rotations.inc({ result })
  }

  revoked(count: number): void {
    this.#revocations.inc(count)
  }

  /** The text that Prometheus reads, and its content type. */
  async text(): Promise<{ type: string; body: string }> {
    if (this.#sources) this.#read(this.#sources)
    return { type: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  #read({ admission, folder, load, registrar, sessions, transientKeys, tickets, upstream }: Sources): void {
    this.#sessions.set({ kind: 'presence' }, registrar.open)
    this.#sessions.set({ kind: 'service' }, Math.max(0, sessions.open - registrar.open))
    this.#unauthenticated.set(admission.waiting)
    this.#displaced.reset()
    this.#displaced.inc(admission.displaced)
    this.#overloaded.set(load.isTooHigh ? 1 : 0)
    this.#keys.set(folder.keys.count())
    this.#transientKeys.set(transientKeys.size)
    this.#tickets.set(tickets.count(Date.now()))
    this.#outbox.set(registrar.unsent)
    const { servers } = upstream.connection() ?? {}
    if (!servers) return
    const connected = servers.filter((server) => server.connected).length
    this.#serverLinks.set({ state: 'connected' }, connected)
    this.#serverLinks.set({ state: 'disconnected' }, servers.length - connected)
    const { challenges, inFlight } = upstream.load()
    this.#challenges.set(challenges)
    this.#inFlight.set(inFlight)
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: `opencpns_gateway_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name: `opencpns_gateway_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    const registers = [this.#registry]
    return new Histogram({ name: `opencpns_gateway_${name}`, help, labelNames, buckets: BUCKETS, registers })
  }
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
