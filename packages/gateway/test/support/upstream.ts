// A gateway's side of the link alone: the CPNS upstream at scripted servers, with records in memory, and PNEs that answer.

import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { silent } from '@opencpns/io'
import { encode, ForwardedResponse, Result } from '@opencpns/protocol'
import type { Lookup } from '../../src/upstream/addresses.ts'
import { cpnsUpstream } from '../../src/upstream/cpns.ts'
import type { PneExchange, ReportQueue, RevocationLog, Upstream } from '../../src/upstream/upstream.ts'
import { type LogLine, name, until } from './harness.ts'
import { issueChallenges, type ScriptedServer, type ServerRequest } from './scripted-server.ts'

export const secret = randomBytes(32)
export const transientKey = randomBytes(32)

interface ConnectOptions {
  readonly key?: Uint8Array
  readonly revokedUpTo?: number
  readonly lookup?: Lookup
}

type At = Pick<ScriptedServer, 'address'>

export function connect(t: TestContext, at: At | readonly At[], options: ConnectOptions = {}) {
  const { key = secret, revokedUpTo = 0, lookup } = options
  const servers = 'address' in at ? [at] : at
  const lines: LogLine[] = []
  const log = (facts: object) => void lines.push(facts as LogLine)
  const revoked: { tags: string[]; upTo: number } = { tags: [], upTo: revokedUpTo }
  const revocationLog: RevocationLog = {
    revokedUpTo: () => revoked.upTo,
    revoke: (tags, upTo) => {
      revoked.tags.push(...tags.map((tag) => Buffer.from(tag).toString('hex')))
      revoked.upTo = upTo
    },
  }
  const reports: ReportQueue = {
    onReports: () => {},
    next: () => undefined,
    counted: () => {},
    continueAfter: () => {},
  }
  const policies: object[] = []
  const told: string[] = []
  const tickets: object[] = []
  const upstream = cpnsUpstream({
    servers: servers.map(({ address }) => address),
    ...(lookup && { lookup }),
    credential: { ...name, secret: key },
    logger: { ...silent, info: log, warn: log, error: log },
    records: {
      revocationLog,
      reports,
      policy: { note: (policy) => void policies.push(policy) },
      connected: () => void told.push('connected'),
      policyChanged: () => void told.push('policy-changed'),
      makeTicket: (wishes) => {
        tickets.push(wishes)
        return { uri: 'cpns:here', expiresAtS: 1764000600, ticketId: Buffer.alloc(16, 5) }
      },
      rotate: (pneId) => void told.push(`rotate ${pneId}`),
    },
  })
  t.after(() => upstream.close())
  return { upstream, lines, revoked, reports, policies, told, tickets }
}

/** As {@link connect}; resolves when there is a connection to each server. */
export async function connected(t: TestContext, at: At | readonly At[], options?: ConnectOptions) {
  const made = connect(t, at, options)
  await linked(made.upstream, 'address' in at ? 1 : at.length)
  return made
}

/** Those that are connected, of the servers of this gateway. */
export const connections = (upstream: Upstream) =>
  upstream.connection()?.servers.filter((server) => server.connected) ?? []

/** Resolves when this gateway is connected to so many servers. */
export const linked = (upstream: Upstream, count: number) => until(() => connections(upstream).length === count)

export const sessionId = Buffer.alloc(16, 3)

/** A PNE that answers every challenge; the challenges that it got. */
export function answering() {
  const challenges: string[] = []
  const steps: number[] = []
  const pne: PneExchange = {
    secondSeed: randomBytes(32),
    realm: 'example.org',
    sessionId: sessionId.toString('base64url'),
    challenge: async (eap) => {
      challenges.push(Buffer.from(eap).toString())
      return Buffer.from('GPSK-2')
    },
    step: (step) => void steps.push(step),
  }
  return { pne, challenges, steps }
}

export function vouch(request: ServerRequest): Uint8Array | undefined {
  if (request.type !== 'ForwardedRequest') return issueChallenges(request)
  const { id } = request
  const eap = Buffer.from('GPSK-3')
  return encode(ForwardedResponse, {
    id,
    result: Result.success,
    eap,
    transientKey,
    lifetimeS: 60,
    pneId: 'pne-7',
    user: 'bob',
  })
}

export const forwarded = (server: ScriptedServer) => server.requests.filter((one) => one.type === 'ForwardedRequest')
