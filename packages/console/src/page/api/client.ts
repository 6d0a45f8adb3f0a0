// The admin API from the browser. The session is in a cookie that scripts cannot read; a change carries the header that other
// pages cannot send. A session that is lost is told to whoever listens.
import { ApiProblem, problemOf, unreachable } from './problem.ts'

export interface Answer<T> {
  readonly data: T
  /** Of what can be edited: for `ifMatch` of the change. */
  readonly etag: string | undefined
}

interface Asking {
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  readonly ifMatch?: string | undefined
  /** The same key for each attempt at the same creation. */
  readonly idempotencyKey?: string | undefined
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

let onSessionLost = () => {}

export function whenSessionIsLost(act: () => void): void {
  onSessionLost = act
}

/** @throws {ApiProblem} a refusal, or no answer. @throws the reason of `signal` when that is aborted */
export async function ask<T>(method: Method, path: string, asking: Asking = {}): Promise<Answer<T>> {
  const response = await send(method, path, asking)
  if (!response.ok) {
    if (response.status === 401 && path !== '/v1/session') onSessionLost()
    throw await problemOf(response)
  }
  const data = response.status === 204 ? undefined : await response.json()
  return { data: data as T, etag: response.headers.get('etag') ?? undefined }
}

/** The data alone of a GET. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>('GET', path, { signal })).data
}

export async function openStream(path: string, signal: AbortSignal, lastId: string): Promise<Response> {
  const headers = { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) }
  const response = await fetch(path, { headers, signal, cache: 'no-store' })
  if (response.ok) return response
  if (response.status === 401) onSessionLost()
  throw await problemOf(response)
}

async function send(
  method: Method,
  path: string,
  { body, signal, ifMatch, idempotencyKey }: Asking,
): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' })
  if (method !== 'GET') headers.set('x-opencpns-console', '1')
  if (body !== undefined) headers.set('content-type', 'application/json')
  if (ifMatch !== undefined) headers.set('if-match', ifMatch)
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey)
  const payload = body === undefined ? null : JSON.stringify(body)
  try {
    return await fetch(path, { method, headers, body: payload, signal: signal ?? null, cache: 'no-store' })
  } catch (error) {
    if (signal?.aborted) throw error
    throw unreachable()
  }
}

/** A query that leaves out what is empty. */
export function query(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}

export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem
    ? error
    : new ApiProblem(0, 'CONSOLE_FAILED', `The console failed: ${String(error)}`)
}
