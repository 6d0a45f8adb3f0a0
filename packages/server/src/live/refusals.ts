// The last authentications that were refused, however many were accepted since.
import type { EventRow } from '../store/contract.ts'
import { assemble, type Known } from './parts.ts'

const REMEMBERED = 20

export class Refusals {
  /** Newest last. */
  #rows: EventRow[] = []

  add(row: EventRow): void {
    this.#rows.push(row)
    if (this.#rows.length > 4 * REMEMBERED) this.#rows = this.#rows.slice(-2 * REMEMBERED)
  }

  /** Newest first. */
  last(): Known[] {
    return assemble(this.#rows).reverse().slice(0, REMEMBERED)
  }
}
