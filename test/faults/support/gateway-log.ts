// What a gateway says of itself while its machine has too much to do: whom it turns away then comes again.

import type { Machine } from '../../end-to-end/processes.ts'
import { slowness } from '../../support/turned-away.ts'
import { until } from '../../support/until.ts'

/** The line comes by another way than the answer to the device. */
const LINE_MS = 5000
const SLOWNESS = new RegExp(`"reason":"(${slowness.join('|')})"`)

export class GatewayLog {
  readonly #said: Machine['said']
  readonly #dataDir: string
  #turnedAway = 0

  constructor({ said }: Pick<Machine, 'said'>, dataDir: string) {
    this.#said = said
    this.#dataDir = dataDir
  }

  /** What was said so far is before this. */
  get mark(): number {
    return this.#said.length
  }

  /** How many came again because the machine had too much to do. */
  get turnedAway(): number {
    return this.#turnedAway
  }

  /** Whether it has turned somebody away since then because its machine had too much to do. */
  async tellsOfSlowness(mark: number): Promise<boolean> {
    return until(() => SLOWNESS.test(this.#textSince(mark)), '', LINE_MS).then(
      () => {
        this.#turnedAway++
        return true
      },
      () => false,
    )
  }

  #textSince(mark: number): string {
    const ours = this.#said.slice(mark).filter(({ command }) => command.includes(this.#dataDir))
    return Buffer.concat(ours.map(({ octets }) => octets)).toString()
  }
}
