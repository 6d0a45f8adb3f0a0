// What becomes of revocations at a gateway. How it hears of them is in upstream/revocations.ts.

import { EndReason } from '@opencpns/protocol'
import type { GatewayParts } from './parts.ts'
import type { RevocationLog } from './upstream/upstream.ts'

type Touched = Pick<GatewayParts, 'keys' | 'transientKeys' | 'sessions' | 'logger' | 'metrics'>

/** A revoked PNE loses its sessions and its TK at once, whatever the disk says; then, durably, its EUKey. */
export function revocationLogOf({ keys, transientKeys, sessions, logger, metrics }: Touched): RevocationLog {
  return {
    revokedUpTo: () => keys.revokedUpTo(),
    revoke: (tags, upTo) => {
      for (const octets of tags) {
        const tag = Buffer.from(octets).toString('hex')
        transientKeys.drop(tag)
        sessions.endPne(tag, EndReason.revoked)
      }
      keys.revoke(tags, upTo)
      metrics?.revoked(tags.length)
      logger.info({ event: 'revocations', count: tags.length, upTo }, 'revocations were acted on')
    },
  }
}
