// The real gateway with one thing changed: what an attacker can make of it who owns one and its genuine credential.

import { readGatewayCredential } from '../../packages/gateway/src/credential.ts'
import { type Gateway, listen, revocations } from '../../packages/gateway/src/gateway.ts'
import { claimDataFolder } from '../../packages/gateway/src/keystore/data-folder.ts'
import type { GatewayParts } from '../../packages/gateway/src/parts.ts'
import { PresenceKeeper } from '../../packages/gateway/src/presence.ts'
import { Registrar } from '../../packages/gateway/src/registrar.ts'
import { Reporting } from '../../packages/gateway/src/reporting.ts'
import { Rotations } from '../../packages/gateway/src/rotation.ts'
import { Sessions } from '../../packages/gateway/src/sessions.ts'
import { makeTicket } from '../../packages/gateway/src/tickets.ts'
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
  const { policy, keys, rotations: store } = folder
  const notices = {
    connected: () => rotations.connected(),
    policyChanged: () => rotations.look(),
    makeTicket: (wishes: object) => makeTicket(folder, wishes),
    rotate: (pneId: string) => rotations.askedFor(pneId),
  }
  const records = { revocationLog, reports: registrar, policy, ...notices }
  const upstream = cpnsUpstream({ servers: [stage.server.addresses.cpns], credential, records, logger })
  const rotations = new Rotations({ keys, store, upstream, generation: () => policy.current.generation, logger })
  const honest: GatewayParts = {
    identity,
    realm,
    keys,
    tickets: folder.tickets,
    transientKeys,
    sessions,
    presence: new PresenceKeeper(),
    registrar,
    reporting: new Reporting({ send: (report) => upstream.tell(report) }),
    rotations,
    policy,
    services: new Map(),
    upstream,
    logger,
  }
  return stage.adopt(await listen(anyPort, folder, { ...honest, ...change(honest) }))
}
