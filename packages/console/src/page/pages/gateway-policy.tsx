// Whether a gateway takes visitors.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { may } from '../api/session.ts'
import type { Gateway } from '../api/types.ts'
import { tell } from '../live/notices.ts'
import { shortName } from '../logic/format.ts'
import { Button, Card, Facts, Problem } from '../parts/basics.tsx'
import { ChangedMeanwhile, useEdit } from '../parts/changed-meanwhile.tsx'
import { useAct } from '../parts/dialog.tsx'
import { Form, Options } from '../parts/form.tsx'

interface GatewayPolicyProps {
  readonly of: Gateway
  readonly etag: string | undefined
  readonly path: string
  onChange(): void
}

const words = (visitors: boolean) => (visitors ? 'visitors are welcome' : 'no visitors')

export function GatewayPolicy(props: GatewayPolicyProps): JSX.Element {
  const isEditing = useSignal(false)
  const { of } = props
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
            [
              'Visitors',
              of.visitors
                ? 'welcome: devices that other gateways paired may come'
                : 'none: only devices that it paired itself',
            ],
          ]}
        />
      )}
    </Card>
  )
}

/** Starts from what is there now, and does not follow it: what follows is told when it is saved. */
function Editing({ of, etag, path, onChange, onClose }: GatewayPolicyProps & { onClose: () => void }): JSX.Element {
  const began = useSignal(etag)
  const visitors = useSignal<'yes' | 'no'>(of.visitors ? 'yes' : 'no')
  const { theirs, send } = useEdit<Gateway>(path)
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      if (!(await send({ visitors: visitors.value === 'yes' }, began.value))) return
      tell(`${shortName(of.identity)}: ${words(visitors.value === 'yes')}.`)
      onChange()
      onClose()
    })
  return (
    <Form onSubmit={submit}>
      <Options
        label="Visitors"
        value={visitors}
        options={[
          ['yes', 'welcome', 'devices that other gateways paired may come, where their user allows it'],
          ['no', 'none', 'only devices that it paired itself; sessions that are open stay'],
        ]}
      />
      {theirs.value && (
        <ChangedMeanwhile
          onTakeTheirs={() => {
            onChange()
            onClose()
          }}
        >
          {words(theirs.value.data.visitors)}
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
