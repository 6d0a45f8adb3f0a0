// The audit log: each change that an operator asks for is written down before it is made, and its outcome after.
import type { AuditFilter, AuditRow, OperatorStore } from '../store/contract-operator.ts'

const FACTS_MAX = 4096

export class Audit {
  readonly #store: OperatorStore
  readonly #now: () => number

  constructor({ store, now }: { store: OperatorStore; now: () => number }) {
    this.#store = store
    this.#now = now
  }

  /** Gives the id of the row. @throws {StoreError} then the change must not be made */
  begin(asked: Omit<AuditRow, 'id' | 'at' | 'facts' | 'outcome'> & { facts: object | undefined }): Promise<number> {
    return this.#store.beginAudit({ ...asked, at: this.#now(), facts: written(asked.facts) ?? null })
  }

  /** @param outcome  `done`, or the code of the refusal @param facts  of the change, if more is known of it now */
  end(id: number, outcome: string, facts?: object): Promise<AuditRow | undefined> {
    return this.#store.endAudit(id, outcome, written(facts))
  }

  /** Newest first. */
  list(filter: AuditFilter): Promise<AuditRow[]> {
    return this.#store.listAudit(filter)
  }
}

/** What is too long for a line is told by its length. */
function written(facts: object | undefined): string | undefined {
  if (facts === undefined || Object.keys(facts).length === 0) return undefined
  const text = JSON.stringify(facts)
  return text.length <= FACTS_MAX ? text : JSON.stringify({ characters: text.length })
}
