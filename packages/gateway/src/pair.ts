// The flow of pairing for one connection, at the PN GW: docs/protocol.md section 4.3. What a message says is on the disk before
// the message goes, so any attempt may break off anywhere and the next one with the same ticket and nonce goes on.

import { randomBytes } from 'node:crypto'
import {
  Alpn,
  Assignment,
  AssignmentConfirmation,
  AssignmentRequest,
  derivePairingPsk,
  PairingOffer,
  type PairingRequest,
  PairingResponse,
  Result,
  TICKET_SECRET_OCTETS,
} from '@opencpns/protocol'
import type { Ticket } from './keystore/ticket-store.ts'
import type { GatewayParts } from './parts.ts'
import type { PneConnection } from './pne-connection.ts'
import { Refusal } from './refusal.ts'
import { newSessionId } from './session-ids.ts'

/**
 * Pairs one PNE. Resolves to its id, when the PNE was told of the success.
 * @throws {Refusal} with what the PNE is to be told; IoError and ProtocolError of the link; GatewayError DATABASE_…
 */
export async function pair(pne: PneConnection, request: PairingRequest, gateway: GatewayParts): Promise<string> {
  const { tickets, keys, upstream } = gateway
  const version = pne.chooseVersion(request.versions)

  // An unknown ticket gets an offer like any other; its secret is one that nobody knows.
  const ticket = tickets.find(request.ticketId)
  await securePairing(pne, version, ticket, gateway)
  const { deviceNonce } = await pne.receive(AssignmentRequest)
  if (!ticket) throw new Refusal(Result.authenticationFailed, 'ticket-unknown')

  // The 2nd seed is stored with the ticket and the nonce: the same device gets the same one again.
  const state = tickets.assign(ticket.ticketId, deviceNonce, Date.now())
  if (state.is === 'used') throw new Refusal(Result.ticketUsed, 'ticket-used')
  if (state.is === 'expired') throw new Refusal(Result.ticketExpired, 'ticket-expired')
  const { secondSeed } = state

  // The server calculates the EUKey, which is pending at both until the PNE has it. Asked again, it answers the same.
  const assigned = await upstream.assignKey(secondSeed, ticket.name, ticket.ticketId)
  if (assigned.result !== Result.success) throw new Refusal(assigned.result, assigned.reason)
  const { pneId, euKey } = assigned
  checkHeld(ticket, secondSeed, gateway)
  keys.storePending(secondSeed, assigned)
  await pne.send(Assignment, { pneId, realm: gateway.realm, secondSeed, euKey })

  // The PNE has stored its credential: first the server lets it in, then this gateway, and then the PNE hears of it.
  await pne.receive(AssignmentConfirmation)
  checkHeld(ticket, secondSeed, gateway)
  const confirmed = await upstream.confirmKey(secondSeed, ticket.ticketId)
  if (confirmed.result !== Result.success) throw new Refusal(confirmed.result, confirmed.reason)
  if (!tickets.complete(ticket.ticketId, secondSeed, Date.now())) throw takenOver()
  await pne.send(PairingResponse, { result: Result.success })
  return pneId
}

async function securePairing(
  pne: PneConnection,
  version: number,
  ticket: Ticket | undefined,
  { identity: gateway }: GatewayParts,
): Promise<void> {
  const sessionId = newSessionId()
  await pne.send(PairingOffer, { version, gateway, sessionId })
  const secret = ticket?.secret ?? randomBytes(TICKET_SECRET_OCTETS)
  const psk = derivePairingPsk({ secret, gateway, transcriptHash: pne.transcriptHash() })
  await pne.secure({ identity: sessionId.toString('base64url'), psk, alpn: Alpn.pairing })
}

/** Meanwhile another device may have come with the ticket: the assignment then is that one's. */
function checkHeld({ ticketId }: Ticket, secondSeed: Uint8Array, { tickets }: GatewayParts): void {
  if (!tickets.holds(ticketId, secondSeed)) throw takenOver()
}

function takenOver(): Refusal {
  return new Refusal(Result.authenticationFailed, 'ticket-taken-over')
}
