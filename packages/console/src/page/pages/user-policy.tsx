// Where the devices of a user may roam, and how many sessions each may have.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { may } from '../api/session.ts'
import type { Policy, Roaming, UserDetails } from '../api/types.ts'
import { tell } from '../live/notices.ts'
import { shortName } from '../logic/format.ts'
import { Button, Card, Facts, Problem } from '../parts/basics.tsx'
import { ChangedMeanwhile, useEdit } from '../parts/changed-meanwhile.tsx'
import { useAct } from '../parts/dialog.tsx'
import { Field, Form, Options } from '../parts/form.tsx'

interface UserPolicyProps {
  readonly of: UserDetails
  readonly etag: string | undefined
  readonly path: string
  onChange(): void
}

export function UserPolicy(props: UserPolicyProps): JSX.Element {
  const isEditing = useSignal(false)
  const { policy } = props.of
  const edit = may('operator') && !isEditing.value && (
    <Button
      onClick={() => {
        isEditing.value = true
      }}
    >
      Edit policy
    </Button>
  )
  return (
    <Card title="Policy" aside={edit}>
      {isEditing.value ? (
        <Editing
          {...props}
          onClose={() => {
            isEditing.value = false
          }}
        />
      ) : (
        <Facts
          of={[
            ['Roaming', roamingWords(policy)],
            ['Sessions of a device at once, at a gateway', policy.sessionsMax ?? 'as many as the gateway holds'],
          ]}
        />
      )}
    </Card>
  )
}

function roamingWords({ roaming, gateways }: Policy): string {
  if (roaming === 'any') return 'at every gateway that takes visitors'
  if (roaming === 'none') return 'nowhere: only at the gateway that paired it'
  return `only at ${gateways.map(shortName).join(', ') || 'gateways of a list that is empty'}`
}

function policyWords(policy: Policy): string {
  return `roaming ${roamingWords(policy)}; sessions: ${policy.sessionsMax ?? 'no limit'}`
}

function Editing({ of, etag, path, onChange, onClose }: UserPolicyProps & { onClose: () => void }): JSX.Element {
  const began = useSignal(etag)
  const roaming = useSignal<Roaming>(of.policy.roaming)
  const gateways = useSignal(of.policy.gateways.map(shortName).join(' '))
  const sessions = useSignal(of.policy.sessionsMax === null ? '' : String(of.policy.sessionsMax))
  const { theirs, send } = useEdit<UserDetails>(path)
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      const listed = gateways.value.split(/[\s,]+/).filter((one) => one !== '')
      const sessionsMax = sessions.value === '' ? null : Number(sessions.value)
      const policy = { roaming: roaming.value, ...(roaming.value === 'listed' && { gateways: listed }), sessionsMax }
      if (!(await send({ policy }, began.value))) return
      tell(`The policy of ${of.name} was changed. It holds from the next authentication on.`)
      onChange()
      onClose()
    })
  return (
    <Form onSubmit={submit}>
      <Options
        label="Roaming: to be at a gateway that did not pair the device"
        value={roaming}
        options={[
          ['any', 'anywhere', 'at every gateway that takes visitors'],
          ['listed', 'listed', 'only at the gateways named here'],
          ['none', 'nowhere', 'only at the gateway that paired it'],
        ]}
      />
      {roaming.value === 'listed' && (
        <Field label="Gateways" value={gateways} hint="Their names, with spaces between." isOptional />
      )}
      <Field
        label="Sessions of a device at once, at a gateway"
        type="number"
        min={1}
        max={65_535}
        value={sessions}
        hint="Empty for as many as the gateway holds."
        isOptional
      />
      {theirs.value && (
        <ChangedMeanwhile
          onTakeTheirs={() => {
            onChange()
            onClose()
          }}
        >
          {policyWords(theirs.value.data.policy)}
        </ChangedMeanwhile>
      )}
      <Problem of={problem} />
      <div class="buttons">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="main" isBusy={isBusy}>
          Save
        </Button>
      </div>
    </Form>
  )
}
