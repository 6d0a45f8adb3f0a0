// What the event log has of one device or gateway.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { query } from '../api/client.ts'
import type { Event } from '../api/types.ts'
import { useChanges, useResource } from '../live/resource.ts'
import { formatMs } from '../logic/format.ts'
import { Badge, Button, Card, Time } from './basics.tsx'
import { Pending, Table } from './list.tsx'
import { GatewayLink, PneLink, ReasonWords } from './words.tsx'

const SHOWN = 25

export function History({ filter }: { filter: { pne: string } | { gateway: string } }): JSX.Element {
  const limit = useSignal(SHOWN)
  const events = useResource<{ items: readonly Event[] }>(`/v1/events${query({ ...filter, limit: limit.value })}`)
  useChanges(['changes', 'authentications', 'registrations'], events.reload)
  const isOfPne = 'pne' in filter
  const items = events.data?.items ?? []
  return (
    <Card title="History">
      {events.data === undefined || events.problem ? <Pending of={events} /> : null}
      {events.data && items.length === 0 && <p class="hint">Nothing yet.</p>}
      {items.length > 0 && (
        <Table<Event>
          caption="Events, newest first"
          rows={items}
          keyOf={({ id }) => id}
          columns={[
            { title: 'When', of: ({ at }) => <Time at={at} /> },
            { title: 'What', of: (event) => <What of={event} /> },
            isOfPne
              ? { title: 'Gateway', of: ({ gateway }) => <GatewayLink identity={gateway} /> }
              : { title: 'Device', of: ({ pne }) => (pne === null ? '–' : <PneLink id={pne} />) },
            { title: 'Time', of: ({ ms }) => formatMs(ms), isNumber: true, isWide: true },
          ]}
        />
      )}
      {items.length >= limit.value && limit.value < 1000 && (
        <Button
          onClick={() => {
            limit.value = Math.min(1000, limit.value * 4)
          }}
        >
          Show more
        </Button>
      )}
    </Card>
  )
}

const bad: ReadonlySet<string> = new Set(['refused', 'revoked', 'lost', 'closed', 'failed'])

function What({ of: { type, result, reason, case: theCase } }: { of: Event }): JSX.Element {
  return (
    <>
      {type}
      {theCase !== null && `, ${theCase}`} <Badge tone={bad.has(result) ? 'bad' : 'quiet'}>{result}</Badge>
      {reason !== null && (
        <span class="sub">
          <ReasonWords code={reason} />
        </span>
      )}
    </>
  )
}
