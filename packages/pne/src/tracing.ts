// The span of an authentication at the device (OpenTelemetry), with which a trace over all three parties begins. Only where a
// tracer was given: otherwise nothing of this runs, and the device says nothing of a trace.

import { formatTraceparent } from '@opencpns/protocol'
import { context, isSpanContextValid, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import type { SessionFacts } from './session.ts'

export class AuthenticationSpan {
  readonly #span: Span

  /** Within the span of the caller, if there is one. */
  constructor(tracer: Tracer) {
    this.#span = tracer.startSpan('authenticate', { kind: SpanKind.CLIENT }, context.active())
  }

  /** What the gateway hears of it. */
  get traceparent(): string | undefined {
    const place = this.#span.spanContext()
    return isSpanContextValid(place) ? formatTraceparent(place) : undefined
  }

  /** No secret, and nothing that names a device or a person, becomes an attribute. */
  succeeded({ case: which, sessionId }: SessionFacts): void {
    this.#span.setAttributes({
      'opencpns.case': which,
      'opencpns.result': 'success',
      'opencpns.session_id': sessionId,
    })
    this.#span.end()
  }

  failed(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERROR'
    this.#span.setAttribute('opencpns.result', code.toLowerCase().replaceAll('_', '-'))
    this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }
}
