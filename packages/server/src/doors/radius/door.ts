// The door for stock equipment: RADIUS over UDP and over TLS (RFC 6614), where access points and proxies are the PN GW.

import { lookup } from 'node:dns/promises'
import { type Address, formatHostPort, IoError } from '@opencpns/io'
import { createRadiusServer, type Handler, RadiusError, type RadiusServerCounters } from '@opencpns/radius'
import type { Registry } from '../../registry.ts'
import { authenticate, type RadiusContext } from './authenticate.ts'
import { gatewayOf } from './certificates.ts'

/** RADIUS over TLS: where to listen, the server's certificate (chain) and key, and who signs those of the clients; PEM. */
export interface RadsecOptions extends Address {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca: string | Buffer
}

export interface RadiusDoorOptions {
  readonly radius?: Address | undefined
  readonly radsec?: RadsecOptions | undefined
}

export interface RadiusDoor {
  readonly addresses: { readonly radius?: Address; readonly radsec?: Address }
  /** How many requests came, and what became of them. */
  counters(): RadiusServerCounters
  /** Takes no more requests; gives those in progress `graceMs`. */
  close(graceMs: number): Promise<void>
}

interface DoorContext extends RadiusContext {
  readonly registry: Registry
}

/** @throws {IoError} PORT_TAKEN, LISTEN_FAILED */
export async function openRadiusDoor({ radius, radsec }: RadiusDoorOptions, context: DoorContext): Promise<RadiusDoor> {
  const { registry, logger } = context
  await registry.followRadiusClients()
  const handle: Handler = (request, { client, transport }) =>
    transport === 'udp'
      ? authenticate(request, client.name, context)
      : unlessRevoked(client.name, registry, () => authenticate(request, client.name, context))
  const server = createRadiusServer({ clients: (address) => registry.findRadiusClient(address), handle, logger })
  const close = (graceMs: number) => server.close({ graceMs })
  try {
    const addresses = {
      ...(radius && { radius: await listening(radius, 'radius', (at) => server.listenUdp(at)) }),
      ...(radsec && {
        radsec: await listening(radsec, 'radsec', (at) => server.listenTls({ ...radsec, ...at, authorize })),
      }),
    }
    return { addresses, counters: () => server.counters(), close }
  } catch (error) {
    await close(0)
    throw error
  }

  async function authorize(certificate: Parameters<typeof gatewayOf>[0], address: string): Promise<string | false> {
    const gateway = await gatewayOf(certificate, registry)
    if (gateway !== undefined) return gateway
    const facts = { event: 'radsec-refused', address, fingerprint: certificate.fingerprint256 }
    logger.warn(facts, 'a certificate names no gateway: its CN or a DNS name must be that of one')
    return false
  }
}

/** A connection outlives the revocation of its gateway; its requests do not. */
async function unlessRevoked<T>(gateway: string, registry: Registry, answer: () => T): Promise<Awaited<T> | undefined> {
  return (await registry.isGateway(gateway)) ? await answer() : undefined
}

async function listening(
  { host, port }: Address,
  option: 'radius' | 'radsec',
  listen: (at: Address) => Promise<Address>,
): Promise<Address> {
  const where = formatHostPort({ host, port })
  try {
    const { address } = await lookup(host)
    return await listen({ host: address, port })
  } catch (error) {
    const cause = error instanceof RadiusError ? error.cause : error
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'EADDRINUSE') {
      throw new IoError('PORT_TAKEN', `${where} is taken: choose another with --${option}`, { cause })
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IoError('LISTEN_FAILED', `cannot listen at ${where} (${reason}): mend it or choose another --${option}`, {
      cause,
    })
  }
}
