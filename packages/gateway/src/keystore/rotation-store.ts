// How far the rotation of each key has come: docs/protocol.md section 4.2. A key names its successor, first by a 2nd seed alone,
// then the successor is pending, then active; when it was used the old one is retired, until the server has heard of it too.

import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { revocationTag, SEED_OCTETS } from '@opencpns/protocol'
import type { AssignedKey } from '../upstream/upstream.ts'
import { corrupt, inTransaction } from './database.ts'
import type { KeyStore } from './key-store.ts'
import type { Seal } from './seal.ts'

/** Retired keys that are read at once. */
const RETIRED_MAX = 1000

/** An active key that a rotation may begin with, or has begun with. */
export interface RotatingKey {
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Of the 1st seed; unknown of keys that older servers and gateways assigned. */
  readonly generation: number | undefined
  /** The 2nd seed of its successor, and whether that is active. */
  readonly successor: { readonly secondSeed: Uint8Array; readonly active: boolean } | undefined
  /** An operator asked for its rotation. */
  readonly asked: boolean
}

/** What changes something is durable when it returns. @throws {GatewayError} DATABASE_…: then nothing has changed */
export class RotationStore {
  readonly #db: DatabaseSync
  readonly #seal: Seal
  readonly #keys: KeyStore
  readonly #statements: ReturnType<typeof prepareAll>
  readonly #now: () => number

  /** @param keys  who has keys in memory */
  constructor(db: DatabaseSync, seal: Seal, keys: KeyStore, now = Date.now) {
    this.#db = db
    this.#seal = seal
    this.#keys = keys
    this.#statements = prepareAll(db)
    this.#now = now
  }

  /** Undefined of a key that is not active. */
  find(secondSeed: Uint8Array): RotatingKey | undefined {
    const row = this.#statements.find.get(secondSeed)
    if (!row) return undefined
    const successor = row['successor'] as Uint8Array | null
    return {
      createdAt: Number(row['created_at']),
      generation: (row['generation'] as number | null) ?? undefined,
      successor: successor ? { secondSeed: successor, active: row['successor_state'] === 'active' } : undefined,
      asked: row['rotation_asked'] === 1,
    }
  }

  /** The key of this PNE is to be rotated. Gives the 2nd seeds of those keys that no rotation has begun with yet. */
  ask(pneId: string): Uint8Array[] {
    const asked = inTransaction(this.#db, () => this.#statements.ask.all(pneId))
    return asked.map((row) => row['second_seed'] as Uint8Array)
  }

  /** The 2nd seed of the successor: made now, or at an earlier attempt. Undefined when the key is not active. */
  begin(secondSeed: Uint8Array): Uint8Array | undefined {
    const { successor } = this.find(secondSeed) ?? {}
    if (successor) return successor.secondSeed
    const made = randomBytes(SEED_OCTETS)
    const { changes } = inTransaction(this.#db, () => this.#statements.begin.run(made, secondSeed))
    return changes > 0 ? made : undefined
  }

  /** The successor as the server assigned it, pending. False when the old key was retired or revoked meanwhile. */
  storeSuccessor(secondSeed: Uint8Array, successor: Uint8Array, assigned: AssignedKey): boolean {
    const { pneId, user = null, generation = null, euKey } = assigned
    const tag = revocationTag(successor)
    const sealed = this.#seal.close('eukey', successor, euKey)
    const { changes } = inTransaction(this.#db, () =>
      this.#statements.storeSuccessor.run({
        successor,
        tag,
        pneId,
        user,
        generation,
        sealed,
        createdAt: this.#now(),
        secondSeed,
      }),
    )
    return changes > 0
  }

  /** The EUKey of a key, pending or active. */
  euKeyOf(secondSeed: Uint8Array): Uint8Array | undefined {
    const row = this.#statements.sealed.get(secondSeed)
    if (!row) return undefined
    try {
      return this.#seal.open('eukey', secondSeed, row['sealed'] as Uint8Array)
    } catch (cause) {
      throw corrupt({ cause })
    }
  }

  /** A pending successor becomes active. False when there is none. */
  activate(successor: Uint8Array): boolean {
    if (!this.#statements.pending.get(successor)) return false
    return inTransaction(this.#db, () => this.#statements.activate.run(successor)).changes > 0
  }

  /** Retires the keys that this active one was made to replace, and destroys their EUKeys. Gives their number. */
  retireReplacedBy(secondSeed: Uint8Array): number {
    const retired = inTransaction(this.#db, () => this.#statements.retire.all(secondSeed))
    for (const row of retired) this.#keys.forgetOpened(row['second_seed'] as Uint8Array)
    this.#keys.forgetOpened(secondSeed)
    return retired.length
  }

  /** Retired keys that the server is to hear of. */
  retired(): Uint8Array[] {
    return this.#statements.retired.all(RETIRED_MAX).map((row) => row['second_seed'] as Uint8Array)
  }

  /** The server has heard of it. */
  forgetRetired(secondSeed: Uint8Array): void {
    inTransaction(this.#db, () => this.#statements.forgetRetired.run(secondSeed))
  }
}

function prepareAll(db: DatabaseSync) {
  return {
    find: db.prepare(
      `SELECT k.created_at, k.generation, k.successor, k.rotation_asked, s.state AS successor_state
       FROM eu_keys k LEFT JOIN eu_keys s ON s.second_seed = k.successor WHERE k.second_seed = ? AND k.state = 'active'`,
    ),
    ask: db.prepare(
      `UPDATE eu_keys SET rotation_asked = 1 WHERE pne_id = ? AND state = 'active' AND successor IS NULL
       RETURNING second_seed`,
    ),
    begin: db.prepare(
      `UPDATE eu_keys SET successor = ? WHERE second_seed = ? AND state = 'active' AND successor IS NULL`,
    ),
    storeSuccessor: db.prepare(
      `INSERT INTO eu_keys (second_seed, revocation_tag, pne_id, user, generation, sealed, state, created_at)
       SELECT :successor, :tag, :pneId, :user, :generation, :sealed, 'pending', :createdAt
       WHERE EXISTS (SELECT 1 FROM eu_keys WHERE second_seed = :secondSeed AND state = 'active' AND successor = :successor)
       ON CONFLICT (second_seed) DO UPDATE SET user = excluded.user, generation = excluded.generation,
         sealed = excluded.sealed, created_at = excluded.created_at
       WHERE state = 'pending'`,
    ),
    sealed: db.prepare(`SELECT sealed FROM eu_keys WHERE second_seed = ? AND state <> 'retired'`),
    pending: db.prepare(
      `SELECT 1 FROM eu_keys WHERE second_seed = ?1 AND state = 'pending'
       AND EXISTS (SELECT 1 FROM eu_keys WHERE successor = ?1)`,
    ),
    activate: db.prepare(`UPDATE eu_keys SET state = 'active' WHERE second_seed = ? AND state = 'pending'`),
    retire: db.prepare(
      `UPDATE eu_keys SET state = 'retired', sealed = NULL, successor = NULL WHERE successor = ? RETURNING second_seed`,
    ),
    retired: db.prepare(`SELECT second_seed FROM eu_keys WHERE state = 'retired' LIMIT ?`),
    forgetRetired: db.prepare(`DELETE FROM eu_keys WHERE second_seed = ? AND state = 'retired'`),
  }
}
