// Pairing tickets and how far each has come: docs/protocol.md section 4.3. A ticket is fresh, then assigned (to a device
// nonce, with a 2nd seed), then used. Written by `gateway pair` (a new ticket) and by the running gateway (the rest).

import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { SEED_OCTETS } from '@opencpns/protocol'
import { corrupt, inTransaction } from './database.ts'
import type { Seal } from './seal.ts'

/** An assignment that was never confirmed, and a ticket past its time, are forgotten after this long. */
const FORGET_AFTER_MS = 3_600_000
/** Tickets that may be there at once. */
const TICKETS_MAX = 10_000

export interface Ticket {
  /** 16 octets */
  readonly ticketId: Uint8Array
  /** 16 octets or more */
  readonly secret: Uint8Array
  /** What a person called the PNE. */
  readonly name?: string | undefined
  readonly expiresAtS: number
}

/** Where a ticket stands for one device nonce. `assigned`: now, or in an earlier attempt of the same device. */
export type TicketState = { is: 'assigned'; secondSeed: Uint8Array } | { is: 'used' } | { is: 'expired' }

export class TicketStore {
  readonly #db: DatabaseSync
  readonly #seal: Seal

  constructor(db: DatabaseSync, seal: Seal) {
    this.#db = db
    this.#seal = seal
  }

  /** Adds a ticket, durably; forgets the oldest where there are too many. */
  add({ ticketId, secret, name, expiresAtS }: Ticket): void {
    const sealed = this.#seal.close('ticket secret', ticketId, secret)
    inTransaction(this.#db, () => {
      this.#db
        .prepare('INSERT INTO tickets (ticket_id, sealed_secret, name, expires_at) VALUES (?, ?, ?, ?)')
        .run(ticketId, sealed, name ?? null, expiresAtS)
      this.#db
        .prepare(
          `DELETE FROM tickets WHERE ticket_id IN
           (SELECT ticket_id FROM tickets WHERE ticket_id <> ? ORDER BY expires_at DESC LIMIT -1 OFFSET ?)`,
        )
        .run(ticketId, TICKETS_MAX - 1)
    })
  }

  /** Tickets that may still be used. */
  count(nowMs: number): number {
    const select = this.#db.prepare(
      'SELECT count(*) AS count FROM tickets WHERE used_at IS NULL AND expires_at * 1000 > ?',
    )
    return Number(select.get(nowMs)?.['count'])
  }

  /** A ticket, fresh, used or expired. @throws {GatewayError} DATABASE_CORRUPT */
  find(ticketId: Uint8Array): Ticket | undefined {
    const row = this.#db.prepare('SELECT * FROM tickets WHERE ticket_id = ?').get(ticketId)
    if (!row) return undefined
    try {
      return {
        ticketId,
        secret: this.#seal.open('ticket secret', ticketId, row['sealed_secret'] as Uint8Array),
        name: (row['name'] as string | null) ?? undefined,
        expiresAtS: Number(row['expires_at']),
      }
    } catch (cause) {
      throw corrupt({ cause })
    }
  }

  /**
   * Gives the ticket to a device: the same 2nd seed to the same nonce, a new one to another nonce, whose predecessor's pending
   * EUKey is dropped. Durable when it returns.
   */
  assign(ticketId: Uint8Array, deviceNonce: Uint8Array, nowMs: number): TicketState {
    return inTransaction(this.#db, () => {
      const row = this.#db.prepare('SELECT * FROM tickets WHERE ticket_id = ?').get(ticketId)
      if (!row) return { is: 'expired' }
      const sameDevice = row['device_nonce'] !== null && equal(row['device_nonce'] as Uint8Array, deviceNonce)
      if (row['used_at'] !== null && !sameDevice) return { is: 'used' }
      if (nowMs >= Number(row['expires_at']) * 1000) return { is: 'expired' }
      if (sameDevice) return { is: 'assigned', secondSeed: row['second_seed'] as Uint8Array }
      const secondSeed = randomBytes(SEED_OCTETS)
      this.#dropPending(row['second_seed'] as Uint8Array | null)
      this.#db
        .prepare('UPDATE tickets SET device_nonce = ?, second_seed = ? WHERE ticket_id = ?')
        .run(deviceNonce, secondSeed, ticketId)
      return { is: 'assigned', secondSeed }
    })
  }

  /** Whether the ticket still holds this assignment: no other device has taken it over, no revocation ended it. */
  holds(ticketId: Uint8Array, secondSeed: Uint8Array): boolean {
    const holds = this.#db.prepare('SELECT 1 FROM tickets WHERE ticket_id = ? AND second_seed = ?')
    return holds.get(ticketId, secondSeed) !== undefined
  }

  /** EUKey active and ticket used, at once and durably. False where the ticket or the key is no longer that of this 2nd seed. */
  complete(ticketId: Uint8Array, secondSeed: Uint8Array, nowMs: number): boolean {
    return inTransaction(this.#db, () => {
      if (!this.holds(ticketId, secondSeed)) return false
      const activate = `UPDATE eu_keys SET state = 'active' WHERE second_seed = ?`
      if (this.#db.prepare(activate).run(secondSeed).changes === 0) return false
      const use = 'UPDATE tickets SET used_at = coalesce(used_at, ?) WHERE ticket_id = ?'
      this.#db.prepare(use).run(nowMs, ticketId)
      return true
    })
  }

  /** Forgets tickets and pending EUKeys that are long past their time; those of a rotation stay: a PNE may hold them. */
  forgetOld(nowMs: number): void {
    const before = nowMs - FORGET_AFTER_MS
    inTransaction(this.#db, () => {
      this.#db.prepare('DELETE FROM tickets WHERE expires_at < ?').run(Math.floor(before / 1000))
      this.#db
        .prepare(
          `DELETE FROM eu_keys WHERE state = 'pending' AND created_at < ?
           AND second_seed NOT IN (SELECT successor FROM eu_keys WHERE successor IS NOT NULL)`,
        )
        .run(before)
    })
  }

  #dropPending(secondSeed: Uint8Array | null): void {
    if (!secondSeed) return
    this.#db.prepare(`DELETE FROM eu_keys WHERE second_seed = ? AND state = 'pending'`).run(secondSeed)
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
