// The wall clock of a process, to be set while it runs: libfaketime, of Debian's package `faketime`. The clock that only ever goes
// on (CLOCK_MONOTONIC) stays right, as on a machine whose time is set.

import { existsSync, writeFileSync } from 'node:fs'

const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].map(
  (folder) => `${folder}/faketime/libfaketimeMT.so.1`,
)

export class Clock {
  readonly #file: string
  readonly #library: string

  private constructor(file: string, library: string) {
    this.#file = file
    this.#library = library
    this.set(0)
  }

  /** @param file that tells its processes the time  @returns why there can be none, where there can be none */
  static at(file: string): Clock | string {
    const library = LIBRARIES.find((one) => existsSync(one))
    return library === undefined ? 'libfaketime is missing: apt-get install faketime' : new Clock(file, library)
  }

  /** What a process needs in its environment to go by this clock. */
  get env(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** So many seconds ahead of the real time, at once. */
  set(aheadS: number): void {
    writeFileSync(this.#file, `${aheadS < 0 ? '' : '+'}${aheadS}`)
  }
}
