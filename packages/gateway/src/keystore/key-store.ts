// The EUKeys that this gateway assigned: sealed in the database, and a bounded number of them opened in memory for step 2.
// Only a running gateway writes them, and it alone: the data folder's lock sees to that, so memory and file agree.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { deriveLocalKey, revocationTag } from '@opencpns/protocol'
import type { AssignedKey } from '../upstream/upstream.ts'
import { corrupt, inTransaction } from './database.ts'
import type { Seal } from './seal.ts'

/** Opened keys in memory: about 300 octets each. */
const OPENED_MAX = 10_000

/** How long the number of a revocation that does not concern this gateway may wait for the disk. */
const NOTE_AFTER_MS = 1000

/** An active EUKey as step 2 finds it. */
export interface HeldKey {
  readonly pneId: string
  /** The end user whose PNE it is; unknown of keys that older servers and gateways assigned. */
  readonly user: string | undefined
  /** The local session key, 32 octets: what step 7 starts from. */
  readonly localKey: Uint8Array
  /** 32 octets in hex. */
  readonly tag: string
  /** Whether it was made to replace another key, which is still active. */
  readonly replaces: boolean
}

export class KeyStore {
  readonly #db: DatabaseSync
  readonly #seal: Seal
  readonly #opened = new Map<string, HeldKey>()
  /** What may not be on the disk yet. */
  #revokedUpTo: number | undefined
  #noteTimer: NodeJS.Timeout | undefined
  readonly #selectActive: StatementSync
  readonly #selectByTag: StatementSync
  readonly #selectRevokedUpTo: StatementSync
  readonly #upsertRevokedUpTo: StatementSync
  readonly #insertPending: StatementSync
  readonly #select: StatementSync
  readonly #selectReplaced: StatementSync

  constructor(db: DatabaseSync, seal: Seal) {
    this.#db = db
    this.#seal = seal
    const columns = 'SELECT pne_id, user, generation, sealed, revocation_tag FROM eu_keys WHERE second_seed = ?'
    this.#select = db.prepare(columns)
    this.#selectActive = db.prepare(`${columns} AND state = 'active'`)
    this.#selectRevokedUpTo = db.prepare(`SELECT value FROM meta WHERE name = 'revokedUpTo'`)
    this.#upsertRevokedUpTo = db.prepare(`INSERT OR REPLACE INTO meta (name, value) VALUES ('revokedUpTo', ?)`)
    this.#selectByTag = db.prepare('SELECT second_seed FROM eu_keys WHERE revocation_tag = ?')
    this.#selectReplaced = db.prepare('SELECT 1 FROM eu_keys WHERE successor = ?')
    this.#insertPending = db.prepare(
      `INSERT INTO eu_keys (second_seed, revocation_tag, pne_id, user, generation, sealed, state, created_at)
       VALUES (?, ?, ?, ?, ?, ?, 'pending', ?)
       ON CONFLICT (second_seed) DO UPDATE
       SET pne_id = excluded.pne_id, user = excluded.user, generation = excluded.generation, sealed = excluded.sealed`,
    )
  }

  /**
   * Step 2: the key of an active PNE that this gateway assigned, or undefined.
   * @throws {GatewayError} DATABASE_CORRUPT: the row does not open
   */
  find(secondSeed: Uint8Array): HeldKey | undefined {
    const name = Buffer.from(secondSeed.buffer, secondSeed.byteOffset, secondSeed.length).toString('latin1')
    const opened = this.#opened.get(name)
    if (opened) {
      this.#opened.delete(name)
      this.#opened.set(name, opened)
      return opened
    }
    const row = this.#selectActive.get(secondSeed)
    return row && this.#remember(name, this.#openActive(secondSeed, row))
  }

  /** What was assigned under this 2nd seed, pending or active. @throws {GatewayError} DATABASE_CORRUPT */
  findAssigned(secondSeed: Uint8Array): AssignedKey | undefined {
    const row = this.#select.get(secondSeed)
    return row && { ...ownerOf(row), euKey: this.#openRow(secondSeed, row) }
  }

  /** Stores an assignment, durably. Of one that is there already the state stays. */
  storePending(secondSeed: Uint8Array, { pneId, euKey, user, generation }: AssignedKey): void {
    const sealed = this.#seal.close('eukey', secondSeed, euKey)
    const tag = revocationTag(secondSeed)
    inTransaction(this.#db, () =>
      this.#insertPending.run(secondSeed, tag, pneId, user ?? null, generation ?? null, sealed, Date.now()),
    )
    this.forgetOpened(secondSeed)
  }

  /** What is known of this key in memory has changed in the database. */
  forgetOpened(secondSeed: Uint8Array): void {
    this.#opened.delete(Buffer.from(secondSeed).toString('latin1'))
  }

  /** Active EUKeys. */
  count(): number {
    return Number(this.#db.prepare(`SELECT count(*) AS count FROM eu_keys WHERE state = 'active'`).get()?.['count'])
  }

  /** Number of the last line of the server's revocation log that was acted on. */
  revokedUpTo(): number {
    return this.#revokedUpTo ?? Number(this.#selectRevokedUpTo.get()?.['value'] ?? 0)
  }

  /**
   * Drops the EUKeys and tickets of the PNEs with these tags, 32 octets each, and notes the number: one transaction. When none
   * of them is here, as nearly always, only the number changes, and that may wait: after a crash the lines are read again.
   */
  revoke(tags: readonly Uint8Array[], upTo: number): void {
    const seeds = tags.flatMap((tag) => (this.#selectByTag.get(tag)?.['second_seed'] as Uint8Array | undefined) ?? [])
    if (seeds.length > 0) this.#drop(seeds, upTo)
    else this.#noteTimer ??= setTimeout(() => this.#noteRevokedUpTo(), NOTE_AFTER_MS).unref()
    this.#revokedUpTo = upTo
  }

  #drop(seeds: readonly Uint8Array[], upTo: number): void {
    inTransaction(this.#db, () => {
      const dropKey = this.#db.prepare('DELETE FROM eu_keys WHERE second_seed = ?')
      const dropTicket = this.#db.prepare('DELETE FROM tickets WHERE second_seed = ?')
      for (const secondSeed of seeds) {
        dropKey.run(secondSeed)
        dropTicket.run(secondSeed)
        this.forgetOpened(secondSeed)
      }
      this.#upsertRevokedUpTo.run(upTo)
    })
  }

  #noteRevokedUpTo(): void {
    this.#noteTimer = undefined
    if (!this.#db.isOpen || this.#revokedUpTo === undefined) return
    try {
      this.#upsertRevokedUpTo.run(this.#revokedUpTo)
    } catch {
      // the next revocation notes it
    }
  }

  #remember(name: string, held: HeldKey): HeldKey {
    this.#opened.set(name, held)
    if (this.#opened.size > OPENED_MAX) this.#opened.delete(this.#opened.keys().next().value as string)
    return held
  }

  #openActive(secondSeed: Uint8Array, row: Record<string, unknown>): HeldKey {
    return {
      ...ownerOf(row),
      localKey: deriveLocalKey(this.#openRow(secondSeed, row)),
      tag: Buffer.from(row['revocation_tag'] as Uint8Array).toString('hex'),
      replaces: this.#selectReplaced.get(secondSeed) !== undefined,
    }
  }

  #openRow(secondSeed: Uint8Array, row: Record<string, unknown>): Buffer {
    try {
      return this.#seal.open('eukey', secondSeed, row['sealed'] as Uint8Array)
    } catch (cause) {
      throw corrupt({ cause })
    }
  }
}

function ownerOf(row: Record<string, unknown>): { pneId: string; user: string | undefined } {
  return { pneId: String(row['pne_id']), user: (row['user'] as string | null) ?? undefined }
}
