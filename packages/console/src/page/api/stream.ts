// What happens, as it happens: one stream for all of the page, with the topics that somebody listens to. When it breaks it is
// opened again after a pause that grows, and goes on after the last event that was seen.
import { signal } from '@preact/signals'
import { backoffMs } from '../logic/backoff.ts'
import { EventParser } from '../logic/server-sent-events.ts'
import { openStream } from './client.ts'
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

export type StreamState =
  | { readonly is: 'off' | 'opening' | 'live' }
  /** `until`: ms since the epoch. */
  | { readonly is: 'waiting'; readonly until: number }

/** The server sends something every 15 s. */
const SILENCE_MS = 40_000

export const streamState = signal<StreamState>({ is: 'off' })
/** Grows each time that the stream is live again after it was not: what was read before may be old. */
export const reconnections = signal(0)

const listeners = new Map<Topic, Set<Listener<never>>>()
let running: AbortController | undefined
let isChanging = false
let lastId = ''
let wasBroken = false

/** @returns how to stop listening */
export function listen<T extends Topic>(topic: T, listener: Listener<T>): () => void {
  const those = listeners.get(topic) ?? new Set()
  listeners.set(topic, those.add(listener))
  if (those.size === 1) topicsChanged()
  return () => {
    those.delete(listener)
    if (those.size > 0) return
    listeners.delete(topic)
    topicsChanged()
  }
}

/** Tries at once what would be tried after a pause. */
export function reconnect(): void {
  stop()
  topicsChanged()
}

/** Leaving one page for another changes topics twice in a moment: one stream is opened for both. */
function topicsChanged(): void {
  if (isChanging) return
  isChanging = true
  queueMicrotask(() => {
    isChanging = false
    stop()
    if (listeners.size === 0) streamState.value = { is: 'off' }
    else void run()
  })
}

function stop(): void {
  running?.abort()
  running = undefined
}

async function run(): Promise<void> {
  const stopping = new AbortController()
  running = stopping
  for (let attempt = 0; !stopping.signal.aborted; attempt++) {
    if (streamState.peek().is !== 'waiting') streamState.value = { is: 'opening' }
    try {
      await follow(stopping.signal, () => {
        attempt = 0
      })
    } catch {
      // Whatever ended it: after a pause it is tried again. A lost session has ended all listening already.
    }
    if (stopping.signal.aborted) return
    wasBroken = true
    await pause(backoffMs(attempt, Math.random()), stopping.signal)
  }
}

async function follow(stopping: AbortSignal, onLive: () => void): Promise<void> {
  const silence = new AbortController()
  const signal = AbortSignal.any([stopping, silence.signal])
  let timer = setTimeout(() => silence.abort(), SILENCE_MS)
  try {
    const topics = [...listeners.keys()].sort().join(',')
    const response = await openStream(`/v1/stream?topics=${topics}`, signal, lastId)
    onLive()
    nowLive()
    const parser = new EventParser()
    for await (const piece of piecesOf(response)) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
      for (const event of parser.read(piece)) dispatch(event)
    }
  } finally {
    clearTimeout(timer)
  }
}

function nowLive(): void {
  streamState.value = { is: 'live' }
  if (wasBroken) reconnections.value += 1
  wasBroken = false
}

async function* piecesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    if (done) return
    yield value
  }
}

function dispatch({ type, data, id }: { type: string; data: string; id: string }): void {
  if (id !== '') lastId = id
  const topic = type === 'overview' ? type : `${type}s`
  const those = listeners.get(topic as Topic)
  if (those === undefined) return
  const told: unknown = JSON.parse(data)
  for (const listener of [...those]) listener(told as never)
}

async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  streamState.value = { is: 'waiting', until: Date.now() + ms }
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    stopping.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
