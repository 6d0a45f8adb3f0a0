// The gateway's credential towards the CPNS Server: the file that `opencpns admin gateway add --out FILE` writes.

import { inspect } from 'node:util'
import { readSecretFile } from '@opencpns/io'
import { KEY_OCTETS, parseGatewayIdentity } from '@opencpns/protocol'
import { GatewayError } from './errors.ts'

const FILE_MAX_OCTETS = 4096
const MAKE_ONE = 'make one with: opencpns admin gateway add NAME --out FILE'

export interface GatewayCredential {
  readonly identity: string
  readonly realm: string
  /** 32 octets; shown by neither inspect nor JSON. */
  readonly secret: Uint8Array
}
