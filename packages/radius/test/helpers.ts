// What several tests of this package need: a source without a socket, a request in the making, a wait for a condition.

import { readFileSync } from 'node:fs'
import type { Attribute } from '../src/attribute.ts'
import { Code } from '../src/packet.ts'
import { encodeRequest, type SentRequest } from '../src/request.ts'
import { NasIdentifier, UserName } from '../src/rfc2865.ts'
import { splitEapMessage } from '../src/rfc3579.ts'
import { SharedSecret } from '../src/secret.ts'
import type { Source } from '../src/server/exchange.ts'

export const secret = SharedSecret.of('a secret of this test')

export const attributes: Attribute[] = [
  UserName.of('someone@example.org'),
  NasIdentifier.of('ap1'),
  ...splitEapMessage(Buffer.from('0201000501', 'hex')),
]

export function accessRequest(identifier = 7, more: readonly Attribute[] = []): SentRequest {
  return encodeRequest(Code.AccessRequest, identifier, [...attributes, ...more], secret)
}

/** Keeps what it is told to send. */
export class TestSource implements Source {
  readonly transport = 'udp'
  readonly address: string
  readonly port: number
  readonly certificate = undefined
  readonly client = undefined
  readonly sent: Buffer[] = []
  offences = 0

  constructor(address = '192.0.2.1', port = 1000) {
    this.address = address
    this.port = port
  }

  send(octets: Buffer): void {
    this.sent.push(octets)
  }

  offend(): void {
    this.offences++
  }
}

interface Captured {
  source: string
  sharedSecret: string
  packets: { direction: 'to server' | 'from server'; octets: string }[]
  msk: string
}

export const captured: Captured = JSON.parse(readFileSync(new URL('./captured.json', import.meta.url), 'utf8'))

/** Resolves once `holds` does; fails after 30 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
