// A gateway on a free port of this machine, in a folder of its own, whose upstream is played by the test.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { silent } from '@opencpns/io'
import { Result } from '@opencpns/protocol'
import { assemble, type GatewaySettings } from '../../src/assemble.ts'
import { listen } from '../../src/gateway.ts'
import { claimDataFolder } from '../../src/keystore/data-folder.ts'
import type { Records, Upstream } from '../../src/upstream/upstream.ts'
import { ScriptedPne } from './scripted-pne.ts'

export const name = { identity: 'home-gw@example.org', realm: 'example.org' }

/** A facts object of one line of the log. */
export type LogLine = Record<string, unknown>

const away = { result: Result.serverUnreachable, reason: 'server-unreachable' } as const

/** An upstream whose server is down, but for what the test plays. */
export function scriptedUpstream(played: Partial<Upstream> = {}): Upstream {
  return {
    authenticate: async () => ({ ...away, serverRoundTrips: 0 }),
    assignKey: async () => away,
    renewKey: async () => away,
    confirmKey: async () => away,
    retireKey: async () => away,
    tell: () => false,
    load: () => ({ challenges: 0, inFlight: 0 }),
    connection: () => undefined,
    close: () => {},
    ...played,
  }
}

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-gateway-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

interface HarnessOptions extends Omit<GatewaySettings, 'logger'> {
  upstream?: Partial<Upstream>
  dataDir?: string
}

export async function startGateway(t: TestContext, options: HarnessOptions = {}) {
  const dataDir = options.dataDir ?? (await temporaryFolder(t))
  const folder = await claimDataFolder(dataDir, name)
  const lines: LogLine[] = []
  const log = (facts: object) => void lines.push(facts as LogLine)
  const logger = { ...silent, info: log, warn: log, error: log }
  let records: Records | undefined
  const open = (by: Records) => {
    records = by
    return scriptedUpstream(options.upstream)
  }
  const parts = assemble({ name, registers: true, open }, folder, { maxSessions: 100, logger, ...options })
  const gateway = await listen({ host: '127.0.0.1', port: 0 }, folder, parts)
  const pnes: ScriptedPne[] = []
  let pairedCount = 0
  let closed: Promise<void> | undefined
  const close = () => {
    for (const pne of pnes) pne.close()
    closed ??= gateway.close({ graceMs: 0 })
    return closed
  }
  t.after(close)
  return {
    ...parts,
    dataDir,
    folder,
    address: gateway.address,
    gateway,
    close,
    /** Lets go of the data folder in the middle of whatever goes on, as the end of the process would. */
    die: () => folder.close(),
    lines,
    /** What the upstream tells this gateway through. */
    records: records ?? assert.fail('the upstream was never opened'),
    authentications: () => lines.filter((line) => line['event'] === 'authentication'),
    async pne(): Promise<ScriptedPne> {
      const pne = await ScriptedPne.connect(gateway.address)
      pnes.push(pne)
      return pne
    },
    /** A PNE that this gateway has paired with. */
    paired() {
      const pne = { pneId: `pne-${++pairedCount}`, secondSeed: randomBytes(32), euKey: randomBytes(32) }
      const ticket = { ticketId: randomBytes(16), secret: randomBytes(16), expiresAtS: Date.now() / 1000 + 600 }
      folder.tickets.add({ ...ticket, expiresAtS: Math.floor(ticket.expiresAtS) })
      const state = folder.tickets.assign(ticket.ticketId, randomBytes(32), Date.now())
      if (state.is !== 'assigned') throw new Error(`the ticket is ${state.is}`)
      folder.keys.storePending(state.secondSeed, pne)
      folder.tickets.complete(ticket.ticketId, state.secondSeed, Date.now())
      return { ...pne, secondSeed: state.secondSeed }
    },
  }
}

/** Only a fault takes so long. */
const WAIT_MS = 30_000

/** Resolves as soon as the condition holds. It uses no timer, and not the clock that a test may have stopped. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS
  while (!condition()) {
    if (Date.now() > end) throw new Error(`this never came true: ${condition}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
