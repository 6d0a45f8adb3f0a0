// Tokens: what people and programs prove themselves with to this API. Each is made once, shown once, and can be revoked.
import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ask } from '../api/client.ts'
import { may } from '../api/session.ts'
import type { NewToken, Role, Token } from '../api/types.ts'
import { clock } from '../live/clock.ts'
import { useCreation } from '../live/creation.ts'
import { tell } from '../live/notices.ts'
import { useChanges, usePages } from '../live/resource.ts'
import { Badge, Button, Copy, Empty, Heading, Problem, Time } from '../parts/basics.tsx'
import { Confirm, Dialog, useAct } from '../parts/dialog.tsx'
import { Field, Form, Options } from '../parts/form.tsx'
import { PagedTable } from '../parts/list.tsx'
import { NAME_HINT, NAME_PATTERN } from './gateway-add.tsx'

export function Tokens(): JSX.Element {
  return may('admin') ? <List /> : <Denied />
}

function Denied(): JSX.Element {
  return (
    <>
      <Heading title="Tokens" />
      <Empty title="Only an admin may see the tokens" />
    </>
  )
}

function List(): JSX.Element {
  const tokens = usePages<Token>('/v1/tokens', {})
  useChanges(['changes'], tokens.reload)
  const isAsking = useSignal(false)
  const chosen = useSignal<Token | undefined>(undefined)
  const revoke = async () => {
    const { id = '', name = '' } = chosen.peek() ?? {}
    await ask('DELETE', `/v1/tokens/${encodeURIComponent(id)}`)
    tell(`The token ${name} was revoked.`)
    tokens.reload()
  }
  const offer = (token: Token) =>
    token.revoked === null ? (
      <Button
        kind="danger"
        label={`Revoke ${token.name}`}
        onClick={() => {
          chosen.value = token
          isAsking.value = true
        }}
      >
        Revoke
      </Button>
    ) : null
  return (
    <>
      <Heading
        title="Tokens"
        intro="One for each person and program. The server keeps only what it needs to know a token again."
      >
        <AddToken onAdded={tokens.reload} />
      </Heading>
      <PagedTable
        caption="Tokens, newest first"
        of={tokens}
        keyOf={({ id }) => id}
        empty={
          <Empty title="No token was made yet">
            <p>Until then there is the one of the data folder, which may do everything.</p>
            <Copy
              text="opencpns admin token add grafana --role viewer --data ./server"
              label="Copy the command that makes a token"
            />
          </Empty>
        }
        columns={[
          { title: 'Name', of: (token) => <NameAndId of={token} /> },
          { title: 'Role', of: ({ role }) => role },
          { title: 'State', of: (token) => <TokenState of={token} /> },
          { title: 'Last used', of: ({ used }) => <Time at={used} or="never" /> },
          { title: 'Made by', of: ({ createdBy }) => <bdi>{createdBy}</bdi> },
          { title: 'Actions', of: offer },
        ]}
      />
      <Confirm isOpen={isAsking} title={`Revoke the token ${chosen.value?.name}?`} verb="Revoke for ever" act={revoke}>
        <p>
          <strong>This cannot be undone.</strong> Whoever uses it is refused from now on, and logged out of the console.
        </p>
      </Confirm>
    </>
  )
}

function NameAndId({ of: { id, name } }: { of: Token }): JSX.Element {
  return (
    <>
      <bdi>{name}</bdi>
      <span class="sub mono">{id}</span>
    </>
  )
}

function TokenState({ of: { revoked, expires } }: { of: Token }): JSX.Element {
  if (revoked !== null) return <Badge tone="bad">revoked</Badge>
  if (expires === null) return <Badge tone="good">valid</Badge>
  const isOver = Date.parse(expires) <= clock.value
  return (
    <>
      <Badge tone={isOver ? 'quiet' : 'good'}>{isOver ? 'expired' : 'valid'}</Badge>
      <span class="sub">until {new Date(expires).toLocaleDateString()}</span>
    </>
  )
}

function AddToken({ onAdded }: { onAdded: () => void }): JSX.Element {
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
        Make token
      </Button>
      <Dialog isOpen={isOpen} title="Make a token">
        <Adding isOpen={isOpen} onAdded={onAdded} />
      </Dialog>
    </>
  )
}

function Adding({ isOpen, onAdded }: { isOpen: Signal<boolean>; onAdded: () => void }): JSX.Element {
  const made = useSignal<NewToken | undefined>(undefined)
  const close = () => {
    isOpen.value = false
  }
  if (made.value === undefined) {
    return (
      <Asking
        onClose={close}
        onMade={(token) => {
          made.value = token
          onAdded()
        }}
      />
    )
  }
  return (
    <>
      <p role="status">
        The token <strong>{made.value.name}</strong> is shown <strong>this once</strong>. Give it to its owner, and to
        nobody else.
      </p>
      <Copy text={made.value.token} label="Copy the token" />
      <div class="buttons">
        <Button onClick={close} hasFocus>
          I have it: close
        </Button>
      </div>
    </>
  )
}

const DAY_S = 86_400
const LIFETIMES = [
  ['', 'for ever'],
  [String(30 * DAY_S), '30 days'],
  [String(90 * DAY_S), '90 days'],
  [String(365 * DAY_S), 'a year'],
] as const

function Asking({ onMade, onClose }: { onMade: (token: NewToken) => void; onClose: () => void }): JSX.Element {
  const name = useSignal('')
  const role = useSignal<Role>('viewer')
  const lifetime = useSignal<string>(String(90 * DAY_S))
  const create = useCreation<NewToken>('/v1/tokens')
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      const expiresInS = lifetime.value === '' ? {} : { expiresInS: Number(lifetime.value) }
      onMade(await create({ name: name.value, role: role.value, ...expiresInS }))
    })
  return (
    <Form onSubmit={submit}>
      <Field
        label="Name"
        value={name}
        pattern={NAME_PATTERN}
        hint={`Of the person or the program that will use it. ${NAME_HINT}`}
        maxLength={63}
        hasFocus
      />
      <Options
        label="Role"
        value={role}
        options={[
          ['viewer', 'viewer', 'sees everything but tokens and audit'],
          ['operator', 'operator', 'pairs, revokes and rotates devices, edits policies'],
          ['admin', 'admin', 'may do everything'],
        ]}
      />
      <Options label="Valid for" value={lifetime} options={LIFETIMES} />
      <Problem of={problem} />
      <div class="buttons">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="main" isBusy={isBusy}>
          Make token
        </Button>
      </div>
    </Form>
  )
}
