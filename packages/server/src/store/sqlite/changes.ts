// The log of changes, on one SQLite connection. Triggers write it (migrations.ts, step 6), so nothing can forget to.
import type { ChangeRow, ChangeStore } from '../contract-changes.ts'
import { OperatorPart } from './operator.ts'
import { row } from './rows.ts'

export class ChangesPart extends OperatorPart implements ChangeStore {
  newestLines(): Promise<{ revocation: number; change: number }> {
    return this.connection.read(({ newestLines }) => row(newestLines.get()))
  }

  changesSince(seq: number, limit: number): Promise<ChangeRow[]> {
    return this.connection.read(({ changesSince }) => changesSince.all(seq, limit) as unknown as ChangeRow[])
  }
}
