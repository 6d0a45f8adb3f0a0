// Bodies that every receiver must refuse, written octet by octet: docs/protocol.md section 3. The codec is asked about each
// when the vectors are made, so that none gets in which it would take.

import type { Message } from '@opencpns/protocol'
import * as protocol from '@opencpns/protocol'

const messages = (Object.values(protocol) as unknown[]).filter(
  (one): one is Message => typeof one === 'object' && one !== null && 'number' in one && 'fields' in one,
)

// Parts of bodies, in hex; a space stands between a body's entries where they are many
const SEED = `5820${'20'.repeat(32)}`
const ID16 = `50${'d0'.repeat(16)}`
const REALM = '6b6578616d706c652e6f7267' // "example.org"
const GATEWAY = '63614062' // "a@b"

/** AuthenticationRequest with a traceparent, as hex of its text. */
function traced(text: string): string {
  return `a5000101810102${SEED}03${REALM}06${text}`
}

const hexOf = (text: string) => Buffer.from(text).toString('hex')

/** AuthenticationRequest, by its fields from 1 on; each is good unless given. */
function request({ versions = '8101', seed = SEED, realm = REALM, service = '' } = {}): string {
  return `${service ? 'a5' : 'a4'}000101${versions}02${seed}03${realm}${service && `04${service}`}`
}

/** Octets or text of a length, with the head that belongs to it. */
function run(major: 'bytes' | 'text', length: number, octet = '61'): string {
  const type = major === 'bytes' ? 0x40 : 0x60
  const head =
    length < 24 ? [type | length] : length < 256 ? [type | 24, length] : [type | 25, length >> 8, length & 0xff]
  return Buffer.from(head).toString('hex') + octet.repeat(length)
}

const refusals: [reason: string, body: string][] = [
  // Not the deterministic encoding: each of these says what a good body says
  ['an integer that is not in its shortest form, in 1 octet', 'a1001806'],
  ['an integer that is not in its shortest form, in 2 octets', 'a100190006'],
  ['an integer that is not in its shortest form, in 8 octets', 'a1001b0000000000000006'],
  ['a key that is not in its shortest form', 'a1180006'],
  ['a map whose count is not in its shortest form', 'b8010006'],
  ['octets whose length is not in its shortest form', 'a2000301580401000004'],
  ['text whose length is not in its shortest form', request({ realm: '780b6578616d706c652e6f7267' })],
  ['an array whose count is not in its shortest form', request({ versions: '980101' })],
  ['a map of indefinite length', 'bf0006ff'],
  ['an array of indefinite length', request({ versions: '9f01ff' })],
  ['octets of indefinite length', 'a20003015f4401000004ff'],
  ['text of indefinite length', request({ realm: '7f6b6578616d706c652e6f7267ff' })],
  ['keys in descending order', 'a201000008'],
  ['the number of the message not first', 'a201010005'],
  ['a key twice', 'a3000801000100'],
  ['the number of the message twice', 'a200060006'],
  ['a tag', 'a1c00006'],
  ['a tag before a value', 'a2000801c100'],
  ['a number as floating point', 'a100f94600'],
  ['a field as floating point', 'a2000801f93c00'],
  ['a number as a bignum', 'a100c24106'],
  // Not one whole item
  ['an octet after the item', 'a1000600'],
  ['two items', 'a10006a10006'],
  ['cut off after a key', 'a100'],
  ['cut off before the last entry', 'a20008'],
  ['octets that claim more than there is', 'a20003015affffffff'],
  ['an array that claims more than there is', 'a30001019bffffffffffffffff'],
  ['a map that claims more than there is', 'bbffffffffffffffff'],
  ['arrays in arrays, 64 deep', '81'.repeat(64)],
  ['a break without a beginning', 'ff'],
  ['a reserved head', '1c'],
  // Not a map, or not with such keys
  ['an integer instead of a map', '06'],
  ['an array instead of a map', '820006'],
  ['octets instead of a map', '43a10006'],
  ['null instead of a map', 'f6'],
  ['an empty map', 'a0'],
  ['no number of a message', 'a10100'],
  ['a key of text', 'a1613006'],
  ['a key of octets', 'a1410006'],
  ['a negative key', 'a200062000'],
  ['a key of false', 'a1f406'],
  // Not a message
  ['a number that no message has', 'a1001863'],
  ['number 0', 'a10000'],
  ['a negative number', 'a10026'],
  ['a number as text', 'a1006136'],
  ['true for number 1', `a4 00f5 018101 02${SEED} 03${REALM}`],
  // Fields
  ['an unknown key', 'a200060100'],
  ['a key beyond those of the message', 'a300080100181900'],
  ['a missing key', 'a10008'],
  ['a missing key between others', `a3000102${SEED}03${REALM}`],
  ['null for a field that may be missing', 'a30005010102f6'],
  ['undefined for a field that may be missing', 'a30005010102f7'],
  ['false for an integer', 'a2000801f4'],
  ['an integer for a boolean', 'a6 00182c 0105 0200 0380 0409 0501'],
  ['a negative integer', 'a200080120'],
  ['a result that does not exist', 'a20005010b'],
  ['a case that does not exist', `a5 0004 0101 02${GATEWAY} 03${ID16} 0402`],
  ['a reason that does not exist', 'a200080103'],
  ['a lifetime of 2^32 s', 'a300050100021b0000000100000000'],
  ['an id of 2^32', 'a300182b011b00000001000000000200'],
  ['a number of a revocation of 2^53', 'a200182d011b0020000000000000'],
  ['a number of a revocation of 2^64 - 1', 'a200182d011bffffffffffffffff'],
  ['no versions', request({ versions: '80' })],
  ['nine versions', request({ versions: `89${'01'.repeat(9)}` })],
  ['version 0', request({ versions: '8100' })],
  ['version 256', request({ versions: '81190100' })],
  ['a version as text', request({ versions: '816131' })],
  ['versions as a map', request({ versions: 'a10001' })],
  ['a 2nd seed of 31 octets', request({ seed: run('bytes', 31) })],
  ['a 2nd seed of 33 octets', request({ seed: run('bytes', 33) })],
  ['a 2nd seed as text', request({ seed: run('text', 32) })],
  ['a realm as octets', request({ realm: run('bytes', 11) })],
  ['an empty realm', request({ realm: '60' })],
  ['a realm of 191 octets', request({ realm: run('text', 191) })],
  ['an empty service', request({ service: '60' })],
  ['a service of 65 octets', request({ service: run('text', 65) })],
  ['a service of 66 octets in 33 characters', request({ service: `7842${'c3a9'.repeat(33)}` })],
  ['a gateway of 2 octets', `a4 0011 0101 02${run('text', 2)} 03${ID16}`],
  ['a gateway of 254 octets', `a4 0011 0101 02${run('text', 254)} 03${ID16}`],
  ['a session id of 15 octets', `a4 0011 0101 02${GATEWAY} 03${run('bytes', 15)}`],
  ['an EAP packet of 3 octets', `a2000301${run('bytes', 3)}`],
  ['an EAP packet of 1,021 octets', `a2000301${run('bytes', 1021)}`],
  ['no challenge asked for', 'a300182301000200'],
  ['65 challenges asked for', 'a30018230100021841'],
  ['65 challenges', `a4 001824 0100 0200 039841${'4401000004'.repeat(65)}`],
  ['a challenge of 3 octets', `a4 001824 0100 0200 0381${run('bytes', 3)}`],
  ['a lifetime of challenges of 86,401 s', 'a4 001824 0100 0200 041a00015181'],
  ['a traceparent of another version', traced(`7837${hexOf(`01-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01`)}`)],
  ['a traceparent in upper case', traced(`7837${hexOf(`00-${'0A'.repeat(16)}-${'0b'.repeat(8)}-01`)}`)],
  ['a traceparent with something after it', traced(`783a${hexOf(`00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01-ff`)}`)],
  ['a traceparent with a line feed after it', traced(`7838${hexOf(`00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01\n`)}`)],
  ['a traceparent that is cut off', traced(`7836${hexOf(`00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-0`)}`)],
  ['a traceparent as octets', traced(`5837${hexOf(`00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01`)}`)],
  ['33 authentications told', `a9 001834 0100 0200 0300 0400 0500 0600 0700 089821${'4100'.repeat(33)}`],
  ['an authentication told in no octets', 'a9 001834 0100 0200 0300 0400 0500 0600 0700 088140'],
  ['an authentication told in 257 octets', `a9 001834 0100 0200 0300 0400 0500 0600 0700 0881${run('bytes', 257)}`],
  ['a count of 2^32', 'a9 001834 0100 021b0000000100000000 0300 0400 0500 0600 0700 0880'],
  ['a count that is missing', 'a8 001834 0100 0200 0300 0400 0500 0600 0880'],
  ['256 round trips', `a5 001835 01${ID16} 0200 0300 04190100`],
  ['a key that none started from', `a6 001835 01${ID16} 0200 0300 0400 0703`],
  ['a reason in capitals', `a6 001835 01${ID16} 0200 0300 0400 066142`],
  ['an empty reason', `a6 001835 01${ID16} 0200 0300 0400 0660`],
  ['a reason of 65 characters', `a6 001835 01${ID16} 0200 0300 0400 06${run('text', 65)}`],
  ['a ticket for 59 s', 'a3 001836 0100 03183b'],
  ['a ticket for 3,601 s', 'a3 001836 0100 03190e11'],
  ['a ticket for a device without a name', 'a3 001836 0100 0260'],
  ['a ticket id of 15 octets', `a4 001837 0100 0200 05${run('bytes', 15)}`],
  ['a pairing URI of 1,025 octets', `a4 001837 0100 0200 03${run('text', 1025)}`],
  ['a PNE id of 65 octets', `a2 001838 01${run('text', 65)}`],
  // Text
  ['text with a line feed', request({ service: '63610a62' })],
  ['text with NUL', request({ service: '6100' })],
  ['text with DEL', request({ service: '617f' })],
  ['text with a control character of C1, U+0085', request({ service: '62c285' })],
  ['text that is not UTF-8', request({ service: '61ff' })],
  ['text cut off in the middle of a character', request({ service: '61c3' })],
  ['text with an overlong form', request({ service: '62c1a1' })],
  ['text with a surrogate', request({ service: '63eda080' })],
  ['text beyond U+10FFFF', request({ service: '64f4908080' })],
]

/** Each with the reason, and with the octets. */
export function refusedBodies() {
  return refusals.map(([reason, spaced]) => {
    const hex = spaced.replaceAll(' ', '')
    const body = Buffer.from(hex, 'hex')
    if (body.toString('hex') !== hex) throw new TypeError(`${reason}: not hex`)
    if (isTaken(body)) throw new TypeError(`${reason}: the codec takes it`)
    return { reason, body }
  })
}

function isTaken(body: Uint8Array): boolean {
  try {
    protocol.decode(body, ...messages)
    return true
  } catch (error) {
    if (error instanceof protocol.ProtocolError) return false
    throw error
  }
}

/** Length prefixes at which the receiver closes the connection without reading on. */
export const refusedLengths = [
  { reason: 'a frame of no octets', maxOctets: protocol.PNE_FRAME_MAX_OCTETS, prefix: '00000000' },
  { reason: '4,097 octets between PNE and PN GW', maxOctets: protocol.PNE_FRAME_MAX_OCTETS, prefix: '00001001' },
  {
    reason: '65,537 octets between PN GW and CPNS Server',
    maxOctets: protocol.SERVER_FRAME_MAX_OCTETS,
    prefix: '00010001',
  },
  { reason: 'the largest length there is', maxOctets: protocol.SERVER_FRAME_MAX_OCTETS, prefix: 'ffffffff' },
]
