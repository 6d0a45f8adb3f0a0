// Audit: who changed what, from where, and whether it was done.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { query } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { AuditRow } from '../api/types.ts'
import { useChanges, useResource } from '../live/resource.ts'
import { search, setSearch } from '../live/router.ts'
import { Badge, Button, Empty, Heading, Time } from '../parts/basics.tsx'
import { Pending, Table } from '../parts/list.tsx'

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
  const before = useSignal<readonly number[]>([])
  const rows = useResource<{ items: readonly AuditRow[] }>(
    `/v1/audit${query({ ...filter, before: before.value.at(-1), limit: PAGE })}`,
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
            { title: 'From', of: ({ from }) => <span class="mono">{from}</span>, isWide: true },
            { title: 'Outcome', of: ({ outcome }) => <Outcome of={outcome} /> },
          ]}
        />
      )}
      <nav class="pages" aria-label="Pages of the list">
        <Button
          icon="back"
          isDisabled={before.value.length === 0}
          onClick={() => {
            before.value = before.value.slice(0, -1)
          }}
        >
          Newer
        </Button>
        <Button
          isDisabled={items.length < PAGE || last === undefined}
          onClick={() => {
            if (last) before.value = [...before.value, last.id]
          }}
        >
          Older
        </Button>
      </nav>
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
      <span class="sub">{role}</span>
    </>
  )
}

function What({ of: { action, target, facts } }: { of: AuditRow }): JSX.Element {
  return (
    <>
      {action} {target !== null && <bdi class="mono">{target}</bdi>}
      {facts !== null && facts !== undefined && (
        <span class="sub mono wide-only">{typeof facts === 'string' ? facts : JSON.stringify(facts)}</span>
      )}
    </>
  )
}

function Outcome({ of }: { of: string | null }): JSX.Element {
  if (of === null) return <Badge tone="warn">unknown</Badge>
  return <Badge tone={of === 'done' ? 'good' : 'bad'}>{of}</Badge>
}
