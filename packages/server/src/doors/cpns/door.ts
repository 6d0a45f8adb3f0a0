// The door for gateways: listens, bounds what is not authenticated, keeps the links that stand, and tells them of revocations.

import type { Socket } from 'node:net'
import { type Address, Admission, IoError, type Logger, listenTcp } from '@opencpns/io'
import { ProtocolError } from '@opencpns/protocol'
import { StoreError } from '../../store/contract.ts'
import type { AnswerContext } from './answer.ts'
import { GatewayLinks } from './gateway-links.ts'
import type { LinkedGateways } from './gateways.ts'
import { establish, type GatewayLink, LinkRefused } from './link.ts'

const UNAUTHENTICATED_MAX = 1024

export interface CpnsDoor {
  readonly address: Address
  readonly gateways: LinkedGateways
  /** How much there is to do. */
  load(): { links: number; underWay: number; unauthenticated: number; displaced: number }
  /** Takes no more connections; ends each link once what is under way is answered, or after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** @throws {IoError} PORT_TAKEN, LISTEN_FAILED */
export async function openCpnsDoor(listen: Address, context: AnswerContext): Promise<CpnsDoor> {
  const { logger, registry, events } = context
  const admission = new Admission(UNAUTHENTICATED_MAX)
  const sockets = new Set<Socket>()
  const links = new Set<GatewayLink>()
  const gateways = new GatewayLinks()

  async function welcome(socket: Socket): Promise<void> {
    const ticket = admission.admit(socket)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    try {
      const link = await establish(socket, context)
      ticket.done()
      await serve(link)
    } catch (error) {
      socket.destroy()
      logUnlessOurs(logger, error, socket.remoteAddress)
    } finally {
      ticket.done()
    }
  }

  async function serve(link: GatewayLink): Promise<void> {
    const { gateway } = link
    links.add(link)
    gateways.add(link)
    context.links?.came(gateway)
    events.record({ type: 'link', result: 'connected', gateway })
    logger.info({ event: 'link-connected', gateway }, 'a gateway connected')
    try {
      await link.serve()
    } finally {
      links.delete(link)
      if (!gateways.remove(link)) context.links?.went(gateway)
      link.close()
      events.record({ type: 'link', result: 'disconnected', gateway })
      logger.info({ event: 'link-disconnected', gateway }, 'a gateway disconnected')
    }
  }

  const onRevoked = ({ seq }: { seq: number }) => {
    for (const link of links) link.notify(seq)
  }
  const onGatewayRevoked = (identity: string, lingerMs = 0) => {
    for (const link of links) if (link.gateway === identity) link.closeAfter(lingerMs)
  }
  const onPolicyChanged = (of: { gateway: string } | { user: string }) => {
    const concerns =
      'user' in of ? ({ user }: GatewayLink) => user === of.user : ({ gateway }: GatewayLink) => gateway === of.gateway
    for (const link of links) if (concerns(link)) link.notifyPolicy()
  }

  const onOutOfDate = () => {
    for (const link of links) link.close()
  }

  const { server, host, port } = await listenTcp((socket) => void welcome(socket), listen)
  registry.on('revoked', onRevoked)
  registry.on('gatewayRevoked', onGatewayRevoked)
  registry.on('policyChanged', onPolicyChanged)
  registry.on('outOfDate', onOutOfDate)

  return {
    address: { host, port },
    gateways,
    load() {
      const underWay = links.values().reduce((sum, link) => sum + link.underWay, 0)
      return { links: links.size, underWay, unauthenticated: admission.waiting, displaced: admission.displaced }
    },
    async close(graceMs) {
      registry.off('revoked', onRevoked)
      registry.off('gatewayRevoked', onGatewayRevoked)
      registry.off('policyChanged', onPolicyChanged)
      registry.off('outOfDate', onOutOfDate)
      const closed = new Promise((resolve) => server.close(resolve))
      const force = setTimeout(() => destroyAll(sockets), graceMs)
      await Promise.all([...links].map((link) => link.drain()))
      if (links.size === 0) destroyAll(sockets, (socket) => !socket.writableEnded)
      await closed
      clearTimeout(force)
    },
  }
}

function destroyAll(sockets: Set<Socket>, which: (socket: Socket) => boolean = () => true): void {
  for (const socket of sockets) if (which(socket)) socket.destroy()
}

/** What a peer, the network or the store did is worth a line; anything else is our own bug, and is told as one. */
function logUnlessOurs(logger: Logger, error: unknown, address: string | undefined): void {
  const isExpected = error instanceof IoError || error instanceof ProtocolError || error instanceof LinkRefused
  if (isExpected || error instanceof StoreError) {
    logger.warn({ event: 'link-refused', reason: error.code, address, detail: error.message }, 'a link ended')
  } else {
    logger.error({ event: 'internal-error', err: error, address }, 'a link failed: this is a bug')
  }
}
