// The spans of an authentication at the PN GW (OpenTelemetry), made as its steps are noted: the whole, and in it each round trip
// to the server and the TLS handshake. Their times are those of the steps. Only where a tracer was given: otherwise nothing of
// this runs.

import { type Party, Trace, timeNow } from '@opencpns/io'
import { formatTraceparent, parseTraceparent, Result, resultName } from '@opencpns/protocol'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { AuthenticationFacts } from './authenticate.ts'

export class SpanTrace extends Trace {
  readonly #tracer: Tracer
  readonly #whole: Span
  #roundTrip: Span | undefined

  /** @param traceparent  of the PNE, if it records a trace: it names ours too, and whether ours is recorded is not its affair */
  constructor(tracer: Tracer, traceparent: string | undefined) {
    super()
    this.#tracer = tracer
    const parent = traceparent === undefined ? undefined : { ...parseTraceparent(traceparent), isRemote: true }
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
    const options = { kind: SpanKind.SERVER, startTime: this.startedAt }
    this.#whole = tracer.startSpan('authenticate', options, context)
  }

  override get traceparent(): string {
    return formatTraceparent((this.#roundTrip ?? this.#whole).spanContext())
  }

  override step(step: number, from: Party, to: Party, message: string): void {
    const since = this.steps.at(-1)?.at ?? this.startedAt
    super.step(step, from, to, message)
    const at = this.steps.at(-1)?.at ?? since
    if (step === 3 || step === 6) this.#endRoundTrip(at)
    if (step === 3) this.#roundTrip = this.#part(message, { kind: SpanKind.CLIENT, startTime: at })
    else if (step === 7) this.#part('TLS handshake', { kind: SpanKind.INTERNAL, startTime: since }).end(at)
  }

  /** The authentication has ended. No secret, and nothing that names a device or a person, becomes an attribute. */
  end(
    { case: which, keyUsed, sessionId, serverRoundTrips }: AuthenticationFacts,
    result: Result,
    reason?: string,
  ): void {
    const now = timeNow()
    this.#endRoundTrip(now)
    this.#whole.setAttributes({
      'opencpns.case': which,
      'opencpns.key_used': keyUsed,
      'opencpns.reason': reason,
      'opencpns.result': resultName(result),
      'opencpns.server_round_trips': serverRoundTrips,
      'opencpns.session_id': sessionId,
    })
    if (result !== Result.success) this.#whole.setStatus({ code: SpanStatusCode.ERROR })
    this.#whole.end(now)
  }

  #endRoundTrip(at: number): void {
    this.#roundTrip?.end(at)
    this.#roundTrip = undefined
  }

  #part(name: string, options: { kind: SpanKind; startTime: number }): Span {
    return this.#tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, this.#whole))
  }
}
