// The newest authentications: those that the API still has, and those that the stream tells, newest first. Many in one frame are
// taken over together.
import { useSignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { asProblem, get, query } from '../api/client.ts'
import type { ApiProblem } from '../api/problem.ts'
import { listen, reconnections } from '../api/stream.ts'
import type { Authentication, Authentications } from '../api/types.ts'

const KEPT = 100

export type Filter = Readonly<Record<'result' | 'case' | 'pne' | 'gateway', string>>

export interface Newest {
  readonly items: readonly Authentication[]
  readonly isLoading: boolean
  readonly problem: ApiProblem | undefined
}

/** @param onArrival for each that the stream tells and the filter lets through */
export function useAuthentications(filter: Filter, onArrival: (one: Authentication) => void): Newest {
  const state = useSignal<Newest>({ items: [], isLoading: true, problem: undefined })
  const { result, case: theCase, pne, gateway } = filter
  const isWanted = useCallback(
    (one: Authentication) =>
      (result === '' || one.result === result) &&
      (theCase === '' || one.case === theCase) &&
      (pne === '' || one.pne === pne) &&
      (gateway === '' || one.gateway === gateway),
    [result, theCase, pne, gateway],
  )
  const generation = reconnections.value

  // A stream that came back is a reason to read again; what is there stays until then.
  const path = `/v1/authentications${query({ result, case: theCase, pne, gateway, limit: KEPT })}`
  const read = useRef('')
  useEffect(() => {
    const stop = new AbortController()
    const isSame = read.current === path
    read.current = path
    const { items, isLoading, problem } = state.peek()
    const before = isSame ? { items, isLoading: isLoading || problem !== undefined } : { items: [], isLoading: true }
    state.value = { ...before, problem: undefined }
    get<Authentications>(path, stop.signal).then(
      ({ items }) => {
        state.value = { items: merge(state.peek().items, items), isLoading: false, problem: undefined }
      },
      (error: unknown) => {
        if (!stop.signal.aborted) state.value = { ...state.peek(), isLoading: false, problem: asProblem(error) }
      },
    )
    return () => stop.abort()
  }, [path, generation, state])

  useEffect(() => {
    let arrived: Authentication[] = []
    let frame: number | undefined
    const takeOver = () => {
      frame = undefined
      const items = merge(arrived, state.peek().items)
      for (const one of arrived.slice(-KEPT)) onArrival(one)
      arrived = []
      state.value = { ...state.peek(), items }
    }
    const unlisten = listen('authentications', (one) => {
      if (!isWanted(one)) return
      arrived.push(one)
      if (arrived.length > 2 * KEPT) arrived = arrived.slice(-KEPT)
      frame ??= requestAnimationFrame(takeOver)
    })
    return () => {
      unlisten()
      if (frame !== undefined) cancelAnimationFrame(frame)
    }
  }, [isWanted, onArrival, state])
  return state.value
}

/** Newest first; of two with the same id the one that is complete, or that in `preferred`. */
function merge(preferred: readonly Authentication[], others: readonly Authentication[]): readonly Authentication[] {
  const byId = new Map(others.map((one) => [one.id, one]))
  for (const one of preferred) if (one.complete || !byId.get(one.id)?.complete) byId.set(one.id, one)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, KEPT)
}
