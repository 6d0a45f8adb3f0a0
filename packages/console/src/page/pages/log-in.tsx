// Log in: a token is pasted, sent once and forgotten. Where to get one is told beside it.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { logIn, wasLost } from '../api/session.ts'
import { Button, Copy, Problem } from '../parts/basics.tsx'
import { useAct } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Mark } from '../parts/icons.tsx'

export function LogIn(): JSX.Element {
  const token = useSignal('')
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      const given = token.peek().trim()
      token.value = ''
      await logIn(given)
    })
  return (
    <main class="log-in" id="content">
      <div class="log-in-card">
        <p class="brand">
          <Mark /> OpenCPNS
        </p>
        <h1 tabIndex={-1}>Log in</h1>
        {wasLost.value && (
          <p class="problem" role="status">
            Your session has ended. Log in again, and you are back where you were.
          </p>
        )}
        <Form onSubmit={submit}>
          <Field label="Token" type="password" value={token} hasFocus maxLength={256} />
          <Problem of={problem} />
          <Button type="submit" kind="main" isBusy={isBusy}>
            Log in
          </Button>
        </Form>
        <section class="teach" aria-labelledby="get-token">
          <h2 id="get-token">Where do I get a token?</h2>
          <p>On the machine of the server, make one for yourself:</p>
          <Copy
            text="opencpns admin token add me --role operator --data ./server"
            label="Copy the command that makes a token"
          />
          <p>Or take the one that every data folder has. It may do everything:</p>
          <Copy text="cat ./server/admin.token" label="Copy the command that shows the token of the data folder" />
          <p class="hint">It is sent to this server alone, and kept nowhere: not in the browser, not in an address.</p>
        </section>
      </div>
    </main>
  )
}
