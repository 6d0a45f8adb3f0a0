// The valid packets that mutations begin from: those of independent implementations as they were recorded, and two of ours for what
// they lack. Nothing here is left to chance, so that a seed gives the same packets every time.

import { readFileSync } from 'node:fs'
import {
  type Attribute,
  Code,
  encodePacket,
  NasIdentifier,
  NasIpAddress,
  ProxyState,
  SessionTimeout,
  SharedSecret,
  State,
  splitEapMessage,
  UserName,
} from '@opencpns/radius'

interface Recorded {
  sharedSecret: string
  packets: { octets: string }[]
}

const recorded: Recorded = JSON.parse(
  readFileSync(new URL('../../packages/radius/test/captured.json', import.meta.url), 'utf8'),
)

export const secret = SharedSecret.of(recorded.sharedSecret)

const longRequest: Attribute[] = [
  UserName.of('someone@example.org'),
  NasIpAddress.of('192.0.2.1'),
  NasIdentifier.of('ap1'),
  ...splitEapMessage(Buffer.alloc(600, 1)),
  State.of(Buffer.alloc(16, 2)),
  ProxyState.of(Buffer.alloc(8, 3)),
  ProxyState.of(Buffer.alloc(8, 4)),
]

export function seedPackets(): Buffer[] {
  const authenticator = Buffer.alloc(16, 5)
  return [
    encodePacket({ code: Code.AccessRequest, identifier: 1, authenticator }, longRequest),
    encodePacket({ code: Code.AccessAccept, identifier: 1, authenticator }, [SessionTimeout.of(3600)]),
    ...recorded.packets.map(({ octets }) => Buffer.from(octets, 'hex')),
  ]
}
