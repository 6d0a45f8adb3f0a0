// Which kind of server a gateway is configured with, and who the gateway is towards it.

import type { Address, Logger } from '@opencpns/io'
import { parseGatewayIdentity } from '@opencpns/protocol'
import { readGatewayCredential, readRadiusSecret } from '../credential.ts'
import { GatewayError } from '../errors.ts'
import type { GatewayName } from '../keystore/data-folder.ts'
import { cpnsUpstream } from './cpns.ts'
import { radiusUpstream } from './radius.ts'
import type { Records, Upstream } from './upstream.ts'

/** An AAA server: RADIUS over UDP. It knows the gateway by its address and the secret that they share. */
interface RadiusServerAddress extends Address {
  /** Holds the secret; readable by its owner alone. */
  readonly secretFile: string
}

export interface ServerChoice {
  /** A CPNS Server or, with a secret file, an AAA server. It may be down: the local case works all the same. */
  readonly server?: Address | RadiusServerAddress | undefined
  /** In place of `server`: the replicas of a CPNS Server. A name with several addresses is several of them. */
  readonly servers?: readonly Address[] | undefined
  /** What `admin gateway add --out` wrote. A CPNS Server asks for it; at an AAA server it gives the identity alone. */
  readonly credentialFile?: string | undefined
  /** `NAME@REALM`, of a gateway that has no credential. */
  readonly identity?: string | undefined
  readonly logger: Logger
}

export interface ChosenServer {
  readonly name: GatewayName
  /** Whether it wants to hear who is present. */
  readonly registers: boolean
  open(records: Records): Upstream
}

/** @throws {GatewayError} CREDENTIAL_…, BAD_ARGUMENT */
export async function chooseServer(choice: ServerChoice): Promise<ChosenServer> {
  const { server, logger } = choice
  if (server && 'secretFile' in server && !choice.servers) return chooseRadius(choice, server)
  const servers = replicasOf(choice)
  const credential = await readGatewayCredential(credentialFileOf(choice))
  return {
    name: credential,
    registers: true,
    open: (records) => cpnsUpstream({ servers, credential, records, logger }),
  }
}

async function chooseRadius(choice: ServerChoice, server: RadiusServerAddress): Promise<ChosenServer> {
  const { logger } = choice
  const name = await nameOf(choice)
  const { secretFile, ...address } = server
  const secret = await readRadiusSecret(secretFile)
  return {
    name,
    registers: false,
    open: () => radiusUpstream({ server: address, secret, identity: name.identity, logger }),
  }
}

function replicasOf({ server, servers = server && [server] }: ServerChoice): readonly Address[] {
  if (servers !== undefined && servers.length > 0 && (server === undefined || servers[0] === server)) return servers
  throw new GatewayError('BAD_ARGUMENT', 'a gateway needs a server, or several: give either server or servers')
}

function credentialFileOf({ credentialFile, identity }: ServerChoice): string {
  if (credentialFile !== undefined && identity === undefined) return credentialFile
  throw new GatewayError(
    'BAD_ARGUMENT',
    credentialFile === undefined
      ? 'a CPNS Server asks for a credential: make one with: opencpns admin gateway add NAME --out FILE'
      : 'the credential has the identity of the gateway: leave the other out',
  )
}

async function nameOf({ credentialFile, identity }: ServerChoice): Promise<GatewayName> {
  if (identity === undefined && credentialFile !== undefined) return readGatewayCredential(credentialFile)
  const realm = identity !== undefined && credentialFile === undefined && parseGatewayIdentity(identity)?.realm
  if (identity !== undefined && realm) return { identity, realm }
  throw new GatewayError(
    'BAD_ARGUMENT',
    'a gateway at an AAA server is named by a credential or by an identity, NAME@REALM: give one of the two',
  )
}
