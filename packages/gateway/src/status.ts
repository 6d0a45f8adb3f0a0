// How a gateway is: what its database says, and what only the running process knows. The process writes that to status.json
// in the data folder, at most once a second and only when something has changed, so that nobody has to be asked.

import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isClaimed, openDataFolder } from './keystore/data-folder.ts'
import type { Policy } from './keystore/policy-store.ts'

const INTERVAL_MS = 1000

interface ConnectionStatus {
  readonly connected: boolean
  readonly since: string
}

/** Times are ISO 8601, UTC. */
interface LiveStatus {
  readonly started: string
  /** Whether there is a connection to the CPNS Server, and since when; null where there is none to have (RADIUS). */
  readonly server: ConnectionStatus | null
  /** Each replica of it that the gateway keeps a connection to, or tries to. */
  readonly servers: readonly (ConnectionStatus & { readonly address: string })[]
  /** Open sessions: those of presence, and all. */
  readonly sessions: { readonly open: number; readonly presence: number }
}

export interface GatewayStatus {
  readonly identity: string
  readonly running: boolean
  /** Where it listens, or listened last: `HOST:PORT`. */
  readonly listen: string | null
  /** Only of a gateway that runs. */
  readonly live: LiveStatus | null
  /** Reports of presence that the server has not counted yet. */
  readonly outbox: number
  /** EUKeys of paired PNEs. */
  readonly keys: number
  /** Tickets that a PNE may still use. */
  readonly tickets: number
  /** Number of the last line of the server's revocation log that was acted on. */
  readonly revokedUpTo: number
  /** What the server last told it to hold to. */
  readonly policy: Policy
}

/**
 * How the gateway of this data folder is, whether it runs or not.
 * @throws {GatewayError} DATA_FOLDER_NOT_INITIALISED, STORAGE_KEY_WRONG, DATABASE_…
 */
export async function readGatewayStatus(dataDir: string): Promise<GatewayStatus> {
  const folder = await openDataFolder(dataDir)
  try {
    const running = isClaimed(dataDir)
    return {
      identity: folder.name.identity,
      running,
      listen: folder.address() ?? null,
      live: running ? readLive(dataDir) : null,
      outbox: folder.outbox.length,
      keys: folder.keys.count(),
      tickets: folder.tickets.count(Date.now()),
      revokedUpTo: folder.keys.revokedUpTo(),
      policy: folder.policy.current,
    }
  } finally {
    folder.close()
  }
}

/** Null in the first moment of a gateway, and when its disk is full. */
function readLive(dataDir: string): LiveStatus | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'status.json'), 'utf8'))
  } catch {
    return null
  }
}

/** Keeps status.json up to date. It need not survive anything, so nothing waits for the disk. */
export class StatusFile {
  readonly #path: string
  readonly #facts: () => Omit<LiveStatus, 'started'>
  readonly #started = new Date().toISOString()
  readonly #timer: NodeJS.Timeout
  #written = ''
  #writing: Promise<void> = Promise.resolve()

  constructor(dataDir: string, facts: () => Omit<LiveStatus, 'started'>) {
    this.#path = join(dataDir, 'status.json')
    this.#facts = facts
    this.#timer = setInterval(() => this.#update(), INTERVAL_MS).unref()
    this.#update()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await rm(this.#path, { force: true }).catch(() => {})
  }

  #update(): void {
    const text = JSON.stringify({ started: this.#started, ...this.#facts() })
    if (text === this.#written) return
    this.#written = text
    this.#writing = this.#writing.then(() => this.#write(text)).catch(() => {})
  }

  async #write(text: string): Promise<void> {
    const temporary = `${this.#path}.tmp`
    await writeFile(temporary, text, { mode: 0o600 })
    await rename(temporary, this.#path)
  }
}
