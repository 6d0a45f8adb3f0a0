// What a server counts and measures for Prometheus; what each metric means stands in docs/operations/metrics.md. Values that are
// kept elsewhere are read when somebody asks. No label has a value from outside, so their number is bounded.
import { readFileSync } from 'node:fs'
import type { Trace } from '@opencpns/io'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { CpnsDoor } from '../doors/cpns/door.ts'
import type { RadiusDoor } from '../doors/radius/door.ts'
import type { NewEvent } from '../events.ts'
import type { ReportedCounts } from '../live/told.ts'
import type { Total } from '../live/totals.ts'
import { Distributions } from './distributions.ts'
import type { StoreObserver } from './measured-store.ts'

/** Seconds: from what a step costs at best to its deadline. */
const STEP_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const STORE_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export type Door = 'cpns' | 'radius'

/** What is there at the moment, kept elsewhere. */
export interface Sources {
  readonly events: { readonly waiting: number; readonly dropped: number }
  readonly cpns?: Pick<CpnsDoor, 'load'> | undefined
  readonly radius?: Pick<RadiusDoor, 'counters'> | undefined
  /** Rejects with a StoreError: then what it would tell is missing. */
  readonly totals?: { get(): Promise<Total> } | undefined
}

export class ServerMetrics implements StoreObserver {
  readonly #registry = new Registry()
  readonly #authentications = this.#counter('authentications_total', 'PNEs that this server authenticated or refused', [
    'door',
    'result',
    'reason',
  ])
  readonly #durations = this.#distributions(
    'authentication_duration_seconds',
    'From the arrival of a request to its answer: steps 4 to 6',
    'door',
    STEP_BUCKETS,
  )
  readonly #steps = this.#distributions(
    'step_duration_seconds',
    'What a step at this server took',
    'step',
    STEP_BUCKETS,
  )
  readonly #reported = this.#counter(
    'reported_authentications_total',
    'Authentications at the doors of gateways, as they report them',
    ['case', 'result'],
  )
  readonly #events = this.#counter('events_total', 'What happened, but authentications', ['type', 'result'])
  readonly #eventsWaiting = this.#gauge('events_waiting', 'Events that are not in the log yet', [])
  readonly #eventsDropped = this.#counter('events_dropped_total', 'Events that never came into the log', [])
  readonly #links = this.#gauge('links', 'Gateways that have a link with this process', [])
  readonly #underWay = this.#gauge('requests_in_flight', 'Requests of gateways that are being answered', [])
  readonly #waiting = this.#gauge('unauthenticated_connections', 'Connections that have not proved themselves yet', [])
  readonly #displaced = this.#counter('displaced_connections_total', 'Those that had to give way to newer ones', [])
  readonly #radius = this.#counter('radius_requests_total', 'RADIUS requests, by what became of them', ['outcome'])
  readonly #users = this.#gauge('users', 'End users', [])
  readonly #gateways = this.#gauge('gateways', 'Gateways', ['state'])
  readonly #pnes = this.#gauge('pnes', 'PNEs', ['state'])
  readonly #registered = this.#gauge('registered_pnes', 'PNEs that are present in a personal network', [])
  readonly #store = this.#distributions(
    'store_operation_duration_seconds',
    'What an operation of the store took',
    'operation',
    STORE_BUCKETS,
  )
  readonly #storeErrors = this.#counter('store_errors_total', 'Operations of the store that failed', ['operation'])
  // Bound once: these come with each authentication.
  readonly #accepted = byDoor((door) => this.#authentications.labels(door, 'accepted', ''))
  readonly #ofDoor = byDoor((door) => this.#durations.of(door))
  readonly #step4 = this.#steps.of('4')
  readonly #step5 = this.#steps.of('5')
  #sources: Sources | undefined

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
    // What has not happened yet is told as 0, so that the first time shows as a rise.
    for (const door of ['cpns', 'radius']) this.#authentications.inc({ door, result: 'accepted', reason: '' }, 0)
    const help = 'The release that runs; always 1, of several processes too'
    const of = { name: 'opencpns_server_info', help, labelNames: ['version'], registers: [this.#registry] }
    new Gauge({ ...of, aggregator: 'first' }).set({ version: readVersion() }, 1)
  }

  /** From now on what is kept elsewhere is told too. */
  watch(sources: Sources): void {
    this.#sources = sources
  }

  /** The server has decided. */
  authenticated(door: Door, reason: string | undefined, { startedAt, steps, ms }: Trace): void {
    if (reason === undefined) this.#accepted[door].inc()
    else this.#authentications.inc({ door, result: 'refused', reason })
    this.#ofDoor[door].observe(ms / 1000)
    let before = startedAt
    for (const { step, at } of steps) {
      if (step === 4) this.#step4.observe((at - before) / 1000)
      else if (step === 5) this.#step5.observe((at - before) / 1000)
      before = at
    }
  }

  /** An event was recorded. */
  recorded({ type, result }: NewEvent): void {
    if (type !== 'authentication' && type !== 'report') this.#events.inc({ type, result })
  }

  /** A gateway has reported. @param report  what of it counts */
  reported(report: ReportedCounts): void {
    this.#reported.inc({ case: 'local', result: 'accepted' }, report.localAccepted)
    this.#reported.inc({ case: 'local', result: 'refused' }, report.localRefused)
    this.#reported.inc({ case: 'remote', result: 'accepted' }, report.remoteAccepted)
    this.#reported.inc({ case: 'remote', result: 'refused' }, report.remoteRefused)
    this.#reported.inc({ case: 'undecided', result: 'refused' }, report.undecided)
  }

  operation(operation: string) {
    const times = this.#store.of(operation)
    return (seconds: number, failed: boolean) => {
      times.observe(seconds)
      if (failed) this.#storeErrors.inc({ operation })
    }
  }

  /** The text that Prometheus reads, and its content type. */
  async text(): Promise<{ type: string; body: string }> {
    await this.#read()
    return { type: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  /** The same as prom-client passes it between processes. */
  async rows(): Promise<object[]> {
    await this.#read()
    return this.#registry.getMetricsAsJSON()
  }

  async #read(): Promise<void> {
    if (this.#sources === undefined) return
    const { events, cpns, radius, totals } = this.#sources
    this.#eventsWaiting.set(events.waiting)
    setTotal(this.#eventsDropped, events.dropped)
    if (cpns) this.#readCpns(cpns.load())
    if (radius) this.#readRadius(radius.counters())
    if (totals) this.#readTotals(await totals.get().catch(() => undefined))
  }

  #readCpns({ links, underWay, unauthenticated, displaced }: ReturnType<CpnsDoor['load']>): void {
    this.#links.set(links)
    this.#underWay.set(underWay)
    this.#waiting.set(unauthenticated)
    setTotal(this.#displaced, displaced)
  }

  #readRadius({ answered, discarded }: ReturnType<RadiusDoor['counters']>): void {
    this.#radius.reset()
    for (const [outcome, count] of Object.entries({ answered, ...discarded })) this.#radius.inc({ outcome }, count)
  }

  /** A number that the store does not tell now is missing, not 0. */
  #readTotals(total: Total | undefined): void {
    this.#users.remove()
    this.#registered.remove()
    this.#gateways.reset()
    this.#pnes.reset()
    if (total === undefined) return
    const { users, registered, connected, gateways, pnes } = total
    this.#users.set(users)
    this.#registered.set(registered)
    this.#gateways.set({ state: 'connected' }, connected)
    this.#gateways.set({ state: 'disconnected' }, Math.max(0, gateways.cpns - connected))
    this.#gateways.set({ state: 'radius' }, gateways.radius)
    this.#gateways.set({ state: 'revoked' }, gateways.revoked)
    for (const [state, count] of Object.entries(pnes)) this.#pnes.set({ state }, count)
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: `opencpns_server_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name: `opencpns_server_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #distributions(name: string, help: string, label: string, buckets: readonly number[]): Distributions {
    return new Distributions({ name: `opencpns_server_${name}`, help, label, buckets }, this.#registry)
  }
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

function byDoor<T>(of: (door: Door) => T): Record<Door, T> {
  return { cpns: of('cpns'), radius: of('radius') }
}

function setTotal(counter: Counter, total: number): void {
  counter.reset()
  counter.inc(total)
}
