// The worker processes: started, told what to do, listened to, ended.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CliError } from '../../errors.ts'
import type { Batch, FromWorker, GatewaySecret, ToWorker } from './messages.ts'
import { type Plan, shareOf } from './plan.ts'

/** Beside this file, in the checkout as in the published package. */
const WORKER = fileURLToPath(new URL(`./worker/main${import.meta.url.slice(-3)}`, import.meta.url))
/** Workers hear of the beginning before it is there. */
const LEAD_MS = 300

export class Crew {
  readonly #workers: readonly Worker[]

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
  }

  /** Starts them, and waits until each has its devices. @throws {CliError} BENCH_FAILED, or what `signal` was aborted for */
  static async hire(plan: Plan, gateways: readonly GatewaySecret[], signal: AbortSignal): Promise<Crew> {
    const { workers: count } = plan
    const crew = new Crew(Array.from({ length: count }, () => new Worker()))
    const dismissed = () => crew.dismiss()
    signal.addEventListener('abort', dismissed, { once: true })
    try {
      await Promise.all(crew.#workers.map((worker, index) => worker.prepare(jobOf(index, plan, gateways))))
      return crew
    } catch (error) {
      crew.dismiss()
      throw error
    } finally {
      signal.removeEventListener('abort', dismissed)
    }
  }

  /** Has them make the load; resolves when it is over. Ends early when `signal` is aborted. */
  async work(onBatch: (batch: Batch) => void, signal: AbortSignal): Promise<void> {
    const stop = () => {
      for (const worker of this.#workers) worker.say({ do: 'stop' })
    }
    signal.addEventListener('abort', stop, { once: true })
    const atMs = performance.timeOrigin + performance.now() + LEAD_MS
    const over = this.#workers.map((worker) => worker.work(atMs, onBatch))
    if (signal.aborted) stop()
    await Promise.all(over)
    signal.removeEventListener('abort', stop)
  }

  /** They end when they have let go of what they have. */
  dismiss(): void {
    for (const worker of this.#workers) worker.dismiss()
  }
}

function jobOf(worker: number, plan: Plan, gateways: readonly GatewaySecret[]): ToWorker {
  const { workers, schedule, way, servers, runningGateways, devices, timeoutMs } = plan
  return {
    do: 'prepare',
    ...{ worker, workers, schedule, way, servers, runningGateways, timeoutMs },
    gateways: gateways.filter((_, index) => index % workers === worker),
    devices: shareOf(devices, worker, workers),
  }
}

class Worker {
  readonly #process: ChildProcess
  #listen: (message: FromWorker) => void = () => {}
  #fail: (error: CliError) => void = () => {}

  constructor() {
    this.#process = fork(WORKER, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#process.on('message', (message: FromWorker) => {
      if (message.says === 'failed') this.#fail(new CliError(message.code, message.message))
      else this.#listen(message)
    })
    this.#process.on('exit', () => this.#fail(new CliError('BENCH_FAILED', 'a worker process ended: try again')))
  }

  prepare(job: ToWorker): Promise<void> {
    return this.#until('ready', job)
  }

  work(atMs: number, onBatch: (batch: Batch) => void): Promise<void> {
    return this.#until('over', { do: 'begin', atMs }, onBatch)
  }

  say(order: ToWorker): void {
    if (this.#process.connected) this.#process.send(order)
  }

  dismiss(): void {
    if (this.#process.connected) this.#process.disconnect()
  }

  #until(end: 'ready' | 'over', order: ToWorker, onBatch: (batch: Batch) => void = () => {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      this.#listen = (message) => {
        if (message.says === 'batch') onBatch(message)
        if (message.says === end) resolve()
      }
      this.say(order)
    })
  }
}
