// A folder on a disk of its own that is small enough to be full at once: a tmpfs.

import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Trial } from './fault.ts'

const PAGE_OCTETS = 4096

export class SmallDisk {
  readonly #filler: string

  private constructor(dir: string) {
    this.#filler = join(dir, '.filler.tmp')
  }

  /** Moves a folder, which nobody uses now, onto a disk of so many MiB. @returns why it cannot be, where it cannot */
  static hold(dir: string, mib: number, { after }: Pick<Trial, 'after'>): SmallDisk | string {
    if (process.getuid?.() !== 0) return 'mounting a small disk needs root'
    const aside = `${dir}.aside`
    renameSync(dir, aside)
    mkdirSync(dir, { mode: 0o700 })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', dir], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
    } catch (error) {
      rmSync(dir, { recursive: true })
      renameSync(aside, dir)
      return `no small disk can be mounted: ${(error as Error).message}`
    }
    after(() => execFileSync('umount', ['--lazy', dir]))
    cpSync(aside, dir, { recursive: true, preserveTimestamps: true })
    return new SmallDisk(dir)
  }

  /** Takes all the room that is left. */
  fill(): void {
    const filler = openSync(this.#filler, 'a')
    const page = Buffer.alloc(PAGE_OCTETS, 1)
    try {
      for (;;) writeSync(filler, page)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(filler)
    }
  }

  makeRoom(): void {
    rmSync(this.#filler)
  }
}
