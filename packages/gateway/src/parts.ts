// What the flows of a running gateway share.

import type { Logger } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import type { KeyStore } from './keystore/key-store.ts'
import type { PolicyStore } from './keystore/policy-store.ts'
import type { TicketStore } from './keystore/ticket-store.ts'
import type { GatewayMetrics } from './metrics/metrics.ts'
import type { PresenceKeeper } from './presence.ts'
import type { Registrar } from './registrar.ts'
import type { Reporting } from './reporting.ts'
import type { Rotations } from './rotation.ts'
import type { Service } from './services.ts'
import type { Sessions } from './sessions.ts'
import type { TransientKeys } from './transient-keys.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface GatewayParts {
  /** `NAME@REALM` */
  readonly identity: string
  readonly realm: string
  readonly keys: KeyStore
  readonly tickets: TicketStore
  readonly transientKeys: TransientKeys
  readonly sessions: Sessions
  readonly presence: PresenceKeeper
  readonly registrar: Registrar
  readonly reporting: Reporting
  readonly rotations: Rotations
  readonly policy: PolicyStore
  readonly services: ReadonlyMap<string, Service>
  readonly upstream: Upstream
  readonly logger: Logger
  /** Counts and measures; without it nothing does. */
  readonly metrics?: GatewayMetrics | undefined
  /** Records spans; without one there are none. */
  readonly tracer?: Tracer | undefined
}
