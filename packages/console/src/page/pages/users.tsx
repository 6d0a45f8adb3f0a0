// Users: who owns gateways and devices, and one of them with the policy and the generations of 1st seed.
import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ask } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { Gateway, Removal, User, UserDetails } from '../api/types.ts'
import { useCreation } from '../live/creation.ts'
import { tell } from '../live/notices.ts'
import { useChanges, usePages, useResource } from '../live/resource.ts'
import { go, search } from '../live/router.ts'
import { count } from '../logic/format.ts'
import { Badge, Button, Card, Copy, Empty, Facts, Heading, Problem, Time } from '../parts/basics.tsx'
import { Confirm, Dialog, useAct } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { PagedTable, Pending, Search, Table } from '../parts/list.tsx'
import { GatewayLink, GatewayState, UserLink } from '../parts/words.tsx'
import { NAME_HINT, NAME_PATTERN } from './gateway-add.tsx'
import { UserPolicy } from './user-policy.tsx'

export function Users(): JSX.Element {
  const q = search.value.get('q') ?? ''
  const users = usePages<User>('/v1/users', { q })
  useChanges(['changes'], users.reload)
  return (
    <>
      <Heading title="Users" intro="End users: the owners of gateways and devices.">
        {may('admin') && <AddUser onAdded={users.reload} />}
      </Heading>
      <search class="filters">
        <Search label="Search by name" />
      </search>
      <PagedTable
        caption="Users"
        of={users}
        keyOf={({ name }) => name}
        empty={q === '' ? <NoUser /> : <Empty title="No user is called that" />}
        columns={[
          { title: 'Name', of: ({ name }) => <UserLink name={name} /> },
          {
            title: 'State',
            of: ({ removed }) => (
              <Badge tone={removed === null ? 'good' : 'bad'}>{removed === null ? 'active' : 'removed'}</Badge>
            ),
          },
          { title: 'Generation of 1st seed', of: ({ generation }) => generation, isNumber: true, isWide: true },
          { title: 'Added', of: ({ created }) => <Time at={created} />, isWide: true },
        ]}
      />
    </>
  )
}

function NoUser(): JSX.Element {
  return (
    <Empty title="There is no user yet">
      <Copy text="opencpns admin user add alice --data ./server" label="Copy the command that adds a user" />
    </Empty>
  )
}

function AddUser({ onAdded }: { onAdded: () => void }): JSX.Element {
  const isOpen = useSignal(false)
  return (
    <>
      <Button
        kind="main"
        icon="plus"
        onClick={() => {
          isOpen.value = true
        }}
      >
        Add user
      </Button>
      <Dialog isOpen={isOpen} title="Add a user">
        <Adding isOpen={isOpen} onAdded={onAdded} />
      </Dialog>
    </>
  )
}

function Adding({ isOpen, onAdded }: { isOpen: Signal<boolean>; onAdded: () => void }): JSX.Element {
  const name = useSignal('')
  const create = useCreation<User>('/v1/users')
  const { isBusy, problem, run } = useAct()
  const close = () => {
    isOpen.value = false
  }
  const submit = () =>
    run(async () => {
      await create({ name: name.value })
      tell(`The user ${name.value} was added.`)
      onAdded()
      close()
    })
  return (
    <Form onSubmit={submit}>
      <Field label="Name" value={name} pattern={NAME_PATTERN} hint={NAME_HINT} maxLength={63} hasFocus />
      <Problem of={problem} />
      <div class="buttons">
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" kind="main" isBusy={isBusy}>
          Add user
        </Button>
      </div>
    </Form>
  )
}

export function UserPage({ name }: { name: string }): JSX.Element {
  const path = `/v1/users/${encodeURIComponent(name)}`
  const user = useResource<UserDetails>(path)
  useChanges(['changes'], user.reload)
  const { data, etag } = user
  return (
    <>
      <Heading title={<bdi>{name}</bdi>} above={{ path: '/users', title: 'Users' }}>
        {data && <Actions of={data} path={path} onChange={user.reload} />}
      </Heading>
      {data ? (
        <>
          <Card title="Who it is">
            <Facts of={factsOf(data)} />
          </Card>
          {data.removed === null && <UserPolicy of={data} etag={etag} path={path} onChange={user.reload} />}
          <Generations of={data} path={path} onChange={user.reload} />
          <TheirGateways user={name} />
        </>
      ) : (
        <Pending of={user} />
      )}
    </>
  )
}

function factsOf({ name, created, removed, pnes }: UserDetails) {
  const pnesOf = (state: 'active' | 'pending' | 'revoked') => (
    <a href={`/pnes?user=${encodeURIComponent(name)}&state=${state}`}>{pnes[state].toLocaleString('en')}</a>
  )
  return [
    ['Active PNEs', pnesOf('active')],
    ['Pending PNEs', pnesOf('pending')],
    ['Revoked PNEs', pnesOf('revoked')],
    ['Added', <Time key="created" at={created} />],
    ...(removed === null ? [] : [['Removed', <Time key="removed" at={removed} />] as const]),
  ] as const
}

function Actions({ of, path, onChange }: { of: UserDetails; path: string; onChange: () => void }): JSX.Element | null {
  const [isRotating, isRemoving] = [useSignal(false), useSignal(false)]
  if (!may('admin') || of.removed !== null) return null
  const rotate = async () => {
    await ask('POST', `${path}/rotate`)
    tell(`${of.name} has a new 1st seed.`)
    onChange()
  }
  const remove = async () => {
    const { pnes, gateways } = (await ask<Removal>('DELETE', path)).data
    tell(`${of.name} was removed, with ${count(pnes, 'PNE')} and ${count(gateways.length, 'gateway')}.`)
    go('/users')
  }
  return (
    <>
      <Button
        onClick={() => {
          isRotating.value = true
        }}
      >
        New 1st seed
      </Button>
      <Button
        kind="danger"
        onClick={() => {
          isRemoving.value = true
        }}
      >
        Remove
      </Button>
      <Confirm isOpen={isRotating} title={`A new 1st seed for ${of.name}?`} verb="Make it" isHarmless act={rotate}>
        <p>
          The gateways renew the keys of the devices when they come. Keys of the old generation work until it is
          retired.
        </p>
      </Confirm>
      <Confirm isOpen={isRemoving} title={`Remove ${of.name}?`} verb="Remove for ever" act={remove}>
        <p>
          <strong>This cannot be undone.</strong> All 1st seeds of {of.name} are destroyed: no key of{' '}
          {count(of.pnes.active, 'active PNE')} can be calculated again. All gateways and devices are revoked with it.
          The name stays taken.
        </p>
      </Confirm>
    </>
  )
}

type Generation = UserDetails['generations'][number]

function Generations({ of, path, onChange }: { of: UserDetails; path: string; onChange: () => void }): JSX.Element {
  const isAsking = useSignal(false)
  const chosen = useSignal<Generation | undefined>(undefined)
  const newest = Math.max(...of.generations.map(({ generation }) => generation))
  const retire = async () => {
    const { generation = 0, keys = 0 } = chosen.peek() ?? {}
    await ask('DELETE', `${path}/generations/${generation}${keys > 0 ? '?force=true' : ''}`)
    tell(`Generation ${generation} of ${of.name} was retired.`)
    onChange()
  }
  const isRetirable = (one: Generation) =>
    may('admin') && of.removed === null && !one.retired && one.generation !== newest
  const offer = (one: Generation) =>
    isRetirable(one) ? (
      <Button
        kind="danger"
        onClick={() => {
          chosen.value = one
          isAsking.value = true
        }}
      >
        Retire
      </Button>
    ) : null
  return (
    <Card title="Generations of 1st seed">
      <Table<Generation>
        caption="Generations of the 1st seed"
        rows={of.generations}
        keyOf={({ generation }) => generation}
        columns={[
          { title: 'Generation', of: ({ generation }) => generation },
          {
            title: 'State',
            of: (one) => (
              <Badge tone={one.retired ? 'quiet' : 'good'}>
                {one.retired ? 'destroyed' : one.generation === newest ? 'newest' : 'in use'}
              </Badge>
            ),
          },
          { title: 'Active keys', of: ({ keys }) => keys.toLocaleString('en'), isNumber: true },
          { title: 'Made', of: ({ created }) => <Time at={created} /> },
          ...(of.generations.some(isRetirable) ? [{ title: 'Actions', of: offer }] : []),
        ]}
      />
      <Confirm
        isOpen={isAsking}
        title={`Retire generation ${chosen.value?.generation} of ${of.name}?`}
        verb="Destroy the 1st seed"
        act={retire}
      >
        <p>
          <strong>This cannot be undone.</strong> The 1st seed of this generation is destroyed.{' '}
          {chosen.value && chosen.value.keys > 0
            ? `${count(chosen.value.keys, 'active key')} still use it: they are revoked, and so are devices that have no other key.`
            : 'No active key uses it.'}
        </p>
      </Confirm>
    </Card>
  )
}

function TheirGateways({ user }: { user: string }): JSX.Element {
  const gateways = usePages<Gateway>('/v1/gateways', { user })
  useChanges(['gateways', 'changes'], gateways.reload)
  return (
    <Card title="Gateways">
      <PagedTable
        caption={`Gateways of ${user}`}
        of={gateways}
        keyOf={({ identity }) => identity}
        empty={<p class="hint">None.</p>}
        columns={[
          { title: 'Name', of: ({ identity }) => <GatewayLink identity={identity} /> },
          { title: 'Link', of: (gateway) => <GatewayState of={gateway} /> },
          {
            title: 'Registered',
            of: ({ registered }) => registered.toLocaleString('en'),
            isNumber: true,
            isWide: true,
          },
        ]}
      />
    </Card>
  )
}
