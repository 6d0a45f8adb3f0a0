// How an authentication ended: an event for the operator, and a line of the log.

import type { Logger, Trace } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import type { EventLog } from './events.ts'
import type { Live } from './live/live.ts'
import type { Door, ServerMetrics } from './metrics/metrics.ts'
import type { RefusalReason } from './refusal.ts'
import type { Peer } from './registry.ts'
import { recordSpans } from './tracing.ts'

export interface Outcome {
  readonly result: 'accepted' | 'refused'
  readonly reason?: RefusalReason
  /** Identity of the gateway, as it proved it. */
  readonly gateway: string
  /** 16 octets: what the gateway reports this authentication by; it is the gateway's choice, and proves nothing. */
  readonly sessionId?: Uint8Array | undefined
  /** The trace that the gateway records it in. */
  readonly traceparent?: string | undefined
  readonly peer: Peer | undefined
  readonly trace: Trace
  /** That it came by; by the one for gateways unless told. */
  readonly door?: Door
  /** More for the line of the log; no secret, and nothing from outside that is not bounded and sanitised. */
  readonly facts?: object
}

/** Who is told of it. */
export interface Observers {
  readonly events: EventLog
  readonly logger: Logger
  /** Who shows it to an operator. */
  readonly live?: Live | undefined
  readonly metrics?: ServerMetrics | undefined
  /** Records it as a span (OpenTelemetry). */
  readonly tracer?: Tracer | undefined
}

export function report(to: Observers, outcome: Outcome): void {
  const { result, reason, gateway, sessionId, traceparent, peer, trace, door = 'cpns', facts } = outcome
  const { pneId, user } = peer ?? {}
  const session = sessionId && base64url(sessionId)
  const steps = stepsAfter(trace)
  const of = { result, reason, gateway, pneId, user, session, ms: trace.ms, steps }
  to.events.record({ type: 'authentication', case: 'remote', ...of })
  to.live?.decided(result, steps)
  to.metrics?.authenticated(door, reason, trace)
  if (to.tracer) recordSpans(to.tracer, { traceparent, steps: trace, result, reason, session })
  const line = { event: 'authentication', result, reason, gateway, pneId, ...facts, steps: trace.steps }
  to.logger.info(line, result === 'accepted' ? 'a PNE was authenticated' : 'a PNE was refused')
}

/** Each step with its microseconds since the arrival of step 3. */
function stepsAfter({ startedAt, steps }: Trace): number[] {
  const flat: number[] = []
  for (const { step, at } of steps) flat.push(step, Math.round((at - startedAt) * 1000))
  return flat
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64url')
}
