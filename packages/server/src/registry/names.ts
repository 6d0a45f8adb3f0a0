// Names that people give, and the ids that the server gives.
import { randomBytes } from 'node:crypto'
import { isName } from '@opencpns/protocol'
import { RegistryError } from './errors.ts'

const DISPLAY_NAME_MAX = 64
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** The name of a user or a gateway. @throws {RegistryError} NAME_INVALID */
export function checkName(name: string): string {
  if (isName(name)) return name
  throw new RegistryError(
    'NAME_INVALID',
    'a name has 1 to 63 letters a-z, digits and inner hyphens, in lower case: choose another',
  )
}

/** The name that a PNE shows itself by, or null for none. @throws {RegistryError} NAME_INVALID */
export function checkDisplayName(name: string | undefined): string | null {
  if (name === undefined || name === '') return null
  // \p{C}: control and format characters, among them those that turn the direction of writing, and lone surrogates.
  if ([...name].length <= DISPLAY_NAME_MAX && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) return name
  throw new RegistryError(
    'NAME_INVALID',
    `a display name has at most ${DISPLAY_NAME_MAX} characters, none of them a control character: choose another`,
  )
}

/** `pne-` and 80 random bits in base32 (RFC 4648 section 6, lower case): 16 characters. */
export function makePneId(): string {
  const groups = [randomBytes(5), randomBytes(5)].map((octets) => octets.readUIntBE(0, 5))
  return `pne-${groups.map(base32).join('')}`
}

/** 40 bits as 8 characters, the highest bits first. */
function base32(bits: number): string {
  return Array.from({ length: 8 }, (_, i) => BASE32[Math.floor(bits / 32 ** (7 - i)) % 32]).join('')
}
