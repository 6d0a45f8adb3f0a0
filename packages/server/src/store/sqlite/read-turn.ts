// One read transaction for all look-ups of one turn of the event loop. Opening and closing one costs as much as several
// look-ups, and an authentication makes more than one; under load many authentications share a turn.
import type { DatabaseSync, StatementSync } from 'node:sqlite'

export class ReadTurn {
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #open = false

  constructor(db: DatabaseSync) {
    this.#begin = db.prepare('BEGIN')
    this.#commit = db.prepare('COMMIT')
  }

  /** Opens the transaction of this turn, unless it is open. It sees what was committed before. */
  enter(): void {
    if (this.#open) return
    this.#begin.run()
    this.#open = true
    setImmediate(this.end)
  }

  /** Ends it: at the end of the turn, or earlier for whoever writes. */
  readonly end = (): void => {
    if (!this.#open) return
    this.#open = false
    this.#commit.run()
  }
}
