// Who is logged in. The token goes to the server once and is kept nowhere: what stays is a cookie that no script can read.
import { computed, signal } from '@preact/signals'
import { ask, whenSessionIsLost } from './client.ts'
import { ApiProblem } from './problem.ts'
import type { Role, Session } from './types.ts'

const ranks: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** undefined: not known yet. null: nobody. */
export const session = signal<Session | null | undefined>(undefined)
/** There was a session, and the server does not accept it any more. */
export const wasLost = signal(false)

/** Tabs of one browser have one cookie: what changes it in one of them is told to the others. */
const tabs = new BroadcastChannel('opencpns session')
tabs.addEventListener('message', ({ data }: MessageEvent<'in' | 'out'>) => {
  if (data === 'out') leave()
  else void findSession().catch(() => {})
})

const rank = computed(() => (session.value ? ranks[session.value.role] : -1))

whenSessionIsLost(() => {
  if (session.peek()) wasLost.value = true
  session.value = null
})

/** Whether who is logged in may do what takes this role; what they may not is not offered. */
export function may(role: Role): boolean {
  return rank.value >= ranks[role]
}

/** @throws {ApiProblem} when it cannot be known */
export async function findSession(): Promise<void> {
  try {
    session.value = (await ask<Session>('GET', '/v1/session')).data
    wasLost.value = false
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error
    session.value = null
  }
}

/** @throws {ApiProblem} TOKEN_REQUIRED, TOO_MANY_ATTEMPTS */
export async function logIn(token: string): Promise<void> {
  const { data } = await ask<Session>('POST', '/v1/session', { body: { token } })
  wasLost.value = false
  session.value = data
  tabs.postMessage('in')
}

/** Whoever has no session any more is out already. @throws {ApiProblem} */
export async function logOut(): Promise<void> {
  await ask('DELETE', '/v1/session').catch((error: unknown) => {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error
  })
  leave()
  tabs.postMessage('out')
}

/** The stream may have heard of it first, as of a loss: what was asked for is none. */
function leave(): void {
  session.value = null
  wasLost.value = false
}
