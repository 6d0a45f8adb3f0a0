// What happens, as it happens: one stream for all tabs of a browser, whatever their pages listen to. When it breaks it is opened
// again after a pause that grows, and goes on after the last event that was seen.
import { signal } from '@preact/signals'
import { backoffMs } from '../logic/backoff.ts'
import { EventParser, type ServerSentEvent } from '../logic/server-sent-events.ts'
import { openStream } from './client.ts'
import { type Shared, share } from './tabs.ts'
import type { Authentication, Change, GatewayChange, LiveSecond, RegistrationChange } from './types.ts'

/** What each topic tells; the type of its events is the topic in the singular. */
interface Topics {
  authentications: Authentication
  registrations: RegistrationChange
  gateways: GatewayChange
  changes: Change
  overview: LiveSecond
}
export type Topic = keyof Topics
type Listener<T extends Topic> = (told: Topics[T]) => void

type StreamState =
  | { readonly is: 'off' | 'opening' | 'live' }
  /** `until`: ms since the epoch. */
  | { readonly is: 'waiting'; readonly until: number }

/** What tabs tell each other; `hello` asks for the state. */
type Message =
  | { readonly kind: 'event'; readonly event: ServerSentEvent }
  | { readonly kind: 'state'; readonly state: StreamState }
  | { readonly kind: 'hello' | 'here' | 'retry' }

/** The server sends something every 15 s. */
const SILENCE_MS = 40_000

export const streamState = signal<StreamState>({ is: 'off' })
/** Grows each time that the stream is live after it was not, at the beginning too: what was read before may be old. */
export const reconnections = signal(0)

const listeners = new Map<Topic, Set<Listener<never>>>()
let shared: Shared<Message> | undefined
/** While this tab has the stream. */
let leading: AbortSignal | undefined
/** Ends the pause before the next attempt. */
let goOn = () => {}
let lastId = ''
let isGap = false

/** @returns how to stop listening */
export function listen<T extends Topic>(topic: T, listener: Listener<T>): () => void {
  const those = listeners.get(topic) ?? new Set()
  listeners.set(topic, those.add(listener))
  return () => those.delete(listener)
}

/** Follows what happens for one session, together with all tabs that have the same. @returns how to stop */
export function watch(session: string): () => void {
  lastId = ''
  isGap = true
  const mine = share<Message>(`opencpns stream ${session}`, { lead, hear })
  shared = mine
  mine.tell({ kind: 'hello' })
  return () => {
    mine.stop()
    shared = undefined
    streamState.value = { is: 'off' }
  }
}

/** Tries at once what would be tried after a pause. */
export function reconnect(): void {
  shared?.tell({ kind: 'retry' })
  goOn()
}

function hear(message: Message): void {
  if (message.kind === 'event') dispatch(message.event)
  else if (message.kind === 'state') show(message.state)
  else if (message.kind === 'retry') goOn()
  else if (message.kind === 'hello' && leading) shared?.tell({ kind: 'state', state: streamState.peek() })
}

function show(state: StreamState): void {
  if (state.is === 'live' && isGap) reconnections.value += 1
  isGap = state.is === 'waiting' || (state.is !== 'live' && (isGap || streamState.peek().is === 'live'))
  streamState.value = state
}

/** Shows it here and in all other tabs. */
function become(state: StreamState): void {
  show(state)
  shared?.tell({ kind: 'state', state })
}

async function lead(stopping: AbortSignal): Promise<void> {
  leading = stopping
  for (let attempt = 0; !stopping.aborted; attempt++) {
    if (streamState.peek().is !== 'waiting') become({ is: 'opening' })
    try {
      await follow(stopping, () => {
        attempt = 0
      })
    } catch {
      // Whatever ended it: after a pause it is tried again. A lost session ends all of this.
    }
    if (!stopping.aborted) await pause(backoffMs(attempt, Math.random()), stopping)
  }
  if (leading === stopping) leading = undefined
}

async function follow(stopping: AbortSignal, onLive: () => void): Promise<void> {
  const silence = new AbortController()
  const signal = AbortSignal.any([stopping, silence.signal])
  let timer = setTimeout(() => silence.abort(), SILENCE_MS)
  try {
    const response = await openStream('/v1/stream', signal, lastId)
    if (stopping.aborted) return
    onLive()
    become({ is: 'live' })
    const parser = new EventParser()
    for await (const piece of piecesOf(response)) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
      pass(parser.read(piece))
    }
  } finally {
    clearTimeout(timer)
  }
}

async function* piecesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    if (done) return
    yield value
  }
}

/** Here and to all other tabs, which hear of every sign of life. */
function pass(events: readonly ServerSentEvent[]): void {
  if (events.length === 0) shared?.tell({ kind: 'here' })
  for (const event of events) {
    shared?.tell({ kind: 'event', event })
    dispatch(event)
  }
}

function dispatch({ type, data, id }: ServerSentEvent): void {
  if (id !== '') lastId = id
  const topic = type === 'overview' ? type : `${type}s`
  const those = listeners.get(topic as Topic)
  if (those === undefined || those.size === 0) return
  const told: unknown = JSON.parse(data)
  for (const listener of [...those]) listener(told as never)
}

async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  become({ is: 'waiting', until: Date.now() + ms })
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    goOn = () => {
      clearTimeout(timer)
      resolve()
    }
    stopping.addEventListener('abort', goOn)
  })
}
