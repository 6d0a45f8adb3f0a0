// Group commit: all writes that are asked for in one turn of the event loop share one transaction, so one fsync.
// Each keeps its own fate: a write that fails is undone alone (a savepoint), the others go on.
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../contract.ts'
import { toStoreError } from './errors.ts'
import type { ReadTurn } from './read-turn.ts'

/** Writes that may wait for one commit. More than these in one turn is a flood, and is refused. */
const MAX_WAITING = 10_000

interface Job {
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export class GroupCommit {
  readonly #db: DatabaseSync
  readonly #reads: ReadTurn
  #waiting: Job[] = []

  /** @param reads of the same connection: they end before a transaction begins */
  constructor(db: DatabaseSync, reads: ReadTurn) {
    this.#db = db
    this.#reads = reads
  }

  /** Runs `work` in the next transaction. Resolves, with what it returned, once that is on the disk. */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING) {
        reject(new StoreError('STORE_BUSY', 'too many writes at once: try again'))
        return
      }
      if (this.#waiting.length === 0) setImmediate(() => this.flush())
      this.#waiting.push({ work, resolve: resolve as Job['resolve'], reject })
    })
  }

  /** Commits what waits, now. */
  flush(): void {
    const jobs = this.#waiting
    if (jobs.length === 0) return
    this.#waiting = []
    let settle: (() => void)[]
    try {
      this.#begin()
      settle = jobs.map((job) => this.#attempt(job))
      this.#db.exec('COMMIT')
    } catch (error) {
      const reason = this.#undo(error)
      settle = jobs.map((job) => () => job.reject(reason))
    }
    for (const done of settle) done()
  }

  /** Runs `work` in a transaction of its own, now. A savepoint would keep a copy of each page that it changes. */
  alone<T>(work: () => T): T {
    this.flush()
    try {
      this.#begin()
      const value = work()
      this.#db.exec('COMMIT')
      return value
    } catch (error) {
      throw this.#undo(error)
    }
  }

  #begin(): void {
    this.#reads.end()
    this.#db.exec('BEGIN IMMEDIATE')
  }

  /** Gives the reason for whoever waits. */
  #undo(error: unknown): unknown {
    if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('ROLLBACK')
    return toStoreError(error)
  }

  /** Does one job in a savepoint; its answer must wait for the commit. */
  #attempt({ work, resolve, reject }: Job): () => void {
    this.#db.exec('SAVEPOINT job')
    try {
      const value = work()
      this.#db.exec('RELEASE job')
      return () => resolve(value)
    } catch (error) {
      // Some errors (disk full, I/O) have SQLite roll back all by itself: then nothing of this group can be kept.
      if (!this.#db.isTransaction) throw error
      this.#db.exec('ROLLBACK TO job; RELEASE job')
      const reason = toStoreError(error)
      return () => reject(reason)
    }
  }
}
