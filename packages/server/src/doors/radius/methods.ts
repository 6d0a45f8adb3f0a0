// A device that does not want EAP-GPSK says what it would take instead, by a Nak (RFC 3748 section 5.3.1): the operator is told.

import type { TypedPacket } from '@opencpns/eap'
import { Refusal } from '../../refusal.ts'

/** Method types of the IANA registry that devices offer. */
const names: Readonly<Record<number, string>> = {
  4: 'MD5-Challenge',
  6: 'GTC',
  13: 'TLS',
  17: 'LEAP',
  18: 'SIM',
  21: 'TTLS',
  23: 'AKA',
  25: 'PEAP',
  26: 'MSCHAPv2',
  43: 'FAST',
  47: 'PSK',
  48: 'SAKE',
  49: 'IKEv2',
  50: "AKA'",
  51: 'GPSK',
  52: 'PWD',
  53: 'EKE',
  55: 'TEAP',
}
const NONE = 0
const SHOWN_MAX = 8

export function methodRefused({ data }: TypedPacket): Refusal {
  const types = [...data.subarray(0, SHOWN_MAX)].filter((type) => type !== NONE)
  const offered = types.map((type) => `${names[type] ?? 'method'} (${type})`).join(', ') || 'no other method'
  const detail = `the device offers ${offered}, but not EAP-GPSK (51): set eap=GPSK there`
  return new Refusal('EAP_METHOD_REFUSED', { detail })
}
