// Dialogs, by the browser's own <dialog>: it keeps the focus, gives it back, and closes by Escape.
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { asProblem } from '../api/client.ts'
import type { ApiProblem } from '../api/problem.ts'
import { Button, Problem } from './basics.tsx'

interface DialogProps {
  readonly isOpen: Signal<boolean>
  readonly title: string
  readonly children: ComponentChildren
}

/** Its content exists only while it is open, so that it begins anew each time. */
export function Dialog({ isOpen, title, children }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  const isShown = isOpen.value
  useEffect(() => {
    if (isShown) element.current?.showModal()
    else element.current?.close()
  }, [isShown])
  const closed = () => {
    isOpen.value = false
  }
  return (
    <dialog ref={element} aria-labelledby={id} onClose={closed}>
      {isShown && (
        <div class="dialog">
          <h2 id={id}>{title}</h2>
          {children}
        </div>
      )}
    </dialog>
  )
}

interface Act {
  readonly isBusy: boolean
  readonly problem: ApiProblem | undefined
  run(act: () => Promise<unknown>): Promise<void>
}

/** Something that a person asked for: one at a time, and its refusal beside the button. */
export function useAct(): Act {
  const isBusy = useSignal(false)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const run = async (act: () => Promise<unknown>) => {
    if (isBusy.peek()) return
    isBusy.value = true
    problem.value = undefined
    try {
      await act()
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      isBusy.value = false
    }
  }
  return { isBusy: isBusy.value, problem: problem.value, run }
}

interface ConfirmProps {
  readonly isOpen: Signal<boolean>
  readonly title: string
  /** What it destroys. */
  readonly children: ComponentChildren
  /** The words on the button. */
  readonly verb: string
  readonly isHarmless?: boolean
  act(): Promise<unknown>
}

/** Asks once before something that cannot be undone. The way out has the focus. */
export function Confirm({ isOpen, title, children, verb, isHarmless = false, act }: ConfirmProps): JSX.Element {
  return (
    <Dialog isOpen={isOpen} title={title}>
      <Asking isOpen={isOpen} verb={verb} isHarmless={isHarmless} act={act}>
        {children}
      </Asking>
    </Dialog>
  )
}

function Asking({ isOpen, children, verb, isHarmless, act }: Omit<ConfirmProps, 'title'>): JSX.Element {
  const { isBusy, problem, run } = useAct()
  const close = () => {
    isOpen.value = false
  }
  const confirm = () =>
    run(async () => {
      await act()
      close()
    })
  return (
    <>
      <div class="words">{children}</div>
      <Problem of={problem} />
      <div class="buttons">
        <Button onClick={close} hasFocus>
          Cancel
        </Button>
        <Button kind={isHarmless ? 'main' : 'danger'} isBusy={isBusy} onClick={confirm}>
          {verb}
        </Button>
      </div>
    </>
  )
}
