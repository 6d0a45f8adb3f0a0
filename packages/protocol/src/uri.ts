// The pairing URI that `gateway pair` shows as a QR code: docs/protocol.md section 4.3.
//   cpns:HOST:PORT?g=GATEWAY&t=TICKET&s=SECRET&x=EXPIRY        t and s base64url, x in seconds since the epoch

import { ProtocolError } from './errors.ts'
import { parseGatewayIdentity } from './identity.ts'
import { PAIRING_URI_MAX_CHARACTERS, TICKET_ID_OCTETS, TICKET_SECRET_OCTETS } from './limits.ts'

export interface PairingTicket {
  /** `HOST:PORT` of the gateway; one to four, to be tried in this order. */
  readonly addresses: readonly string[]
  readonly gateway: string
  /** 16 octets. */
  readonly ticketId: Uint8Array
  /** 16 to 64 octets, used once. */
  readonly secret: Uint8Array
  readonly expiresAtS: number
}

export function formatPairingUri(ticket: PairingTicket): string {
  const query = new URLSearchParams({
    g: ticket.gateway,
    t: Buffer.from(ticket.ticketId).toString('base64url'),
    s: Buffer.from(ticket.secret).toString('base64url'),
    x: String(ticket.expiresAtS),
  })
  return `cpns:${ticket.addresses.join(',')}?${query.toString().replace('%40', '@')}`
}

/** @throws {ProtocolError} BAD_PAIRING_URI; the message does not repeat the URI, which holds a secret */
export function parsePairingUri(uri: string): PairingTicket {
  const match = uri.length <= PAIRING_URI_MAX_CHARACTERS && /^cpns:([^?#\s]+)\?([^#\s]+)$/i.exec(uri.trim())
  if (!match) throw bad('it should look like cpns:HOST:PORT?g=…&t=…&s=…&x=…')
  const query = new URLSearchParams(match[2])
  const addresses = (match[1] ?? '').split(',')
  if (addresses.length > 4 || !addresses.every(isAddress)) throw bad('it needs one to four addresses HOST:PORT')
  if (new Set(query.keys()).size !== query.size) throw bad('a parameter stands there twice')
  const gateway = query.get('g') ?? ''
  if (!parseGatewayIdentity(gateway)) throw bad('g must be the identity of a gateway')
  const ticketId = octets(query.get('t'))
  if (ticketId.length !== TICKET_ID_OCTETS) throw bad(`t must be ${TICKET_ID_OCTETS} octets in base64url`)
  const secret = octets(query.get('s'))
  if (secret.length < TICKET_SECRET_OCTETS || secret.length > 64) throw bad('s must be 16 to 64 octets in base64url')
  const expiresAtS = Number(query.get('x'))
  if (!Number.isSafeInteger(expiresAtS) || expiresAtS <= 0) throw bad('x must be a time in seconds')
  return { addresses, gateway, ticketId, secret, expiresAtS }
}

function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:.%]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)?.[1]
  return port !== undefined && Number(port) <= 65535
}

/** Only the one spelling of some octets that base64url has; no octets for any other. */
function octets(text: string | null): Buffer {
  const decoded = Buffer.from(text ?? '', 'base64url')
  return decoded.toString('base64url') === text ? decoded : Buffer.alloc(0)
}

function bad(why: string): ProtocolError {
  return new ProtocolError(
    'BAD_PAIRING_URI',
    `this is not a pairing URI: ${why}. Copy all of it from: opencpns gateway pair`,
  )
}
