// A gateway reduced to its links with the servers: for what measures them. It keeps nothing, serves nobody, and makes no tickets.

import { type Address, type Logger, silent } from '@opencpns/io'
import type { GatewayCredential } from '../credential.ts'
import { GatewayError } from '../errors.ts'
import { cpnsUpstream } from './cpns.ts'
import type { Records, Upstream } from './upstream.ts'

interface UpstreamOptions {
  /** The replicas of a CPNS Server, at least one. */
  readonly servers: readonly Address[]
  readonly credential: GatewayCredential
  readonly logger?: Logger
}

/** Begins to connect; every method may be called at once. */
export function openUpstream({ servers, credential, logger = silent }: UpstreamOptions): Upstream {
  return cpnsUpstream({ servers, credential, records: forgetful(), logger })
}

/** What the servers tell is heard and forgotten. */
function forgetful(): Records {
  let revokedUpTo = 0
  return {
    revocationLog: {
      revokedUpTo: () => revokedUpTo,
      revoke: (_tags, upTo) => {
        revokedUpTo = upTo
      },
    },
    reports: { onReports: () => {}, next: () => undefined, counted: () => {}, continueAfter: () => {} },
    policy: { note: () => {} },
    connected: () => {},
    policyChanged: () => {},
    makeTicket: () => {
      throw new GatewayError('DATA_FOLDER_NOT_INITIALISED', 'this gateway pairs nobody')
    },
    rotate: () => {},
  }
}
