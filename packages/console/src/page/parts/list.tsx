// Lists: a table with its search, filters and pages. On a narrow screen each row stands for itself, its columns one below the
// other by their names, and those that a detail page has as well fall away.
import type { ComponentChildren, JSX, TargetedInputEvent } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { Paged, Resource } from '../live/resource.ts'
import { search, setSearch } from '../live/router.ts'
import { Button, Problem } from './basics.tsx'
import { Icon } from './icons.tsx'

interface Column<T> {
  readonly title: string
  readonly of: (row: T) => ComponentChildren
  /** Shown only where there is room for it. */
  readonly isWide?: boolean
  readonly isNumber?: boolean
}

interface TableProps<T> {
  /** What the table lists: its caption. */
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string | number
}

export function Table<T>({ caption, columns, rows, keyOf }: TableProps<T>): JSX.Element {
  return (
    <table class="rows">
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" class={classOf(column)}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) => (
              <td key={column.title} class={classOf(column)} data-title={column.title}>
                {column.of(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function classOf<T>({ isWide, isNumber }: Column<T>): string {
  return [isWide && 'wide', isNumber && 'number'].filter(Boolean).join(' ')
}

interface PagedTableProps<T> extends Omit<TableProps<T>, 'rows'> {
  readonly of: Paged<T>
  readonly empty: ComponentChildren
}

export function PagedTable<T>({ of, empty, ...table }: PagedTableProps<T>): JSX.Element {
  const rows = of.data?.items ?? []
  return (
    <div class="list" aria-busy={of.isLoading}>
      <Problem of={of.problem} onRetry={of.reload} />
      {rows.length > 0 && <Table {...table} rows={rows} />}
      {of.data && rows.length === 0 && !of.isOld && empty}
      {!of.data && of.isLoading && <Waiting />}
      <Pages of={of} />
    </div>
  )
}

/** From one page of a list to the next, where there is more than one. */
export function Pages({ of }: { of: Pick<Paged<unknown>, 'hasNewer' | 'hasOlder' | 'newer' | 'older'> }) {
  if (!of.hasNewer && !of.hasOlder) return null
  return (
    <nav class="pages" aria-label="Pages of the list">
      <Button icon="back" isDisabled={!of.hasNewer} onClick={of.newer}>
        Newer
      </Button>
      <Button isDisabled={!of.hasOlder} onClick={of.older}>
        Older
        <Icon name="forward" />
      </Button>
    </nav>
  )
}

/** Lines where the text will be. */
export function Waiting(): JSX.Element {
  return (
    <div class="waiting" role="status">
      <span class="hidden">Loading</span>
      <i />
      <i />
      <i />
    </div>
  )
}

/** What a detail page shows until there is something to show. */
export function Pending({ of }: { of: Pick<Resource<unknown>, 'data' | 'problem' | 'reload'> }): JSX.Element | null {
  if (of.problem) return <Problem of={of.problem} onRetry={of.reload} />
  return of.data === undefined ? <Waiting /> : null
}

const TYPING_MS = 200

/** Searches as somebody types, once they pause; the words are in the query of the page. */
export function Search({ label }: { label: string }): JSX.Element {
  const id = useId()
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const type = (event: TargetedInputEvent<HTMLInputElement>) => {
    const { value } = event.currentTarget
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setSearch({ q: value.trim() }), TYPING_MS)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <div class="search">
      <label class="hidden" for={id}>
        {label}
      </label>
      <Icon name="search" />
      <input
        id={id}
        type="search"
        data-search
        placeholder={label}
        defaultValue={search.value.get('q') ?? ''}
        onInput={type}
        maxLength={64}
        autocomplete="off"
        spellcheck={false}
      />
      <kbd>/</kbd>
    </div>
  )
}

interface ChoiceProps {
  readonly name: string
  readonly label: string
  /** Values and their words; the empty value is for all. */
  readonly options: readonly (readonly [string, string])[]
}

/** A filter of the list, kept in the query of the page. */
export function Choice({ name, label, options }: ChoiceProps): JSX.Element {
  return (
    <label class="choice">
      <span>{label}</span>
      <select
        value={search.value.get(name) ?? ''}
        onChange={(event) => setSearch({ [name]: event.currentTarget.value })}
      >
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

/** A filter that came with a link; here it is taken away again. */
export function Narrowed({ name, label }: { name: string; label: string }): JSX.Element | null {
  const value = search.value.get(name)
  if (!value) return null
  return (
    <span class="narrowed">
      {label} <bdi>{value}</bdi>
      <Button
        kind="quiet"
        icon="close"
        label={`All, not only ${label} ${value}`}
        onClick={() => setSearch({ [name]: '' })}
      />
    </span>
  )
}
