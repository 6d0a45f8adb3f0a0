// Gateways: all of them, and one with its link, its devices, its policy and its history.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ask } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { Gateway, Registration } from '../api/types.ts'
import { tell } from '../live/notices.ts'
import { useChanges, usePages, useResource } from '../live/resource.ts'
import { search } from '../live/router.ts'
import { shortName } from '../logic/format.ts'
import { Button, Card, Copy, Empty, Facts, Heading, Time } from '../parts/basics.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { History } from '../parts/history.tsx'
import { Choice, Narrowed, PagedTable, Pending, Search } from '../parts/list.tsx'
import { CaseBadge, GatewayLink, GatewayState, PneLink, UserLink } from '../parts/words.tsx'
import { AddGateway } from './gateway-add.tsx'
import { GatewayPolicy } from './gateway-policy.tsx'

const STATES = [
  ['', 'all'],
  ['active', 'active'],
  ['revoked', 'revoked'],
] as const
const KINDS = [
  ['', 'all'],
  ['cpns', 'PN GW'],
  ['radius', 'RADIUS'],
] as const

export function Gateways(): JSX.Element {
  const value = (name: string) => search.value.get(name) ?? ''
  const filter = { q: value('q'), state: value('state'), kind: value('kind'), user: value('user') }
  const gateways = usePages<Gateway>('/v1/gateways', filter)
  useChanges(['gateways', 'changes', 'registrations'], gateways.reload)
  const isNarrowed = Object.values(filter).some((one) => one !== '')
  return (
    <>
      <Heading
        title="Gateways"
        intro="They let devices in: at home by themselves, elsewhere with the word of this server."
      >
        {may('admin') && <AddGateway onAdded={gateways.reload} />}
      </Heading>
      <search class="filters">
        <Search label="Search by name" />
        <Choice name="state" label="State" options={STATES} />
        <Choice name="kind" label="Kind" options={KINDS} />
        <Narrowed name="user" label="user" />
      </search>
      <PagedTable
        caption="Gateways"
        of={gateways}
        keyOf={({ identity }) => identity}
        empty={isNarrowed ? <Empty title="No gateway is like that" /> : <NoGateway />}
        columns={[
          { title: 'Name', of: (gateway) => <NameAndIdentity of={gateway} /> },
          { title: 'Link', of: (gateway) => <GatewayState of={gateway} /> },
          {
            title: 'Registered',
            of: ({ registered }) => registered.toLocaleString('en'),
            isNumber: true,
            isWide: true,
          },
          { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
          { title: 'Visitors', of: ({ visitors }) => (visitors ? 'welcome' : 'no'), isWide: true },
        ]}
      />
    </>
  )
}

function NameAndIdentity({ of: { identity } }: { of: Gateway }): JSX.Element {
  return (
    <>
      <GatewayLink identity={identity} />
      <span class="sub">
        <bdi>{identity}</bdi>
      </span>
    </>
  )
}

function NoGateway(): JSX.Element {
  return (
    <Empty title="There is no gateway yet">
      <p>A gateway belongs to a user, and has a credential that is told once:</p>
      <Copy text="opencpns admin user add alice --data ./server" label="Copy the command that adds a user" />
      <Copy
        text="opencpns admin gateway add home-gw --user alice --out home-gw.json --data ./server"
        label="Copy the command that adds a gateway"
      />
    </Empty>
  )
}

export function GatewayPage({ name }: { name: string }): JSX.Element {
  const path = `/v1/gateways/${encodeURIComponent(name)}`
  const gateway = useResource<Gateway>(path)
  useChanges(['gateways', 'changes', 'registrations'], gateway.reload)
  const { data, etag } = gateway
  return (
    <>
      <Heading title={<bdi>{name}</bdi>} above={{ path: '/gateways', title: 'Gateways' }}>
        {data && <Actions of={data} path={path} onChange={gateway.reload} />}
      </Heading>
      {data ? (
        <>
          <Card title="What it is">
            <Facts of={factsOf(data)} />
          </Card>
          {data.revoked === null && <GatewayPolicy of={data} etag={etag} path={path} onChange={gateway.reload} />}
          <Present gateway={data.identity} />
          <History filter={{ gateway: data.identity }} />
        </>
      ) : (
        <Pending of={gateway} />
      )}
    </>
  )
}

function factsOf(of: Gateway) {
  return [
    ['Link', <GatewayState key="link" of={of} />],
    ...(of.connectedSince === null ? [] : [['Connected', <Time key="since" at={of.connectedSince} />] as const]),
    ['Identity', <bdi key="identity">{of.identity}</bdi>],
    ['Kind', of.radius === null ? 'PN GW' : `RADIUS client ${of.radius}`],
    ['User', <UserLink key="user" name={of.user} />],
    ['Registered now', of.registered.toLocaleString('en')],
    ['Added', <Time key="created" at={of.created} />],
    ...(of.revoked === null ? [] : [['Revoked', <Time key="revoked" at={of.revoked} />] as const]),
  ] as const
}

function Actions({ of, path, onChange }: { of: Gateway; path: string; onChange: () => void }): JSX.Element {
  const isRevoking = useSignal(false)
  const name = shortName(of.identity)
  const revoke = async () => {
    await ask('POST', `${path}/revoke`, {})
    tell(`${name} was revoked.`)
    onChange()
  }
  return (
    <>
      <a class="button plain" href={`/flow?gateway=${encodeURIComponent(of.identity)}`}>
        Its authentications
      </a>
      <a class="button plain" href={`/pnes?gateway=${encodeURIComponent(name)}`}>
        PNEs it paired
      </a>
      {may('operator') && of.revoked === null && of.kind === 'cpns' && (
        <a class="button main" href={`/pair/${encodeURIComponent(name)}`}>
          Pair a PNE
        </a>
      )}
      {may('admin') && of.revoked === null && (
        <Button
          kind="danger"
          onClick={() => {
            isRevoking.value = true
          }}
        >
          Revoke
        </Button>
      )}
      <Confirm isOpen={isRevoking} title={`Revoke the gateway ${name}?`} verb="Revoke for ever" act={revoke}>
        <p>
          <strong>This cannot be undone.</strong> Its link with the server ends at once and it gets no other: it can
          pair no device and let no visitor in.
        </p>
        <p>
          The devices that it paired stay, and may roam where their user allows it. It still holds their keys: to end
          those too, revoke the devices.
        </p>
      </Confirm>
    </>
  )
}

function Present({ gateway }: { gateway: string }): JSX.Element {
  const sessions = usePages<Registration>('/v1/sessions', { gateway })
  useChanges(['registrations'], sessions.reload)
  return (
    <Card title="Registered now">
      <PagedTable
        caption="PNEs that are registered at this gateway"
        of={sessions}
        keyOf={({ session }) => session}
        empty={<p class="hint">No device is present here.</p>}
        columns={[
          { title: 'Device', of: ({ pne, name }) => <PneLink id={pne} name={name} /> },
          { title: 'Case', of: ({ case: theCase }) => <CaseBadge of={theCase} /> },
          { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
          { title: 'Since', of: ({ since }) => <Time at={since} /> },
        ]}
      />
    </Card>
  )
}
