// The workers of a server, as its primary keeps them: so many, each replaced when it dies, with back-off.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { backoff, type Logger, sleep } from '@opencpns/io'
import { AggregatorRegistry } from 'prom-client'
import { type PrimaryBus, tellWorker } from '../bus/workers.ts'
import { type Addresses, isOurs, type PrimaryMessage, type WorkerMessage } from './messages.ts'
import { NUMBER } from './worker.ts'

const REPLACE_MIN_MS = 100
const REPLACE_MAX_MS = 10_000
/** A worker that lived so long died of something new. */
const STEADY_MS = 10_000
/** A worker that serves takes a second or two to begin, and much longer only on a machine with far too much to do. */
const READY_MS = 60_000
/** How much longer than its grace a worker may take to end. */
const PATIENCE_MS = 2000
const METRICS_MS = 2000

type WorkerErrorCode =
  | 'WORKER_LOST' // a worker ended before it served, and did not say why: look into the log
  | 'WORKER_SILENT' // a worker neither served nor failed for a minute, and was ended: look into the log

/** A worker could not begin: with the code and the words of whatever it failed for. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
  readonly code: WorkerErrorCode | (string & {})

  constructor(code: WorkerError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface CrewOptions {
  readonly count: number
  readonly bus: PrimaryBus
  readonly logger: Logger
}

interface Asked {
  missing: number
  readonly done: () => void
}

export class Crew {
  readonly #options: CrewOptions
  readonly #ready = new Set<Worker>()
  readonly #asked = new Map<number, Asked>()
  /** What each worker counted when it last said so. */
  readonly #counted = new Map<Worker, readonly object[]>()
  /** What those that ended had counted by then: a sum that went back would look like a restart of the server. */
  #countedByEnded: Promise<readonly object[]> = Promise.resolve([])
  readonly #kept: Promise<void>[] = []
  readonly #stop = new AbortController()
  #lastId = 0

  constructor(options: CrewOptions) {
    this.#options = options
  }

  /** Workers that serve. */
  get ready(): number {
    return this.#ready.size
  }

  /** Resolves when all serve, to where. @throws {WorkerError} one could not begin; {@link stop} must follow */
  async start(): Promise<Addresses> {
    const { count } = this.#options
    const numbers = Array.from({ length: count }, (_, number) => number)
    // The first one alone at first: what one cannot do, all cannot, and one error is enough.
    const first = await this.#begin(0)
    const others = await Promise.all(numbers.slice(1).map((number) => this.#begin(number)))
    return Object.assign({}, ...others, first)
  }

  /** All answer what is under way, then end. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort()
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    const ended = workers.map((worker) => (worker.isDead() ? undefined : once(worker, 'exit')))
    for (const worker of workers) tell(worker, { opencpns: 'stop', graceMs })
    const patience = setTimeout(() => {
      for (const worker of workers) worker.process.kill('SIGKILL')
    }, graceMs + PATIENCE_MS)
    await Promise.all(ended)
    clearTimeout(patience)
    await Promise.all(this.#kept)
  }

  /**
   * What each worker counts and measures, as prom-client has it. Of one that does not answer in time it is what it said last; and
   * what those have counted that ended, for sums do not go back.
   */
  async metrics(): Promise<(readonly object[])[]> {
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked: Asked = { missing: this.#ready.size, done: resolve }
    this.#asked.set(id, asked)
    if (asked.missing === 0) resolve()
    for (const worker of this.#ready) tell(worker, { opencpns: 'metrics', id })
    const waiting = new AbortController()
    await Promise.race([promise, sleep(METRICS_MS, waiting).catch(() => {})])
    waiting.abort()
    this.#asked.delete(id)
    const ended = await this.#countedByEnded
    return [...[...this.#ready].map((worker) => this.#counted.get(worker) ?? []), ended].filter(
      ({ length }) => length > 0,
    )
  }

  /** Begins a worker, and sees to it that there is one with this number from then on. */
  async #begin(number: number): Promise<Addresses> {
    const worker = this.#fork(number)
    const addresses = await this.#readiness(worker)
    this.#kept.push(this.#keep(number, worker))
    return addresses
  }

  async #keep(number: number, first: Worker): Promise<void> {
    const { signal } = this.#stop
    const pause = backoff({ minMs: REPLACE_MIN_MS, maxMs: REPLACE_MAX_MS })
    for (let worker = first; !signal.aborted; ) {
      const since = performance.now()
      if (!worker.isDead()) await once(worker, 'exit')
      if (signal.aborted) return
      if (performance.now() - since > STEADY_MS) pause.reset()
      const { exitCode, signalCode } = worker.process
      const facts = { event: 'worker-lost', worker: number, exitCode, signal: signalCode }
      this.#options.logger.error(facts, 'a worker has ended: another one takes its place')
      await sleep(pause.next(), { signal }).catch(() => {})
      if (signal.aborted) return
      worker = this.#fork(number)
      await this.#readiness(worker).catch((err) => {
        if (signal.aborted) return
        this.#options.logger.error({ event: 'worker-failed', worker: number, err }, 'a worker could not begin')
      })
    }
  }

  #fork(number: number): Worker {
    const worker = cluster.fork({ [NUMBER]: String(number) })
    worker.on('message', (message) => this.#receive(worker, message))
    worker.on('exit', () => {
      this.#ready.delete(worker)
      this.#keepCounted(this.#counted.get(worker) ?? [])
      this.#counted.delete(worker)
      for (const asked of this.#asked.values()) if (--asked.missing <= 0) asked.done()
    })
    return worker
  }

  #keepCounted(rows: readonly object[]): void {
    const counted = rows.filter((row) => 'type' in row && (row.type === 'counter' || row.type === 'histogram'))
    if (counted.length === 0) return
    this.#countedByEnded = this.#countedByEnded.then((before) =>
      AggregatorRegistry.aggregate([[...before], counted]).getMetricsAsJSON(),
    )
  }

  /** One that neither serves nor ends is ended when its time is over. @throws {WorkerError} */
  #readiness(worker: Worker): Promise<Addresses> {
    const { promise, resolve, reject } = Promise.withResolvers<Addresses>()
    const deadline = setTimeout(() => {
      const words = `a worker did not serve within ${READY_MS / 1000} s, and was ended: look into the log`
      reject(new WorkerError('WORKER_SILENT', words))
      worker.process.kill('SIGKILL')
    }, READY_MS)
    worker.on('message', (message: unknown) => {
      if (!isOurs(message)) return
      const said = message as WorkerMessage
      if (said.opencpns === 'failed') reject(new WorkerError(said.code, said.message))
      if (said.opencpns !== 'ready') return
      clearTimeout(deadline)
      this.#ready.add(worker)
      resolve(said.addresses)
    })
    worker.once('exit', (code, signal) => {
      clearTimeout(deadline)
      reject(new WorkerError('WORKER_LOST', `a worker ended before it served (${signal ?? code}): look into the log`))
    })
    return promise
  }

  #receive(worker: Worker, message: unknown): void {
    if (this.#options.bus.receive(worker, message) || !isOurs(message)) return
    const said = message as WorkerMessage
    if (said.opencpns !== 'metrics') return
    this.#counted.set(worker, said.metrics)
    const asked = this.#asked.get(said.id)
    if (asked && --asked.missing <= 0) asked.done()
  }
}

function tell(worker: Worker, message: PrimaryMessage): void {
  tellWorker(worker, message)
}
