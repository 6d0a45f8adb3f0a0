// The device as stock 802.1X software knows it (wpa_supplicant): identity and EAP-GPSK key, for a wire or for Wi-Fi.

import { deriveGpskPsk, peerIdentity } from '@opencpns/protocol'
import type { Credential } from './credential.ts'
import { PneError } from './errors.ts'

const SSID_MAX_OCTETS = 32
/** Ciphersuite 2, HMAC-SHA-256: what the server prefers too. */
const CIPHERSUITE = 2

/** What the software has to be told. `password` is a secret. */
export interface Network {
  readonly eap: 'GPSK'
  readonly identity: string
  /** The PSK of EAP-GPSK, 32 octets, in hexadecimal. */
  readonly password: string
  readonly phase1: string
}

export function networkOf(credential: Credential): Network {
  const { secondSeed, realm, euKey } = credential
  return {
    eap: 'GPSK',
    identity: peerIdentity(secondSeed, realm),
    password: deriveGpskPsk(euKey).toString('hex'),
    phase1: `cipher=${CIPHERSUITE}`,
  }
}

/**
 * A network block of wpa_supplicant.conf.
 * @param ssid  name of the Wi-Fi, 1 to 32 octets; without one the block is for a wire
 * @throws {PneError} BAD_SSID
 */
export function exportNetwork(credential: Credential, { ssid }: { ssid?: string | undefined } = {}): string {
  const { eap, identity, password, phase1 } = networkOf(credential)
  const lines = [
    ...(ssid === undefined ? ['key_mgmt=IEEE8021X', 'eapol_flags=0'] : wifi(ssid)),
    `eap=${eap}`,
    `identity="${identity}"`,
    `password=${password}`,
    `phase1="${phase1}"`,
  ]
  return ['network={', ...lines.map((line) => `  ${line}`), '}'].join('\n')
}

function wifi(ssid: string): string[] {
  const octets = Buffer.from(ssid)
  if (octets.length === 0 || octets.length > SSID_MAX_OCTETS) {
    throw new PneError(
      'BAD_SSID',
      `the name of a Wi-Fi has 1 to ${SSID_MAX_OCTETS} octets: give the one of the network`,
    )
  }
  // In quotes wpa_supplicant takes every octet as it is, up to the last quote; hexadecimal has no such limits.
  const plain = /^[\w .-]+$/.test(ssid)
  return [`ssid=${plain ? `"${ssid}"` : octets.toString('hex')}`, 'key_mgmt=WPA-EAP WPA-EAP-SHA256', 'ieee80211w=1']
}
