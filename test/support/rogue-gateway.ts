// Gateways that do not do what docs/protocol.md says: the real one with one thing changed, and one that plays a script.

import { AssertionError } from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Address, FrameLink, listenTcp } from '@opencpns/io'
import { PNE_FRAME_MAX_OCTETS } from '@opencpns/protocol'
import { readGatewayCredential } from '../../packages/gateway/src/credential.ts'
import { type Gateway, listen, revocations } from '../../packages/gateway/src/gateway.ts'
import { claimDataFolder } from '../../packages/gateway/src/keystore/data-folder.ts'
import type { GatewayParts } from '../../packages/gateway/src/parts.ts'
import { PresenceKeeper } from '../../packages/gateway/src/presence.ts'
import { Registrar } from '../../packages/gateway/src/registrar.ts'
import { Sessions } from '../../packages/gateway/src/sessions.ts'
import { TransientKeys } from '../../packages/gateway/src/transient-keys.ts'
import { cpnsUpstream } from '../../packages/gateway/src/upstream/cpns.ts'
import { anyPort, type Stage } from './stage.ts'

/** The real gateway, which the server knows as NAME, with some of its parts exchanged. */
export async function changedGateway(
  stage: Stage,
  name: string,
  change: (parts: GatewayParts) => Partial<GatewayParts>,
): Promise<Gateway> {
  const credential = await readGatewayCredential((await stage.register(name)).file)
  const { identity, realm } = credential
  const folder = await claimDataFolder(stage.path(name), { identity, realm })
  const transientKeys = new TransientKeys()
  const sessions = new Sessions(100)
  const { logger } = stage
  const registrar = new Registrar({ outbox: folder.outbox, logger })
  const revocationLog = revocations(folder.keys, transientKeys, sessions, logger)
  const records = { revocationLog, reports: registrar, policy: folder.policy }
  const honest: GatewayParts = {
    identity,
    realm,
    keys: folder.keys,
    tickets: folder.tickets,
    transientKeys,
    sessions,
    presence: new PresenceKeeper(),
    registrar,
    policy: folder.policy,
    services: new Map(),
    upstream: cpnsUpstream({ server: stage.server.addresses.cpns, credential, records, logger }),
    logger,
  }
  return stage.adopt(await listen(anyPort, folder, { ...honest, ...change(honest) }))
}

/**
 * Listens until the test is over, and plays the script with each PNE that comes. What goes wrong in it ends its connection; an
 * assertion in it fails the test.
 */
export async function scriptedGateway(
  t: TestContext,
  script: (pne: FrameLink<Socket>, socket: Socket) => Promise<unknown>,
): Promise<{ readonly address: Address }> {
  const sockets = new Set<Socket>()
  const failures: AssertionError[] = []
  const accept = (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })
    script(link, socket).catch((error: unknown) => {
      if (error instanceof AssertionError) failures.push(error)
      socket.destroy()
    })
  }
  const { server, host, port } = await listenTcp(accept, anyPort)
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    if (failures[0]) throw failures[0]
  })
  return { address: { host, port } }
}
