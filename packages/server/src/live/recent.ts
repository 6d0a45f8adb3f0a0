// The lines of the last authentications, so that the second part of one finds the first without a question to the store.
import type { EventRow } from '../store/contract.ts'
import { assemble, type Known } from './parts.ts'

const REMEMBERED = 4096
/** Of one authentication; a gateway may repeat what it asks. */
const LINES = 4

export class Recent {
  readonly #rows = new Map<string, EventRow[]>()

  add(row: EventRow): void {
    if (row.session === null) return
    const rows = this.#rows.get(keyOf(row))
    if (rows === undefined) this.#remember(row)
    else if (rows.length < LINES) rows.push(row)
  }

  /** What is known of the authentication that a line is about; undefined where only the second part of it is. */
  knownOf(row: EventRow): Known | undefined {
    const rows = row.session === null ? [row] : (this.#rows.get(keyOf(row)) ?? [row])
    return rows.some(({ type }) => type === 'authentication') ? assemble(rows)[0] : undefined
  }

  clear(): void {
    this.#rows.clear()
  }

  #remember(row: EventRow): void {
    this.#rows.set(keyOf(row), [row])
    if (this.#rows.size <= REMEMBERED) return
    for (const oldest of this.#rows.keys()) {
      this.#rows.delete(oldest)
      return
    }
  }
}

function keyOf({ gateway, session }: EventRow): string {
  return `${gateway} ${session}`
}
