// The lines of the last authentications, so that the second part of one finds the first without a question to the store.
import type { EventRow } from '../store/contract.ts'
import { assemble, type Known } from './parts.ts'

const REMEMBERED = 4096
/** Of one authentication; a gateway may repeat what it asks. */
const LINES = 4

interface Entry {
  readonly rows: EventRow[]
  /** Whether it was shown. */
  isTold: boolean
}

export class Recent {
  readonly #entries = new Map<string, Entry>()

  add(row: EventRow): void {
    if (row.session === null) return
    const entry = this.#entries.get(keyOf(row))
    if (entry === undefined) this.#remember(row)
    else if (entry.rows.length < LINES) entry.rows.push(row)
  }

  /** What is known of the authentication that a line is about, and is told now; undefined where only its second part is known. */
  tell(row: EventRow): Known | undefined {
    const entry = this.#entries.get(keyOf(row))
    const rows = row.session === null || entry === undefined ? [row] : entry.rows
    if (!rows.some(({ type }) => type === 'authentication')) return undefined
    if (entry) entry.isTold = true
    return assemble(rows)[0]
  }

  isTold(row: EventRow): boolean {
    return this.#entries.get(keyOf(row))?.isTold ?? false
  }

  clear(): void {
    this.#entries.clear()
  }

  #remember(row: EventRow): void {
    this.#entries.set(keyOf(row), { rows: [row], isTold: false })
    if (this.#entries.size <= REMEMBERED) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}

function keyOf({ gateway, session }: EventRow): string {
  return `${gateway} ${session}`
}
