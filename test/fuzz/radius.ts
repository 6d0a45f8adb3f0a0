// What a packet goes through: decoding, all definitions, EAP-Message, Message-Authenticator, MS-MPPE keys, encoding, the stream splitter.

import {
  decodePacket,
  dictionary,
  encodePacket,
  hasValidMessageAuthenticator,
  joinEapMessage,
  mskOf,
  type Packet,
  PacketSplitter,
  RadiusError,
} from '@opencpns/radius'
import { secret } from './seeds.ts'

export interface Tally {
  decoded: number
  refused: number
}

/** @throws whatever the codec throws that is not its own error, or an Error where it contradicts itself */
export function exercise(octets: Buffer, tally: Tally): void {
  const packet = orRefused(() => decodePacket(octets))
  if (!packet) {
    tally.refused++
    orRefused(() => [...new PacketSplitter().push(octets)])
    return
  }
  tally.decoded++
  checkRoundTrip(packet)
  checkSplitter(packet)
  for (const attribute of packet.attributes) orRefused(() => dictionary.get(attribute.type)?.read(attribute))
  orRefused(() => joinEapMessage(packet.attributes))
  orRefused(() => mskOf(packet.attributes, packet.authenticator, secret))
  if (packet.messageAuthenticatorAt !== undefined) hasValidMessageAuthenticator(packet, secret)
}

function checkRoundTrip(packet: Packet): void {
  if (!encodePacket(packet, packet.attributes).equals(packet.octets)) throw new Error('It encodes to other octets')
}

function checkSplitter(packet: Packet): void {
  const [first, ...more] = new PacketSplitter().push(packet.octets)
  if (more.length > 0 || !first?.equals(packet.octets)) throw new Error('A stream gives another packet')
}

function orRefused<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RadiusError && error.code === 'RADIUS_MALFORMED') return undefined
    throw error
  }
}
