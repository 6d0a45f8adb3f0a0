// What a server must keep between GPSK-3 and GPSK-4, and nothing else: for RADIUS, where a State attribute carries it.

import { nextIdentifier } from '../packet.ts'
import { Reader } from '../reader.ts'
import { type Ciphersuite, ciphersuite } from './ciphersuite.ts'
import { type GpskKeys, MSK_OCTETS } from './keys.ts'
import type { Gpsk2 } from './messages.ts'

/**
 * An awaited GPSK-4: its identifier, SK to check its MAC, and MSK to hand out once it is right. Neither EMSK nor Session-Id.
 * Shows no key in inspection, JSON or logs.
 */
export class AwaitedGpsk4 {
  readonly identifier: number
  readonly ciphersuite: Ciphersuite
  readonly #sk: Uint8Array
  readonly #msk: Uint8Array

  constructor(identifier: number, keys: Pick<GpskKeys, 'ciphersuite' | 'sk' | 'msk'>) {
    this.identifier = identifier
    this.ciphersuite = keys.ciphersuite
    this.#sk = keys.sk
    this.#msk = keys.msk
  }

  /** KS octets. */
  get sk(): Uint8Array {
    return this.#sk
  }

  /** 64 octets. Not to be handed out before `verifyGpsk4` returned. */
  get msk(): Uint8Array {
    return this.#msk
  }
}

/** What to keep after GPSK-3 was sent in answer to `answered`. */
export function awaitGpsk4(answered: Gpsk2, keys: GpskKeys): AwaitedGpsk4 {
  return new AwaitedGpsk4(nextIdentifier(answered.identifier), keys)
}

/**
 * identifier (1) || ciphersuite (1) || SK (KS) || MSK (64): 82 octets with ciphersuite 1, 98 with 2.
 * These are **keys in the clear**: encrypt and authenticate them (AEAD), with a time, before they leave the process.
 */
export function encodeAwaitedGpsk4(awaited: AwaitedGpsk4): Buffer {
  return Buffer.concat([Buffer.of(awaited.identifier, awaited.ciphersuite.id), awaited.sk, awaited.msk])
}

/**
 * The keys are copies: `octets` can be wiped.
 * @throws {EapError} EAP_MALFORMED, EAP_UNSUPPORTED_CIPHERSUITE
 */
export function decodeAwaitedGpsk4(octets: Uint8Array): AwaitedGpsk4 {
  const reader = new Reader(Uint8Array.from(octets))
  const identifier = reader.uint(1)
  const suite = ciphersuite(reader.uint(1))
  const keys = { ciphersuite: suite, sk: reader.take(suite.ks), msk: reader.take(MSK_OCTETS) }
  reader.end()
  return new AwaitedGpsk4(identifier, keys)
}
