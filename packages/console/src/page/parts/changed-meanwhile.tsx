// Editing what others may edit as well: a change goes with the version that it was made from. When that is no longer the newest,
// the person sees both and chooses.

import type { Signal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { ask } from '../api/client.ts'
import { ApiProblem } from '../api/problem.ts'
import { Button } from './basics.tsx'

export interface Edit<T> {
  /** What somebody else made of it meanwhile. */
  readonly theirs: Signal<{ readonly data: T; readonly etag: string | undefined } | undefined>
  /** @throws {ApiProblem} but for CHANGED_MEANWHILE: then `theirs` is there, and it resolves to false */
  send(change: unknown, etag: string | undefined): Promise<boolean>
}

export function useEdit<T>(path: string): Edit<T> {
  const theirs = useSignal<{ data: T; etag: string | undefined } | undefined>(undefined)
  const send = async (change: unknown, etag: string | undefined) => {
    try {
      await ask('PATCH', path, { body: change, ifMatch: theirs.peek()?.etag ?? etag })
      theirs.value = undefined
      return true
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'CHANGED_MEANWHILE') throw error
      theirs.value = await ask<T>('GET', path)
      return false
    }
  }
  return { theirs, send }
}

interface ChangedProps {
  /** Their version, in words. */
  readonly children: ComponentChildren
  onTakeTheirs(): void
}

/** Beside the form; its button then says that mine goes over theirs. */
export function ChangedMeanwhile({ children, onTakeTheirs }: ChangedProps): JSX.Element {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>Somebody else has changed this meanwhile.</strong> Now it is: {children}. Save again to put yours in its
        place.
      </p>
      <Button onClick={onTakeTheirs}>Take theirs</Button>
    </div>
  )
}
