// What a page reads from the API: loaded when it is first shown and whenever it may have changed; the older request is given up.
import { useSignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { ask, asProblem, query } from '../api/client.ts'
import type { ApiProblem } from '../api/problem.ts'
import { listen, reconnections, type Topic } from '../api/stream.ts'
import type { Page } from '../api/types.ts'

export interface Resource<T> {
  /** The newest that came; undefined before the first. */
  readonly data: T | undefined
  readonly etag: string | undefined
  readonly problem: ApiProblem | undefined
  readonly isLoading: boolean
  /** The data is of the path before, and the new one is on its way. */
  readonly isOld: boolean
  reload(): void
}

interface State<T> {
  readonly path: string
  readonly data?: T
  readonly etag?: string | undefined
  readonly problem?: ApiProblem
  readonly isLoading: boolean
}

interface Options {
  /** Another path is another page of the same list: the old one stays until the new one is there. */
  readonly staysUntilNew?: boolean
}

/** Reads a path, and again when the stream has come back. */
export function useResource<T>(path: string, { staysUntilNew = false }: Options = {}): Resource<T> {
  const state = useSignal<State<T>>({ path, isLoading: true })
  const under = useRef<AbortController | undefined>(undefined)
  const load = useCallback(() => {
    under.current?.abort()
    const loading = new AbortController()
    under.current = loading
    const { signal } = loading
    const { problem: _, ...before } = state.peek()
    state.value = { ...(before.path === path || staysUntilNew ? before : { path }), isLoading: true }
    ask<T>('GET', path, { signal }).then(
      ({ data, etag }) => {
        if (!signal.aborted) state.value = { path, data, etag, isLoading: false }
      },
      (error: unknown) => {
        if (signal.aborted) return
        const kept = state.peek().path === path ? state.peek() : { path }
        state.value = { ...kept, problem: asProblem(error), isLoading: false }
      },
    )
  }, [path, state, staysUntilNew])
  useReconnected(load)
  useEffect(() => {
    load()
    return () => under.current?.abort()
  }, [load])
  const isOfPath = state.value.path === path
  const { data, etag, problem, isLoading } = isOfPath || staysUntilNew ? state.value : { isLoading: true }
  return { data, etag, problem, isLoading: isLoading || !isOfPath, isOld: !isOfPath, reload: load }
}

function useReconnected(act: () => void): void {
  const seen = useRef(reconnections.value)
  const now = reconnections.value
  useEffect(() => {
    if (seen.current !== now) act()
    seen.current = now
  }, [now, act])
}

export interface Paged<T> extends Resource<Page<T>> {
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  older(): void
  newer(): void
}

/** A list page by page. Another filter begins at the first page again. */
export function usePages<T>(path: string, filter: Readonly<Record<string, string>>): Paged<T> {
  const key = path + query(filter)
  const place = useSignal<{ key: string; cursors: readonly string[] }>({ key, cursors: [] })
  const cursors = place.value.key === key ? place.value.cursors : []
  const resource = useResource<Page<T>>(path + query({ ...filter, cursor: cursors.at(-1) }), { staysUntilNew: true })
  const next = resource.isOld ? null : (resource.data?.next ?? null)
  return {
    ...resource,
    hasOlder: next !== null,
    hasNewer: cursors.length > 0,
    older: () => {
      if (next !== null) place.value = { key, cursors: [...cursors, next] }
    },
    newer: () => {
      place.value = { key, cursors: cursors.slice(0, -1) }
    },
  }
}

const REREAD_MS = 400

/** Acts once, a moment after the first of what the stream tells: many changes at once are one. */
export function useChanges(topics: readonly Topic[], act: () => void): void {
  const latest = useRef(act)
  latest.current = act
  const key = topics.join()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        latest.current()
      }, REREAD_MS)
    }
    const stops = (key.split(',') as Topic[]).map((topic) => listen(topic, soon))
    return () => {
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [key])
}
