// The key schedule of EAP-GPSK: RFC 5433 section 4. What an RFC reader may stumble over: Method-ID is keyed with the first KS
// octets of the PSK, as hostapd and wpa_supplicant do (docs/vectors/eap-gpsk.json).

import { EapError, FailureCode } from '../errors.ts'
import { Type } from '../packet.ts'
import { type Ciphersuite, ciphersuite, gkdf, type Mac } from './ciphersuite.ts'

export const MSK_OCTETS = 64
const EMSK_OCTETS = 64
const METHOD_ID_OCTETS = 16
const PSK_MAX_OCTETS = 0xffff
const METHOD_ID_LABEL = Buffer.from('Method ID')

/** What both sides know of a conversation after GPSK-2, beside the PSK: RANDs of 32 octets, identities of up to 253. */
export interface KeyInput {
  readonly randPeer: Uint8Array
  readonly idPeer: Uint8Array
  readonly randServer: Uint8Array
  readonly idServer: Uint8Array
  readonly csuiteSel: number
}

/**
 * The keys of a conversation, each derived when first asked for. They show in no inspection, JSON or log.
 * They stand on their own: the PSK may be wiped once an object was made.
 */
export class GpskKeys {
  readonly ciphersuite: Ciphersuite
  readonly #psk: Mac
  readonly #mk: Mac
  readonly #inputString: Buffer
  #msk?: Buffer
  #emsk?: Buffer
  #sk?: Buffer
  #skMac?: Mac
  #pk?: Buffer
  #sessionId?: Buffer

  /**
   * @param psk KS to 65,535 octets
   * @throws {EapError} EAP_UNSUPPORTED_CIPHERSUITE; EAP_WEAK_PSK: shorter than KS
   * @throws {RangeError} longer than 65,535 octets: a caller's bug
   */
  constructor(psk: Uint8Array, input: KeyInput) {
    const suite = ciphersuite(input.csuiteSel)
    checkPsk(psk, suite)
    this.ciphersuite = suite
    this.#inputString = Buffer.concat([input.randPeer, input.idPeer, input.randServer, input.idServer])
    this.#psk = suite.mac(Buffer.from(psk.subarray(0, suite.ks)))
    this.#mk = suite.mac(deriveMk(suite, this.#psk, psk, this.#inputString))
  }

  /** Master session key, 64 octets: what the method exports. */
  get msk(): Buffer {
    this.#msk ??= this.#derive(MSK_OCTETS, 0)
    return this.#msk
  }

  /** Extended MSK, 64 octets. */
  get emsk(): Buffer {
    this.#emsk ??= this.#derive(EMSK_OCTETS, MSK_OCTETS)
    return this.#emsk
  }

  /** Session key, KS octets: keys the MACs of GPSK-2, GPSK-3, GPSK-4 and GPSK-Protected-Fail. */
  get sk(): Buffer {
    this.#sk ??= this.#derive(this.ciphersuite.ks, MSK_OCTETS + EMSK_OCTETS)
    return this.#sk
  }

  /** The MAC keyed with SK. */
  get skMac(): Mac {
    this.#skMac ??= this.ciphersuite.mac(this.sk)
    return this.#skMac
  }

  /** Payload key, 16 octets with ciphersuite 1; empty with ciphersuite 2, which encrypts nothing. */
  get pk(): Buffer {
    this.#pk ??= this.#derive(this.ciphersuite.pkOctets, MSK_OCTETS + EMSK_OCTETS + this.ciphersuite.ks)
    return this.#pk
  }

  /** EAP Session-Id (RFC 5247), 17 octets: the type, then Method-ID. Not a secret. */
  get sessionId(): Buffer {
    this.#sessionId ??= this.#deriveSessionId()
    return this.#sessionId
  }

  #derive(octets: number, offset: number): Buffer {
    return gkdf(this.ciphersuite, this.#mk, [this.#inputString], octets, offset)
  }

  #deriveSessionId(): Buffer {
    const type = Buffer.of(Type.Gpsk)
    const data = [METHOD_ID_LABEL, type, this.ciphersuite.csuiteSel, this.#inputString]
    return Buffer.concat([type, gkdf(this.ciphersuite, this.#psk, data, METHOD_ID_OCTETS)])
  }
}

/** MK = GKDF-KS(PSK[0..KS-1], PL || PSK || CSuite_Sel || inputString): KS octets. `mac` is keyed with PSK[0..KS-1]. */
export function deriveMk(suite: Ciphersuite, mac: Mac, psk: Uint8Array, inputString: Uint8Array): Buffer {
  const pl = Buffer.of(psk.length >> 8, psk.length & 0xff)
  return gkdf(suite, mac, [pl, psk, suite.csuiteSel, inputString], suite.ks)
}

function checkPsk(psk: Uint8Array, { id, ks }: Ciphersuite): void {
  if (psk.length > PSK_MAX_OCTETS) throw new RangeError(`A PSK has at most ${PSK_MAX_OCTETS} octets`)
  if (psk.length < ks) {
    throw new EapError('EAP_WEAK_PSK', `Ciphersuite ${id} needs a PSK of ${ks} octets or more`, {
      tell: FailureCode.AuthenticationFailure,
    })
  }
}
