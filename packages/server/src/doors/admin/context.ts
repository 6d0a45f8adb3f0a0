// What the routes of the admin API work on.
import type { Logger } from '@opencpns/io'
import type { EventLog } from '../../events.ts'
import type { Links } from '../../links.ts'
import type { Authentications } from '../../live/authentications.ts'
import type { Live } from '../../live/live.ts'
import type { Totals } from '../../live/totals.ts'
import type { Registry } from '../../registry.ts'
import type { LinkedGateways } from '../cpns/gateways.ts'

/** What goes on, and what can be asked of gateways. */
export interface Watch {
  readonly live: Live
  readonly totals: Totals
  readonly authentications: Authentications
  readonly gateways: LinkedGateways
}

export interface AdminContext {
  readonly registry: Registry
  readonly events: EventLog
  readonly watch?: Watch | undefined
  /** Which gateways are connected; without it nobody knows. */
  readonly links?: Pick<Links, 'connectedSince'> | undefined
  readonly logger?: Logger | undefined
}
