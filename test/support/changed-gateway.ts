// The real gateway with one thing changed: what an attacker can make of it who owns one and its genuine credential.

import { assemble } from '../../packages/gateway/src/assemble.ts'
import { type Gateway, listen } from '../../packages/gateway/src/gateway.ts'
import { claimDataFolder } from '../../packages/gateway/src/keystore/data-folder.ts'
import type { GatewayParts } from '../../packages/gateway/src/parts.ts'
import { chooseServer } from '../../packages/gateway/src/upstream/choose.ts'
import { anyPort, type Stage } from './stage.ts'

/** The real gateway, which the server knows as NAME, with some of its parts exchanged. */
export async function changedGateway(
  stage: Stage,
  name: string,
  change: (parts: GatewayParts) => Partial<GatewayParts>,
): Promise<Gateway> {
  const { file: credentialFile } = await stage.register(name)
  const { logger, server } = stage
  const chosen = await chooseServer({ server: server.addresses.cpns, credentialFile, logger })
  const folder = await claimDataFolder(stage.path(name), chosen.name)
  const honest = assemble(chosen, folder, { logger })
  return stage.adopt(await listen(anyPort, folder, { ...honest, ...change(honest) }))
}
