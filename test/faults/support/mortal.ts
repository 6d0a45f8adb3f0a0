// A process that is killed again and again, at a moment that chance chooses, and started again.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '../../end-to-end/processes.ts'

export class Mortal {
  readonly #start: () => Promise<Running>
  #running: Running
  #deaths = 0

  /** @param start starts it where the one before was */
  constructor(running: Running, start: () => Promise<Running>) {
    this.#running = running
    this.#start = start
  }

  get deaths(): number {
    return this.#deaths
  }

  /** `kill -9` within so many milliseconds. */
  async killWithin(ms: number): Promise<void> {
    await sleep(Math.random() * ms)
    await this.#running.stop('SIGKILL')
    this.#deaths++
  }

  async revive(): Promise<void> {
    this.#running = await this.#start()
  }
}
