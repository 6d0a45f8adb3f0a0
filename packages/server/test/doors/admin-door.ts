// An admin door over a store with two users and a gateway each, with the operators that a test wants.
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { silent } from '@opencpns/io'
import { createAdminDoor } from '../../src/doors/admin/door.ts'
import type { AdminTls } from '../../src/doors/admin/tls.ts'
import { openLive } from '../../src/live/open.ts'
import { Totals } from '../../src/live/totals.ts'
import { Registry } from '../../src/registry.ts'
import type { Role } from '../../src/store/contract-operator.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Vault } from '../../src/vault.ts'
import { furnish, GATEWAY } from '../store/furnish.ts'

export const localToken = randomBytes(32).toString('base64url')

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, whose shape is what the test is about
  body: any
}

export interface Call {
  token?: string | undefined
  headers?: Record<string, string>
  body?: unknown
}

interface Options {
  path?: string
  now?: () => number
  tls?: AdminTls
  isExposed?: boolean
  logger?: typeof silent
}

export async function openAdmin(
  t: TestContext,
  { path = ':memory:', now = Date.now, tls, isExposed, logger = silent }: Options = {},
) {
  const store = openSqlite(path)
  if ((await store.counts()).users === 0) await furnish(store)
  const seen = await openLive({ store, logger, now })
  const { events } = seen
  const registry = new Registry({ store, vault: new Vault(Buffer.alloc(32, 1)), realm: 'example.org', events, now })
  const rotated: string[][] = []
  const gateways = {
    count: 1,
    connectedSince: () => undefined,
    makeTicket: async () => ({ uri: 'opencpns:ticket', expiresAtS: 2_000_000_000, ticketId: randomBytes(16) }),
    askToRotate: async (gateway: string, pneId: string) => void rotated.push([gateway, pneId]),
  }
  const links = {
    connectedSince: async (asked: readonly string[]) =>
      new Map(asked.filter((gateway) => gateway === GATEWAY).map((gateway) => [gateway, 1000])),
  }
  const watch = { ...seen, totals: new Totals(store, async () => 1), gateways }
  const door = createAdminDoor({ registry, events, watch, links, token: localToken, tls, isExposed, logger })
  const { url, port } = await door.listen()
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    await door.close()
    await events.close()
    await store.close()
  }
  t.after(close)

  const call = async (method: string, path: string, { token = localToken, headers = {}, body }: Call = {}) => {
    const json = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: json }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    } as Answer
  }
  /** A token of this role. */
  const tokenOf = async (role: Role, name: string = role) =>
    (await registry.operators.tokens.add({ name, role, by: 'local' })).token
  return { store, registry, events, live: seen.live, door, url, port, call, tokenOf, rotated, close }
}
