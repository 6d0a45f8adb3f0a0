// What the list commands have in common: a page as JSON, or as a table with a word where there is nothing.
import { note, paintFor, print, printJson } from '../../output.ts'
import { table } from '../../terminal.ts'
import type { Page } from './client.ts'

interface View<T> {
  readonly columns: readonly string[]
  readonly row: (item: T) => readonly (string | null | undefined)[]
  /** Printed when there is none, with what to do next. */
  readonly none: string
}

export function printList<T>(
  page: Pick<Page<T>, 'items'> & { next?: string | null },
  json: true | undefined,
  view: View<T>,
): void {
  if (json) printJson(page)
  else if (page.items.length === 0) note(view.none)
  else print(table(view.columns, page.items.map(view.row), paintFor(process.stdout)))
  if (page.next) note(`These are the first ${page.items.length}; there are more.`)
}
