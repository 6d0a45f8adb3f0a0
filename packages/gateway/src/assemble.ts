// The parts of a gateway, put together around its data folder and the server that vouches for PNEs it does not know. Nothing
// listens yet: gateway.ts does.

import type { Logger } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import type { DataFolder } from './keystore/data-folder.ts'
import type { GatewayMetrics } from './metrics/metrics.ts'
import type { GatewayParts } from './parts.ts'
import { PresenceKeeper } from './presence.ts'
import { Registrar } from './registrar.ts'
import { Reporting } from './reporting.ts'
import { revocationLogOf } from './revocation-log.ts'
import { Rotations } from './rotation.ts'
import type { Service } from './services.ts'
import { Sessions } from './sessions.ts'
import { makeTicket } from './tickets.ts'
import { TransientKeys } from './transient-keys.ts'
import type { ChosenServer } from './upstream/choose.ts'
import type { Records } from './upstream/upstream.ts'

const SESSIONS_MAX = 10_000

export interface GatewaySettings {
  /** By the name that a PNE asks for. */
  readonly services?: Readonly<Record<string, Service>> | undefined
  /** Keys older than this, in milliseconds, are rotated; by default 90 days. */
  readonly rotateAfterMs?: number | undefined
  /** Open sessions at once; by default 10,000. */
  readonly maxSessions?: number | undefined
  readonly logger: Logger
  /** Records each authentication as a span (OpenTelemetry); without one nothing is recorded. */
  readonly tracer?: Tracer | undefined
}

/**
 * Reports what a crash left behind, and begins to connect to the server.
 * @param metrics  counts and measures; without it nothing does
 */
export function assemble(
  server: ChosenServer,
  folder: DataFolder,
  settings: GatewaySettings,
  metrics?: GatewayMetrics,
): GatewayParts {
  const { identity, realm } = server.name
  const { keys, tickets, policy } = folder
  const { services = {}, rotateAfterMs, maxSessions = SESSIONS_MAX, logger, tracer } = settings
  const transientKeys = new TransientKeys()
  const sessions = new Sessions(maxSessions)
  const registrar = new Registrar({ outbox: folder.outbox, logger, wanted: server.registers })
  const records: Records = {
    revocationLog: revocationLogOf({ keys, transientKeys, sessions, logger, metrics }),
    reports: registrar,
    policy,
    connected: () => rotations.connected(),
    policyChanged: () => rotations.look(),
    makeTicket: (wishes) => makeTicket(folder, wishes),
    rotate: (pneId) => rotations.askedFor(pneId),
  }
  const upstream = server.open(records)
  const rotations = new Rotations({
    keys,
    store: folder.rotations,
    upstream,
    generation: () => policy.current.generation,
    logger,
    rotateAfterMs,
    onOutcome: (result) => metrics?.rotated(result),
  })
  return {
    identity,
    realm,
    keys,
    tickets,
    transientKeys,
    sessions,
    presence: new PresenceKeeper(),
    registrar,
    reporting: new Reporting({ send: (report) => upstream.tell(report) }),
    rotations,
    policy,
    services: new Map(Object.entries(services)),
    upstream,
    logger,
    metrics,
    tracer,
  }
}
