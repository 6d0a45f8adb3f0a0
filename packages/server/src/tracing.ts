// The spans of an authentication at the CPNS Server (OpenTelemetry): the whole, and in it the look-up of the PNE and EAP-GPSK.
// Made from the noted steps when it has ended, and only where a tracer was given.

import { type Trace, timeNow } from '@opencpns/io'
import { parseTraceparent } from '@opencpns/protocol'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'

/** What the span says. No secret, and nothing that names a device or a person, is among it. */
interface Facts {
  /** Of the gateway: the trace that this is a part of. */
  readonly traceparent: string | undefined
  readonly steps: Trace
  readonly result: 'accepted' | 'refused'
  readonly reason: string | undefined
  /** In base64url. */
  readonly session: string | undefined
}

export function recordSpans(tracer: Tracer, { traceparent, steps: noted, result, reason, session }: Facts): void {
  const parent = traceparent === undefined ? undefined : { ...parseTraceparent(traceparent), isRemote: true }
  const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
  const { startedAt, steps } = noted
  const attributes = { 'opencpns.result': result, 'opencpns.reason': reason, 'opencpns.session_id': session }
  const whole = tracer.startSpan('authenticate', { kind: SpanKind.SERVER, startTime: startedAt, attributes }, context)
  const within = trace.setSpan(ROOT_CONTEXT, whole)
  let since = startedAt
  for (const { step, at } of steps) {
    tracer.startSpan(step === 4 ? 'look-up' : 'EAP-GPSK', { startTime: since }, within).end(at)
    since = at
  }
  if (result === 'refused') whole.setStatus({ code: SpanStatusCode.ERROR })
  whole.end(timeNow())
}
