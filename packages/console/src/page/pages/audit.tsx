// Audit: who changed what, from where, and whether it was done.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { query } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { AuditRow } from '../api/types.ts'
import { useChanges, useResource } from '../live/resource.ts'
import { search, setSearch } from '../live/router.ts'
import { Badge, Empty, Heading, Time } from '../parts/basics.tsx'
import { Pages, Pending, Table } from '../parts/list.tsx'

const PAGE = 50

export function Audit(): JSX.Element {
  return (
    <>
      <Heading
        title="Audit"
        intro="Each change that an operator asked for, newest first. Nothing here is ever taken away by the console."
      />
      {may('operator') ? <Log /> : <Empty title="Your token may not read the audit log" />}
    </>
  )
}

function Log(): JSX.Element {
  const value = (name: string) => search.value.get(name) ?? ''
  const filter = { actor: value('actor'), action: value('action'), target: value('target') }
  const key = query(filter)
  const place = useSignal<{ key: string; before: readonly number[] }>({ key, before: [] })
  // Another filter begins at the first page again.
  const before = place.value.key === key ? place.value.before : []
  const rows = useResource<{ items: readonly AuditRow[] }>(
    `/v1/audit${query({ ...filter, before: before.at(-1), limit: PAGE })}`,
  )
  useChanges(['changes'], rows.reload)
  const items = rows.data?.items ?? []
  const last = items.at(-1)
  return (
    <>
      <search class="filters">
        <Words name="actor" label="Who" />
        <Words name="action" label="Action" />
        <Words name="target" label="Target" />
      </search>
      <Pending of={rows} />
      {rows.data && items.length === 0 && <Empty title="Nothing is written here" />}
      {items.length > 0 && (
        <Table<AuditRow>
          caption="Audit log"
          rows={items}
          keyOf={({ id }) => id}
          columns={[
            { title: 'When', of: ({ at }) => <Time at={at} /> },
            { title: 'Who', of: (row) => <Who of={row} /> },
            { title: 'What', of: (row) => <What of={row} /> },
            { title: 'From', of: ({ from }) => <span class="mono whole">{from}</span> },
            { title: 'Outcome', of: ({ outcome }) => <Outcome of={outcome} /> },
          ]}
        />
      )}
      <Pages
        of={{
          hasNewer: before.length > 0,
          hasOlder: items.length === PAGE,
          newer: () => {
            place.value = { key, before: before.slice(0, -1) }
          },
          older: () => {
            if (last) place.value = { key, before: [...before, last.id] }
          },
        }}
      />
    </>
  )
}

function Words({ name, label }: { name: string; label: string }): JSX.Element {
  return (
    <label class="choice">
      <span>{label}</span>
      <input
        type="text"
        value={search.value.get(name) ?? ''}
        onChange={(event) => setSearch({ [name]: event.currentTarget.value.trim() })}
        maxLength={128}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  )
}

function Who({ of: { actor, role } }: { of: AuditRow }): JSX.Element {
  return (
    <>
      <bdi>{actor}</bdi>
      <span class="sub whole">{role}</span>
    </>
  )
}

function What({ of: { action, target, facts } }: { of: AuditRow }): JSX.Element {
  return (
    <>
      {action} {target !== null && <bdi class="mono">{target}</bdi>}
      {facts !== null && facts !== undefined && (
        <span class="sub mono">{typeof facts === 'string' ? facts : JSON.stringify(facts)}</span>
      )}
    </>
  )
}

function Outcome({ of }: { of: string | null }): JSX.Element {
  if (of === null) return <Badge tone="warn">unknown</Badge>
  return <Badge tone={of === 'done' ? 'good' : 'bad'}>{of}</Badge>
}
