// Personal networks: one for each gateway, and who is present in one of them.
import type { JSX } from 'preact'
import type { Network, Registration } from '../api/types.ts'
import { useChanges, usePages } from '../live/resource.ts'
import { search } from '../live/router.ts'
import { shortName } from '../logic/format.ts'
import { Card, Copy, Empty, Heading, Time } from '../parts/basics.tsx'
import { PagedTable, Search } from '../parts/list.tsx'
import { CaseBadge, GatewayLink, PneLink, UserLink } from '../parts/words.tsx'

export function Networks(): JSX.Element {
  const q = search.value.get('q') ?? ''
  const networks = usePages<Network>('/v1/pns', { q })
  useChanges(['registrations', 'changes'], networks.reload)
  return (
    <>
      <Heading title="Personal networks" intro="One for each gateway: the devices that are present there now." />
      <search class="filters">
        <Search label="Search by the name of the gateway" />
      </search>
      <PagedTable
        caption="Personal networks"
        of={networks}
        keyOf={({ gateway }) => gateway}
        empty={q === '' ? <NoNetwork /> : <Empty title="No network is called that" />}
        columns={[
          { title: 'Network of', of: ({ gateway }) => <NetworkLink gateway={gateway} /> },
          { title: 'Registered now', of: ({ registered }) => registered.toLocaleString('en'), isNumber: true },
          { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
          { title: 'Visitors', of: ({ visitors }) => (visitors ? 'welcome' : 'no'), isWide: true },
        ]}
      />
    </>
  )
}

function NoNetwork(): JSX.Element {
  return (
    <Empty title="There is no personal network yet">
      <p>It comes into being with a gateway:</p>
      <Copy
        text="opencpns admin gateway add home-gw --user alice --out home-gw.json --data ./server"
        label="Copy the command that adds a gateway"
      />
    </Empty>
  )
}

function NetworkLink({ gateway }: { gateway: string }): JSX.Element {
  return (
    <a href={`/networks/${encodeURIComponent(shortName(gateway))}`}>
      <bdi>{shortName(gateway)}</bdi>
    </a>
  )
}

export function NetworkPage({ name }: { name: string }): JSX.Element {
  const network = usePages<Registration>(`/v1/pns/${encodeURIComponent(name)}`, {})
  useChanges(['registrations'], network.reload)
  return (
    <>
      <Heading
        title={
          <>
            Network of <bdi>{name}</bdi>
          </>
        }
        above={{ path: '/networks', title: 'Personal networks' }}
        intro={
          <>
            Its gateway: <GatewayLink identity={name} />
          </>
        }
      />
      <Card title="Registered now">
        <PagedTable
          caption="PNEs that are registered in this network"
          of={network}
          keyOf={({ session }) => session}
          empty={
            <Empty title="No device is present here">
              <p>A device is present while it holds a session:</p>
              <Copy text="opencpns pne run --config device.toml" label="Copy the command that keeps a device present" />
            </Empty>
          }
          columns={[
            { title: 'Device', of: ({ pne, name: theirs }) => <PneLink id={pne} name={theirs} /> },
            { title: 'Case', of: ({ case: theCase }) => <CaseBadge of={theCase} /> },
            { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
            { title: 'Since', of: ({ since }) => <Time at={since} /> },
          ]}
        />
      </Card>
    </>
  )
}
