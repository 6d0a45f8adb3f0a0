// RFC 2548, Microsoft vendor-specific attributes: MS-MPPE-Send-Key and MS-MPPE-Recv-Key (section 2.4), which carry the MSK of an
// EAP method to the authenticator (RFC 3748 section 7.10; first half of the MSK is Recv-Key, second half is Send-Key).
// Leaves out MS-CHAP and all else of that vendor.

import { randomInt } from 'node:crypto'
import type { Attribute } from './attribute.ts'
import { RadiusError } from './errors.ts'
import { VendorSpecific } from './rfc2865.ts'
import type { SharedSecret } from './secret.ts'

export const MSK_OCTETS = 64

const MICROSOFT = 311
const SEND_KEY = 16
const RECV_KEY = 17
const VENDOR_ID_OCTETS = 4
const VENDOR_HEADER_OCTETS = 2
const SALT_OCTETS = 2
const SALT_TOP_BIT = 0x8000
const BLOCK_OCTETS = 16
const NONE = Buffer.alloc(0)

/**
 * The MSK (64 octets) as MS-MPPE-Recv-Key and MS-MPPE-Send-Key, encrypted for the request with this authenticator.
 * @throws {RangeError} `msk` is not of 64 octets
 */
export function mskAttributes(msk: Uint8Array, requestAuthenticator: Uint8Array, secret: SharedSecret): Attribute[] {
  if (msk.length !== MSK_OCTETS) throw new RangeError(`An MSK has ${MSK_OCTETS} octets, not ${msk.length}`)
  const salt = randomInt(SALT_TOP_BIT, 2 * SALT_TOP_BIT)
  const key = (type: number, half: Uint8Array, salt: number) =>
    microsoft(type, encryptKey(half, salt, requestAuthenticator, secret))
  // The two salts differ, as section 2.4.2 wants.
  return [key(RECV_KEY, msk.subarray(0, MSK_OCTETS / 2), salt), key(SEND_KEY, msk.subarray(MSK_OCTETS / 2), salt ^ 1)]
}

/**
 * The MSK out of an answer's attributes, or undefined where a key is missing or not of 32 octets.
 * @throws {RadiusError} RADIUS_MALFORMED: a key that does not decrypt, or is there twice
 */
export function mskOf(
  attributes: readonly Attribute[],
  requestAuthenticator: Uint8Array,
  secret: SharedSecret,
): Buffer | undefined {
  const keys = new Map<number, Buffer>()
  for (const { type, value } of microsoftAttributes(attributes)) {
    if (type !== SEND_KEY && type !== RECV_KEY) continue
    if (keys.has(type)) throw malformed('An MS-MPPE key is there twice')
    keys.set(type, decryptKey(value, requestAuthenticator, secret))
  }
  const recv = keys.get(RECV_KEY)
  const send = keys.get(SEND_KEY)
  if (recv?.length !== MSK_OCTETS / 2 || send?.length !== MSK_OCTETS / 2) return undefined
  return Buffer.concat([recv, send])
}

/** Salt || E(length of key || key || zeros), the string field of section 2.4.2. */
export function encryptKey(key: Uint8Array, salt: number, authenticator: Uint8Array, secret: SharedSecret): Buffer {
  const plainOctets = Math.ceil((1 + key.length) / BLOCK_OCTETS) * BLOCK_OCTETS
  const octets = Buffer.alloc(SALT_OCTETS + plainOctets)
  octets.writeUInt16BE(salt)
  octets[SALT_OCTETS] = key.length
  octets.set(key, SALT_OCTETS + 1)
  xorKeyStream(octets, octets, authenticator, secret)
  return octets
}

/** @throws {RadiusError} RADIUS_MALFORMED: not of salt and whole blocks, or the length inside does not fit */
export function decryptKey(octets: Buffer, authenticator: Uint8Array, secret: SharedSecret): Buffer {
  const cipherOctets = octets.length - SALT_OCTETS
  if (cipherOctets < BLOCK_OCTETS || cipherOctets % BLOCK_OCTETS !== 0) {
    throw malformed(`An MS-MPPE key of ${octets.length} octets is not a salt and whole blocks`)
  }
  const plain = Buffer.from(octets)
  xorKeyStream(plain, octets, authenticator, secret)
  const length = plain[SALT_OCTETS] as number
  if (length > cipherOctets - 1) throw malformed('An MS-MPPE key does not decrypt: is the shared secret the same?')
  return plain.subarray(SALT_OCTETS + 1, SALT_OCTETS + 1 + length)
}

/**
 * XORs all after the salt of `octets` with b(1) = MD5(secret || authenticator || salt), b(i) = MD5(secret || c(i-1)), where the
 * cipher blocks c are those of `cipher` (the same buffer when encrypting: a block is done before it is needed).
 */
function xorKeyStream(octets: Buffer, cipher: Buffer, authenticator: Uint8Array, secret: SharedSecret): void {
  let stream = secret.md5Before(authenticator, cipher.subarray(0, SALT_OCTETS))
  for (let at = SALT_OCTETS; at < octets.length; at += BLOCK_OCTETS) {
    if (at > SALT_OCTETS) stream = secret.md5Before(cipher.subarray(at - BLOCK_OCTETS, at), NONE)
    for (let i = 0; i < BLOCK_OCTETS; i++) octets[at + i] = (octets[at + i] as number) ^ (stream[i] as number)
  }
}

function microsoft(type: number, value: Buffer): Attribute {
  const octets = Buffer.allocUnsafe(VENDOR_ID_OCTETS + VENDOR_HEADER_OCTETS + value.length)
  octets.writeUInt32BE(MICROSOFT)
  octets[VENDOR_ID_OCTETS] = type
  octets[VENDOR_ID_OCTETS + 1] = VENDOR_HEADER_OCTETS + value.length
  octets.set(value, VENDOR_ID_OCTETS + VENDOR_HEADER_OCTETS)
  return VendorSpecific.of(octets)
}

/** What Vendor-Specific attributes of Microsoft hold: one or more sub-attributes each. */
function microsoftAttributes(attributes: readonly Attribute[]): Attribute[] {
  const found: Attribute[] = []
  for (const octets of VendorSpecific.findAll(attributes)) {
    if (octets.readUInt32BE() !== MICROSOFT) continue
    for (let at = VENDOR_ID_OCTETS; at < octets.length; ) {
      const length = octets[at + 1]
      if (length === undefined || length < VENDOR_HEADER_OCTETS || at + length > octets.length) {
        throw malformed('A Microsoft attribute does not fit its Vendor-Specific')
      }
      found.push({ type: octets[at] as number, value: octets.subarray(at + VENDOR_HEADER_OCTETS, at + length) })
      at += length
    }
  }
  return found
}

function malformed(message: string): RadiusError {
  return new RadiusError('RADIUS_MALFORMED', message)
}
