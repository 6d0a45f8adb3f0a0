// The outbox: reports of presence for the CPNS Server, numbered from 1 in the order in which things happened, until the server
// has counted them (docs/protocol.md section 4.4, Registrations). It also knows which sessions were reported as begun, so
// that the next start can report the end of those which a crash ended.

import type { DatabaseSync } from 'node:sqlite'
import { type Case, encode, REGISTRATIONS_MAX, RegistrationKind, RegistrationReport } from '@opencpns/protocol'
import { inTransaction } from './database.ts'

/** About 100 MB. Above it a session that begins is not reported, and so not its end either. */
const REPORTS_MAX = 1_000_000

/** A presence session. */
export interface PresenceSession {
  /** 16 octets */
  readonly sessionId: Uint8Array
  /** 32 octets */
  readonly secondSeed: Uint8Array
  readonly case: Case
}

/** What happened to a session; `atMs` in milliseconds since the epoch. */
export interface PresenceFact {
  readonly kind: keyof typeof RegistrationKind
  readonly session: PresenceSession
  readonly atMs: number
}

/** Reports as they are sent, numbered from `first`. */
export interface ReportBatch {
  readonly first: number
  readonly reports: readonly Uint8Array[]
}

/** Every change is durable when its method returns. @throws {GatewayError} DATABASE_…: then nothing has changed */
export class Outbox {
  readonly #db: DatabaseSync
  readonly #max: number
  readonly #statements: ReturnType<typeof prepareAll>
  /** The number of the last report, and of the last that the server counted, as far as the disk knows. */
  #last: number
  #counted: number
  #length: number

  constructor(db: DatabaseSync, { max = REPORTS_MAX }: { max?: number } = {}) {
    this.#db = db
    this.#max = max
    this.#statements = prepareAll(db)
    const { newest, length } = this.#statements.extent.get() as { newest: number | null; length: number }
    this.#counted = Number(this.#statements.counted.get()?.['value'] ?? 0)
    this.#last = Math.max(newest ?? 0, this.#counted)
    this.#length = length
  }

  /** Reports that the server has not counted. */
  get length(): number {
    return this.#length
  }

  /** The last report has this number. */
  get last(): number {
    return this.#last
  }

  /** The last report that the server has counted has this number. */
  get counted(): number {
    return this.#counted
  }

  /** Adds the facts, in their order, and drops what the server has counted. Gives how many it had no room for. */
  record(facts: readonly PresenceFact[], counted: number): number {
    const place = { last: this.#last, length: this.#length }
    let refused = 0
    if (facts.length === 0 && counted <= this.#counted) return refused
    inTransaction(this.#db, () => {
      if (counted > this.#counted) {
        place.length -= Number(this.#statements.drop.run(counted).changes)
        this.#statements.noteCounted.run(counted)
      }
      for (const fact of facts) if (!this.#add(fact, place)) refused++
    })
    this.#counted = Math.max(this.#counted, counted)
    this.#last = place.last
    this.#length = place.length
    return refused
  }

  /** Up to 64 reports, those after number `counted`; undefined when there are none. */
  after(counted: number): ReportBatch | undefined {
    const rows = this.#statements.after.all(counted, REGISTRATIONS_MAX)
    if (rows.length === 0) return undefined
    return { first: Number(rows[0]?.['number']), reports: rows.map((row) => row['report'] as Uint8Array) }
  }

  /** The end of each session that was open when the gateway last stopped without saying so. Gives their number. */
  endAll(atMs: number): number {
    const facts = this.#open().map((session) => ({ kind: 'ended', session, atMs }) as const)
    this.record(facts, this.#counted)
    return facts.length
  }

  /**
   * The server counts from another number than this outbox: one of the two was restored from a backup, or lost. What is here
   * is numbered after that number, and the sessions that are open are reported once more.
   */
  continueAfter(counted: number, atMs: number): void {
    const { shift, unshift, noteCounted } = this.#statements
    const by = counted - this.#counted
    inTransaction(this.#db, () => {
      shift.run(by)
      unshift.run()
      noteCounted.run(counted)
    })
    this.#last += by
    this.#counted = counted
    const open = this.#open().map((session) => ({ kind: 'began', session, atMs }) as const)
    this.record(open, counted)
  }

  #add({ kind, session, atMs }: PresenceFact, place: { last: number; length: number }): boolean {
    const { sessionId, secondSeed, case: which } = session
    const { addOpen, dropOpen, add } = this.#statements
    if (kind === 'began') {
      if (place.length >= this.#max) return false
      addOpen.run(sessionId, secondSeed, which)
    } else if (dropOpen.run(sessionId).changes === 0) {
      return true // its beginning was not reported either
    }
    const report = encode(RegistrationReport, { kind: RegistrationKind[kind], ...session, atMs })
    add.run(++place.last, report)
    place.length++
    return true
  }

  #open(): PresenceSession[] {
    return this.#statements.open.all().map((row) => ({
      sessionId: row['session_id'] as Uint8Array,
      secondSeed: row['second_seed'] as Uint8Array,
      case: Number(row['case']) as Case,
    }))
  }
}

function prepareAll(db: DatabaseSync) {
  return {
    extent: db.prepare('SELECT max(number) AS newest, count(*) AS length FROM outbox'),
    counted: db.prepare(`SELECT value FROM meta WHERE name = 'reportsCounted'`),
    noteCounted: db.prepare(`INSERT OR REPLACE INTO meta (name, value) VALUES ('reportsCounted', ?)`),
    add: db.prepare('INSERT INTO outbox (number, report) VALUES (?, ?)'),
    after: db.prepare('SELECT number, report FROM outbox WHERE number > ? ORDER BY number LIMIT ?'),
    drop: db.prepare('DELETE FROM outbox WHERE number <= ?'),
    // In two steps, for a number must never be there twice.
    shift: db.prepare('UPDATE outbox SET number = -(number + ?)'),
    unshift: db.prepare('UPDATE outbox SET number = -number'),
    open: db.prepare('SELECT session_id, second_seed, "case" FROM presences'),
    addOpen: db.prepare('INSERT OR REPLACE INTO presences (session_id, second_seed, "case") VALUES (?, ?, ?)'),
    dropOpen: db.prepare('DELETE FROM presences WHERE session_id = ?'),
  }
}
