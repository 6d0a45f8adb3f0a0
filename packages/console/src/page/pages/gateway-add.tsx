// Adding a gateway. Its credential is told once: it can be saved as the file that `opencpns gateway run` reads, and then is gone.
import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Credential, Page, User } from '../api/types.ts'
import { useCreation } from '../live/creation.ts'
import { useResource } from '../live/resource.ts'
import { shortName } from '../logic/format.ts'
import { Button, Copy, Problem } from '../parts/basics.tsx'
import { Dialog, useAct } from '../parts/dialog.tsx'
import { Field, Form, Options } from '../parts/form.tsx'

/** The names that the server takes: docs/protocol.md section 2. */
export const NAME_PATTERN = '[a-z0-9]([a-z0-9\\-]{0,61}[a-z0-9])?'
export const NAME_HINT = 'Letters a to z, digits and inner hyphens.'

export function AddGateway({ onAdded }: { onAdded: () => void }): JSX.Element {
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
        Add gateway
      </Button>
      <Dialog isOpen={isOpen} title="Add a gateway">
        <Adding isOpen={isOpen} onAdded={onAdded} />
      </Dialog>
    </>
  )
}

function Adding({ isOpen, onAdded }: { isOpen: Signal<boolean>; onAdded: () => void }): JSX.Element {
  const made = useSignal<Credential | undefined>(undefined)
  const added = (credential: Credential) => {
    made.value = credential
    onAdded()
  }
  const close = () => {
    isOpen.value = false
  }
  return made.value ? <Made of={made.value} onClose={close} /> : <Asking onAdded={added} onClose={close} />
}

function Asking({ onAdded, onClose }: { onAdded: (made: Credential) => void; onClose: () => void }): JSX.Element {
  const [name, user, radius] = [useSignal(''), useSignal(''), useSignal('')]
  const kind = useSignal<'cpns' | 'radius'>('cpns')
  const users = useResource<Page<User>>('/v1/users?limit=1000')
  const create = useCreation<Credential>('/v1/gateways')
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      const body = { name: name.value, user: user.value, ...(kind.value === 'radius' && { radius: radius.value }) }
      onAdded(await create(body))
    })
  const suggestions = users.data?.items.filter(({ removed }) => removed === null).map((one) => one.name) ?? []
  return (
    <Form onSubmit={submit}>
      <Field label="Name" value={name} pattern={NAME_PATTERN} hint={NAME_HINT} maxLength={63} hasFocus />
      <Field
        label="User"
        value={user}
        hint="Whom it belongs to, with the devices that it pairs."
        suggestions={suggestions}
        maxLength={63}
      />
      <Options
        label="Kind"
        value={kind}
        options={[
          ['cpns', 'PN GW', 'runs opencpns gateway'],
          ['radius', 'RADIUS client', 'a stock access point, or a proxy'],
        ]}
      />
      {kind.value === 'radius' && <Field label="Its address, or ADDRESS/PREFIX" value={radius} maxLength={64} />}
      <Problem of={problem} />
      <div class="buttons">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="main" isBusy={isBusy}>
          Add gateway
        </Button>
      </div>
    </Form>
  )
}

function Made({ of, onClose }: { of: Credential; onClose: () => void }): JSX.Element {
  const file = `${shortName(of.identity)}.json`
  return (
    <>
      <p role="status">
        <strong>{of.identity}</strong> was added. Its secret is told <strong>this once</strong>: when this is closed,
        nobody can see it again.
      </p>
      {of.radius === null ? (
        <>
          <p>Save the credential, carry it to the gateway, and keep it from others (chmod 600).</p>
          <Button kind="main" icon="download" onClick={() => save(of, file)} hasFocus>
            Save {file}
          </Button>
          <p>Then run the gateway with it:</p>
          <Copy
            text={`opencpns gateway run --credential ${file} --data ./${shortName(of.identity)} --server ${location.hostname}:7410`}
            label="Copy the command that runs the gateway"
          />
        </>
      ) : (
        <>
          <p>Put the shared secret into the access point. It asks from {of.radius}.</p>
          <Copy text={of.secret} label="Copy the shared secret" />
        </>
      )}
      <div class="buttons">
        <Button onClick={onClose}>I have it: close</Button>
      </div>
    </>
  )
}

/** The file that `opencpns admin gateway add --out` would have written. */
function save({ identity, realm, secret }: Credential, file: string): void {
  const text = `${JSON.stringify({ type: 'opencpns-gateway', version: 1, identity, realm, secret }, undefined, 2)}\n`
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = file
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
