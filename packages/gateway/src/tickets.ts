// Makes a pairing ticket (docs/protocol.md section 4.3): in any process that may read the data folder of the gateway, or in the
// gateway itself when its server asks for one.

import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import {
  formatPairingUri,
  parsePairingUri,
  TICKET_ID_OCTETS,
  TICKET_LIFETIME_S,
  TICKET_SECRET_OCTETS,
} from '@opencpns/protocol'
import { GatewayError } from './errors.ts'
import { type DataFolder, openDataFolder } from './keystore/data-folder.ts'

const ADDRESSES_MAX = 4
const NAME_MAX_OCTETS = 64

export interface TicketOptions {
  readonly dataDir: string
  /** What a person calls the PNE: 1 to 64 octets. */
  readonly name?: string | undefined
  /** Where the PNE finds the gateway, `HOST:PORT`, one to four. Otherwise: what it advertises, or else where it listens. */
  readonly addresses?: readonly string[] | undefined
}

/**
 * A ticket for one PNE, valid for 10 minutes. The URI holds its secret.
 * @throws {GatewayError} DATA_FOLDER_NOT_INITIALISED, BAD_ARGUMENT, STORAGE_KEY_WRONG, DATABASE_…
 */
export async function createTicket({
  dataDir,
  name,
  addresses,
}: TicketOptions): Promise<{ uri: string; expiresAt: string }> {
  if (name !== undefined) checkName(name)
  const folder = await openDataFolder(dataDir)
  try {
    const { uri, expiresAtS } = makeTicket(folder, { name, addresses })
    return { uri, expiresAt: new Date(expiresAtS * 1000).toISOString() }
  } finally {
    folder.close()
  }
}

/** What a ticket is to be like; `lifetimeS` is 600 unless told. */
interface TicketWishes extends Omit<TicketOptions, 'dataDir'> {
  readonly lifetimeS?: number | undefined
}

/**
 * A ticket, stored. Its id is 16 octets, and no secret.
 * @throws {GatewayError} BAD_ARGUMENT, DATABASE_…
 */
export function makeTicket(
  folder: Pick<DataFolder, 'address' | 'advertised' | 'name' | 'tickets'>,
  { name, addresses, lifetimeS = TICKET_LIFETIME_S }: TicketWishes,
): { uri: string; expiresAtS: number; ticketId: Uint8Array } {
  const ticket = {
    addresses: addresses ?? whereFound(folder),
    gateway: folder.name.identity,
    ticketId: randomBytes(TICKET_ID_OCTETS),
    secret: randomBytes(TICKET_SECRET_OCTETS),
    expiresAtS: Math.floor(Date.now() / 1000) + lifetimeS,
  }
  const uri = formatPairingUri(ticket)
  checkUri(uri)
  folder.tickets.add({ ...ticket, name })
  return { uri, expiresAtS: ticket.expiresAtS, ticketId: ticket.ticketId }
}

/** Whether a ticket can name these. @throws {GatewayError} BAD_ARGUMENT */
export function checkAdvertised(addresses: readonly string[]): void {
  const [ticketId, secret] = [Buffer.alloc(TICKET_ID_OCTETS), Buffer.alloc(TICKET_SECRET_OCTETS)]
  const gateway = 'gateway@example.org'
  if (addresses.length > 0) checkUri(formatPairingUri({ addresses, gateway, ticketId, secret, expiresAtS: 1 }))
}

function checkName(name: string): void {
  const octets = Buffer.byteLength(name)
  if (octets >= 1 && octets <= NAME_MAX_OCTETS && !/\p{Cc}/u.test(name)) return
  throw new GatewayError('BAD_ARGUMENT', `a name has 1 to ${NAME_MAX_OCTETS} octets and no control characters`)
}

/** A PNE must be able to read it; and the error must not hold the secret. */
function checkUri(uri: string): void {
  try {
    parsePairingUri(uri)
  } catch {
    throw new GatewayError('BAD_ARGUMENT', `an address is HOST:PORT, and there are one to ${ADDRESSES_MAX} of them`)
  }
}

function whereFound(folder: Pick<DataFolder, 'address' | 'advertised'>): readonly string[] {
  const advertised = folder.advertised()
  return advertised.length > 0 ? advertised : reachable(folder.address())
}

/** A gateway that listens everywhere is found at the addresses of this machine, those of the network before its own. */
function reachable(address: string | undefined): string[] {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address ?? '') ?? []
  if (host !== '0.0.0.0' && host !== '[::]') return address ? [address] : []
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all
    .filter(({ family }) => family === 'IPv4')
    .sort((a, b) => Number(a.internal) - Number(b.internal))
    .slice(0, ADDRESSES_MAX)
    .map((one) => `${one.address}:${port}`)
}
