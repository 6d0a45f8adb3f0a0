// The ciphersuites of EAP-GPSK (RFC 5433 section 8.1) and their key derivation function, GKDF (section 7).
// No payload is ever encrypted: what ciphersuite 1 could encrypt, PD_Payload, we neither send nor read.

import { hmacSha256 } from '@opencpns/hmac'
import { EapError } from '../errors.ts'
import { aesCmac } from './cmac.ts'

/** A MAC with its key: octets of any length in, KS octets out. */
export type Mac = (octets: Uint8Array) => Buffer

export interface Ciphersuite {
  /** CSuite/Vendor (4 octets) and CSuite/Specifier (2) as one number of 48 bits; vendor 0, the IETF, leaves the specifier. */
  readonly id: number
  /** `id` as messages and derivations have it: 6 octets. */
  readonly csuiteSel: Buffer
  /** KS: octets of a key and of a MAC. */
  readonly ks: number
  /** Octets of PK, the key for payloads; 0 where the ciphersuite encrypts nothing. */
  readonly pkOctets: number
  /** @param key KS octets */
  mac(key: Uint8Array): Mac
}

/** The place of i before the data of GKDF. */
const COUNTER = Buffer.alloc(2)

/** Ciphersuite 1: AES-CMAC-128. */
const AES_CMAC_128: Ciphersuite = { id: 1, csuiteSel: Buffer.of(0, 0, 0, 0, 0, 1), ks: 16, pkOctets: 16, mac: aesCmac }

/** Ciphersuite 2: HMAC-SHA-256, without encryption. */
const HMAC_SHA_256: Ciphersuite = {
  id: 2,
  csuiteSel: Buffer.of(0, 0, 0, 0, 0, 2),
  ks: 32,
  pkOctets: 0,
  mac: (key) => (octets) => hmacSha256(key, octets),
}

const SUITES: ReadonlyMap<number, Ciphersuite> = new Map([AES_CMAC_128, HMAC_SHA_256].map((suite) => [suite.id, suite]))

/** The ciphersuites that are implemented, best first: what a server offers and the order in which a peer chooses. */
export const CIPHERSUITES: readonly number[] = [HMAC_SHA_256.id, AES_CMAC_128.id]

/** @throws {EapError} EAP_UNSUPPORTED_CIPHERSUITE */
export function ciphersuite(id: number): Ciphersuite {
  const suite = SUITES.get(id)
  if (suite === undefined) {
    throw new EapError('EAP_UNSUPPORTED_CIPHERSUITE', `Ciphersuite ${id} is not implemented; choose 2 or 1`)
  }
  return suite
}

/**
 * GKDF (RFC 5433 section 7): `size` octets, from `offset` on, of M_1 || M_2 || …, M_i = MAC(i || data), i in 2 octets
 * big-endian. No M_i needs another one, so those before `offset` are not computed.
 * @param data   in parts, as they follow each other
 * @param offset a multiple of KS
 * @throws {RangeError} `offset` inside a MAC, or more than 65,535 MACs: a caller's bug, no peer can cause it
 */
export function gkdf({ ks }: Ciphersuite, mac: Mac, data: readonly Uint8Array[], size: number, offset = 0): Buffer {
  if (offset % ks !== 0) throw new RangeError(`GKDF cannot begin at octet ${offset}: MACs have ${ks} octets`)
  const input = Buffer.concat([COUNTER, ...data])
  const output = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at += ks) {
    input.writeUInt16BE(1 + (offset + at) / ks)
    mac(input).copy(output, at)
  }
  return output
}
