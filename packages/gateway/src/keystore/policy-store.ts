// What the server wants this gateway to hold to (PolicyNotice, docs/protocol.md section 4.4). It must also hold while the
// server is away, so it is on the disk.

import type { DatabaseSync } from 'node:sqlite'

export interface Policy {
  /** Of the newest 1st seed of the gateway's user; undefined before the server first said it. */
  readonly generation?: number | undefined
  /** Whether PNEs may come in the remote case. */
  readonly visitors: boolean
  /** Sessions that a PNE of the gateway's user may have at once; undefined for no limit. */
  readonly sessionsMax?: number | undefined
}

const unsaid: Policy = { visitors: true }

export class PolicyStore {
  readonly #db: DatabaseSync
  #current: Policy

  constructor(db: DatabaseSync) {
    this.#db = db
    const row = db.prepare(`SELECT value FROM meta WHERE name = 'policy'`).get()
    this.#current = row ? JSON.parse(String(row['value'])) : unsaid
  }

  get current(): Policy {
    return this.#current
  }

  /** Durable when it returns; in memory it holds from now on in any case. */
  note({ generation, visitors, sessionsMax }: Policy): void {
    const policy = JSON.stringify({ generation, visitors, sessionsMax })
    if (policy === JSON.stringify(this.#current)) return
    this.#current = JSON.parse(policy)
    this.#db.prepare(`INSERT OR REPLACE INTO meta (name, value) VALUES ('policy', ?)`).run(policy)
  }
}
