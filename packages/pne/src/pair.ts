// Pairing, the device's side: docs/protocol.md section 4.3. The credential file is the memory that survives a cut: the
// device nonce is in it before it is sent, the keys are in it before they are confirmed.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  type Address,
  connectTcp,
  connectTlsPsk,
  Deadline,
  FrameLink,
  IoError,
  type Limits,
  parseHostPort,
} from '@opencpns/io'
import {
  Alpn,
  Assignment,
  AssignmentConfirmation,
  AssignmentRequest,
  checkRealm,
  decode,
  derivePairingPsk,
  encode,
  FLOW_DEADLINE_MS,
  PairingOffer,
  PairingRequest,
  PairingResponse,
  type PairingTicket,
  PNE_FRAME_MAX_OCTETS,
  ProtocolError,
  parsePairingUri,
  Result,
  SEED_OCTETS,
  VERSIONS,
} from '@opencpns/protocol'
import { type Credential, readUnfinished, writeConfirmed, writePairing, writeUnconfirmed } from './credential.ts'
import type { Unfinished } from './credentialFile.ts'
import { authenticationFailed, linkError, PneError, refusedInsideTls, refusedInTheClear, violation } from './errors.ts'

export interface PairOptions {
  /** `cpns:…`, as `gateway pair` shows it. */
  readonly uri: string
  /** Written with mode 0600. A confirmed credential in it is never overwritten. */
  readonly credentialFile: string
  readonly signal?: AbortSignal | undefined
  /** For the whole pairing, all addresses included. 15 s by default. */
  readonly timeoutMs?: number | undefined
}

/**
 * Pairs the device with the gateway of a ticket. If it is cut off at any point, call it again with the same URI and file.
 * @throws {PneError} BAD_PAIRING_URI, TICKET_EXPIRED, TICKET_USED, CREDENTIAL_EXISTS, UNREACHABLE (by none of the addresses),
 *   DEADLINE_EXCEEDED, AUTHENTICATION_FAILED (unknown ticket, wrong secret, or not the gateway of the ticket), BUSY,
 *   SERVER_UNREACHABLE, UNSUPPORTED_VERSION, PROTOCOL_VIOLATION, and CREDENTIAL_… of the file
 * @throws the reason of `signal`, when it aborts
 */
export async function pair(options: PairOptions): Promise<Credential> {
  const { uri, credentialFile: file, signal, timeoutMs = FLOW_DEADLINE_MS } = options
  const { ticket, addresses } = readTicket(uri)
  const before = await readUnfinished(file)
  const resumed = before && isOf(ticket, before)
  const { gateway, ticketId } = ticket
  const mine = resumed ? before : { gateway, ticketId, deviceNonce: randomBytes(SEED_OCTETS) }
  const deadline = new Deadline(timeoutMs)
  const limits = () => ({ timeoutMs: deadline.leftMs(), signal })
  let socket: Socket | undefined
  try {
    socket = await reach(addresses, limits)

    // PairingRequest and PairingOffer, in the clear.
    const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })
    await link.send(encode(PairingRequest, { versions: [...VERSIONS], ticketId }), limits())
    const offer = checkOffer(decode(await link.receive(limits()), PairingOffer, PairingResponse), gateway)

    // The TLS handshake: both sides prove the ticket's secret.
    const psk = derivePairingPsk({ secret: ticket.secret, gateway, transcriptHash: link.transcriptHash() })
    const identity = Buffer.from(offer.sessionId).toString('base64url')
    const tls = await connectTlsPsk(link.release(), { identity, psk, alpn: Alpn.pairing, ...limits() })
    const secured = new FrameLink(tls, { maxFrameOctets: PNE_FRAME_MAX_OCTETS })

    // The device nonce: stored, then sent. Only now does a file of another ticket give way.
    if (!resumed) await writePairing(file, mine)
    await secured.send(encode(AssignmentRequest, { deviceNonce: mine.deviceNonce }), limits())

    // The assignment: received, stored, then confirmed.
    const assignment = decode(await secured.receive(limits()), Assignment, PairingResponse)
    if (assignment.type === 'PairingResponse') throw refusedInsideTls(assignment.result)
    const { pneId, realm, secondSeed, euKey } = assignment
    const credential = { pneId, realm: checkRealm(realm), gateway, secondSeed, euKey }
    await writeUnconfirmed(file, { ...credential, ...mine })
    await secured.send(encode(AssignmentConfirmation, {}), limits())

    // The gateway has activated the key.
    const { result } = decode(await secured.receive(limits()), PairingResponse)
    if (result !== Result.success) throw refusedInsideTls(result)
    secured.close()
    return await writeConfirmed(file, credential)
  } catch (error) {
    socket?.destroy()
    throw pairingError(error)
  }
}

function readTicket(uri: string): { ticket: PairingTicket; addresses: Address[] } {
  try {
    const ticket = parsePairingUri(uri)
    const addresses = ticket.addresses.map((address) => parseHostPort(address))
    if (ticket.expiresAtS * 1000 > Date.now()) return { ticket, addresses }
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof IoError)) throw error
    throw new PneError('BAD_PAIRING_URI', error.message, { cause: error })
  }
  throw new PneError(
    'TICKET_EXPIRED',
    'the ticket has expired: make another one with: opencpns gateway pair. ' +
      'If pairing was cut off at its very end, connecting may already work',
  )
}

function isOf(ticket: PairingTicket, before: Unfinished): boolean {
  return before.gateway === ticket.gateway && Buffer.compare(before.ticketId, ticket.ticketId) === 0
}

/** The first address that can be reached. Each gets its share of the time that is left. */
async function reach(addresses: readonly Address[], limits: () => Limits): Promise<Socket> {
  let unreachable: unknown
  for (const [at, address] of addresses.entries()) {
    const { timeoutMs, signal } = limits()
    try {
      return await connectTcp({ ...address, timeoutMs: Math.ceil(timeoutMs / (addresses.length - at)), signal })
    } catch (error) {
      if (!(error instanceof IoError) || error.code === 'ABORTED') throw error
      unreachable = error
    }
  }
  throw unreachable
}

function checkOffer(offer: PairingOffer | PairingResponse, gateway: string): PairingOffer {
  if (offer.type === 'PairingResponse') throw refusedInTheClear(offer.result)
  if (!VERSIONS.includes(offer.version)) throw violation(`version ${offer.version}, which was not offered`)
  if (offer.gateway !== gateway) throw authenticationFailed('another gateway than that of the ticket')
  return offer
}

/** As on any link; but who is refused here has a ticket and no credential. */
function pairingError(error: unknown): PneError {
  const known = linkError(error)
  if (known.code !== 'AUTHENTICATION_FAILED') return known
  const message =
    'the gateway does not know this ticket, or it is not the gateway of the ticket: ' +
    'copy the whole URI again, or make another one with: opencpns gateway pair'
  return new PneError('AUTHENTICATION_FAILED', message, { cause: known.cause })
}
