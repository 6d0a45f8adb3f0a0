// PNEs: all devices that were ever paired, and one of them with its keys and its history.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ask } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { Key, Pne, PneDetails } from '../api/types.ts'
import { tell } from '../live/notices.ts'
import { useChanges, usePages, useResource } from '../live/resource.ts'
import { search } from '../live/router.ts'
import { Button, Card, Copy, Empty, Facts, Heading, Name, Time } from '../parts/basics.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { History } from '../parts/history.tsx'
import { Choice, Narrowed, PagedTable, Pending, Search, Table } from '../parts/list.tsx'
import { CaseBadge, GatewayLink, PneLink, StateBadge, UserLink } from '../parts/words.tsx'

const STATES = [
  ['', 'all'],
  ['active', 'active'],
  ['pending', 'pending'],
  ['revoked', 'revoked'],
] as const

export function Pnes(): JSX.Element {
  const value = (name: string) => search.value.get(name) ?? ''
  const filter = { q: value('q'), state: value('state'), user: value('user'), gateway: value('gateway') }
  const pnes = usePages<Pne>('/v1/pnes', filter)
  useChanges(['changes'], pnes.reload)
  const isNarrowed = Object.values(filter).some((one) => one !== '')
  return (
    <>
      <Heading title="PNEs" intro="Personal network elements: the devices.">
        {may('operator') && (
          <a class="button main" href="/pair">
            Pair a PNE
          </a>
        )}
      </Heading>
      <search class="filters">
        <Search label="Search by name or id" />
        <Choice name="state" label="State" options={STATES} />
        <Narrowed name="user" label="user" />
        <Narrowed name="gateway" label="gateway" />
      </search>
      <PagedTable
        caption="PNEs, newest first"
        of={pnes}
        keyOf={({ id }) => id}
        empty={isNarrowed ? <Empty title="No device is like that" /> : <NoPne />}
        columns={[
          { title: 'Name', of: (pne) => <NameAndId of={pne} /> },
          { title: 'State', of: ({ state }) => <StateBadge state={state} /> },
          { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
          { title: 'Paired by', of: ({ gateway }) => <GatewayLink identity={gateway} />, isWide: true },
          { title: 'Paired', of: ({ created }) => <Time at={created} />, isWide: true },
        ]}
      />
    </>
  )
}

function NameAndId({ of: { id, name } }: { of: Pne }): JSX.Element {
  return (
    <>
      <PneLink id={id} name={name} />
      {name !== null && <span class="sub mono">{id}</span>}
    </>
  )
}

function NoPne(): JSX.Element {
  return (
    <Empty title="No device was paired yet">
      <p>A gateway makes a one-time ticket, the device takes it up:</p>
      <Copy text="opencpns gateway pair --data ./home-gw --name watch" label="Copy the command that makes a ticket" />
      {may('operator') && (
        <p>
          Or <a href="/pair">make the ticket here</a>.
        </p>
      )}
    </Empty>
  )
}

export function PnePage({ id }: { id: string }): JSX.Element {
  const path = `/v1/pnes/${encodeURIComponent(id)}`
  const pne = useResource<PneDetails>(path)
  useChanges(['changes', 'registrations'], pne.reload)
  const { data } = pne
  return (
    <>
      <Heading title={data ? <Name of={data.name} or={data.id} /> : 'PNE'} above={{ path: '/pnes', title: 'PNEs' }}>
        {data && <Actions of={data} path={path} onChange={pne.reload} />}
      </Heading>
      {data ? <Details of={data} /> : <Pending of={pne} />}
    </>
  )
}

interface ActionsProps {
  readonly of: PneDetails
  readonly path: string
  onChange(): void
}

function Actions({ of, path, onChange }: ActionsProps): JSX.Element {
  const [isRevoking, isRotating] = [useSignal(false), useSignal(false)]
  const name = of.name ?? of.id
  const act = (what: string, done: string) => async () => {
    await ask('POST', `${path}/${what}`, {})
    tell(done)
    onChange()
  }
  return (
    <>
      <a class="button plain" href={`/flow?pne=${encodeURIComponent(of.id)}`}>
        Its authentications
      </a>
      {may('operator') && of.state === 'active' && (
        <Button
          onClick={() => {
            isRotating.value = true
          }}
        >
          Rotate key
        </Button>
      )}
      {may('operator') && of.state !== 'revoked' && (
        <Button
          kind="danger"
          onClick={() => {
            isRevoking.value = true
          }}
        >
          Revoke
        </Button>
      )}
      <Confirm
        isOpen={isRotating}
        title={`Rotate the key of ${name}?`}
        verb="Rotate key"
        isHarmless
        act={act('rotate', `The gateway was told to rotate the key of ${name}.`)}
      >
        <p>
          Its home gateway is told to give it a new key at the next chance. The old key works until the new one has been
          used.
        </p>
      </Confirm>
      <Confirm
        isOpen={isRevoking}
        title={`Revoke ${name}?`}
        verb="Revoke for ever"
        act={act('revoke', `${name} was revoked.`)}
      >
        <p>
          <strong>This cannot be undone.</strong> Its sessions end at once, and no gateway lets it in again, at home or
          elsewhere. To let the device in again it must be paired anew.
        </p>
      </Confirm>
    </>
  )
}

function Details({ of }: { of: PneDetails }): JSX.Element {
  const facts = [
    ['State', <StateBadge key="state" state={of.state} />],
    ['Present', <Presence key="present" of={of} />],
    [
      'Id',
      <span key="id" class="mono">
        {of.id}
      </span>,
    ],
    ['User', <UserLink key="user" name={of.user} />],
    ['Paired by', <GatewayLink key="gateway" identity={of.gateway} />],
    ['Paired', <Time key="created" at={of.created} />],
    ['Confirmed', <Time key="confirmed" at={of.confirmed} or="not yet" />],
    ...(of.revoked === null ? [] : [['Revoked', <Time key="revoked" at={of.revoked} />] as const]),
  ] as const
  return (
    <>
      <Card title="What it is">
        <Facts of={facts} />
      </Card>
      <Card title="Keys" aside={<span class="hint">states only: no value leaves the server</span>}>
        <Table<Key>
          caption="Keys of the PNE"
          rows={of.keys}
          keyOf={({ created, generation }) => `${created} ${generation}`}
          columns={[
            { title: 'State', of: ({ state }) => <StateBadge state={state} /> },
            { title: 'Generation of 1st seed', of: ({ generation }) => generation, isNumber: true },
            { title: 'Made', of: ({ created }) => <Time at={created} /> },
            { title: 'Confirmed', of: ({ confirmed }) => <Time at={confirmed} /> },
            { title: 'Retired', of: ({ retired }) => <Time at={retired} /> },
          ]}
        />
      </Card>
      <History filter={{ pne: of.id }} />
    </>
  )
}

function Presence({ of: { registered } }: { of: PneDetails }): JSX.Element {
  if (registered === null) return <span>nowhere now</span>
  return (
    <>
      at <GatewayLink identity={registered.gateway} /> <CaseBadge of={registered.case} /> since{' '}
      <Time at={registered.since} />
    </>
  )
}
