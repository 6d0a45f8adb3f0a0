// Services: a session that names one is, after step 8, the byte stream of a TCP connection behind the gateway.

import type { Socket } from 'node:net'
import { connectTcp } from '@opencpns/io'
import { MESSAGE_DEADLINE_MS, Result } from '@opencpns/protocol'
import { type ProxiedConnection, proxyHeader } from './proxy-protocol.ts'
import { Refusal } from './refusal.ts'

/** Where a service is, and who may use it: every PNE that authenticates, where neither `pnes` nor `users` is there. */
export interface Service {
  readonly host: string
  readonly port: number
  /** PNE ids. */
  readonly pnes?: readonly string[] | undefined
  /** End users: all of their PNEs may use it, besides those in `pnes`. */
  readonly users?: readonly string[] | undefined
  /** Whether the service hears first, in a header of the PROXY protocol version 2, who comes from where. */
  readonly proxyProtocol?: boolean | undefined
}

/** The PNE that asks for a service. The server, or the assignment, told the gateway its id and user. */
export interface Customer extends ProxiedConnection {
  readonly pneId: string | undefined
  readonly user: string | undefined
}

/**
 * Connects to the service that a PNE named, before it is told success.
 * @throws {Refusal} serviceUnavailable: no such service, not for this PNE, or it does not answer
 */
export async function connectService(
  services: ReadonlyMap<string, Service>,
  name: string,
  customer: Customer,
): Promise<Socket> {
  const service = services.get(name)
  if (!service) throw new Refusal(Result.serviceUnavailable, 'service-unknown')
  if (!isFor(customer, service)) throw new Refusal(Result.serviceUnavailable, 'service-forbidden')
  const socket = await reach(service)
  socket.allowHalfOpen = true
  if (service.proxyProtocol) socket.write(proxyHeader(customer))
  return socket
}

function isFor({ pneId, user }: Customer, { pnes, users }: Service): boolean {
  if (!pnes && !users) return true
  return (pneId !== undefined && pnes?.includes(pneId)) || (user !== undefined && users?.includes(user)) || false
}

async function reach({ host, port }: Service): Promise<Socket> {
  try {
    return await connectTcp({ host, port, timeoutMs: MESSAGE_DEADLINE_MS })
  } catch {
    throw new Refusal(Result.serviceUnavailable, 'service-unreachable')
  }
}
