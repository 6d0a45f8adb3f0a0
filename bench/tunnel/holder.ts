// A process of its own: devices that hold their presence at a gateway. Takes `{host, port, pnes}` as one line on standard input,
// prints a line when all are there, and ends with its input.

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Credential, connect, PneError, type Session } from '@opencpns/pne'

const CONCURRENCY = 16
/** Who is turned away because the machine has too much to do comes again, for so long. */
const PATIENCE_MS = 60_000
const AGAIN_MS = 250

/** Octets in base64url. */
export interface Device {
  readonly pneId: string
  readonly secondSeed: string
  readonly euKey: string
}

export interface Holding {
  readonly host: string
  readonly port: number
  readonly gateway: string
  readonly realm: string
  readonly devices: readonly Device[]
}

export function credentialOf({ pneId, secondSeed, euKey }: Device, gateway: string, realm: string): Credential {
  const octets = (text: string) => Buffer.from(text, 'base64url')
  return new Credential({ pneId, realm, gateway, secondSeed: octets(secondSeed), euKey: octets(euKey) })
}

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })
  lines.once('line', (line) => void hold(JSON.parse(line)))
  lines.on('close', () => process.exit())
}

async function hold({ host, port, gateway, realm, devices }: Holding): Promise<void> {
  const sessions: Session[] = []
  const left = [...devices]
  const worker = async () => {
    for (let device = left.pop(); device; device = left.pop()) {
      sessions.push(await present({ host, port, credential: credentialOf(device, gateway, realm) }))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  process.stdout.write(`${sessions.length}\n`)
}

async function present(options: Parameters<typeof connect>[0]): Promise<Session> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await connect(options)
    } catch (error) {
      const mayPass = error instanceof PneError && ['BUSY', 'UNREACHABLE', 'DEADLINE_EXCEEDED'].includes(error.code)
      if (!mayPass || performance.now() > until) throw error
    }
    await sleep(AGAIN_MS)
  }
}
