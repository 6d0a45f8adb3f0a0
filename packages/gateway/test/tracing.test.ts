// The spans of an authentication have the times of its steps, whenever they are made of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Result } from '@opencpns/protocol'
import { INVALID_SPAN_CONTEXT, type Span, type SpanOptions, type Tracer } from '@opentelemetry/api'
import { SpanTrace } from '../src/tracing.ts'

/** Notes when spans begin and end, as it is told. */
function scriptedTracer() {
  const spans: { name: string; from: unknown; to: unknown }[] = []
  const startSpan = (name: string, options?: SpanOptions) => {
    const noted = { name, from: options?.startTime, to: undefined as unknown }
    spans.push(noted)
    const span = {
      end: (at?: unknown) => {
        assert.equal(noted.to, undefined, `${name} ends once`)
        noted.to = at
      },
      setAttributes: () => {},
      setStatus: () => {},
      spanContext: () => INVALID_SPAN_CONTEXT,
    }
    return span as unknown as Span
  }
  return { spans, tracer: { startSpan } as unknown as Tracer }
}

test('a round trip and the TLS handshake begin and end with their steps', () => {
  const { spans, tracer } = scriptedTracer()
  const trace = new SpanTrace(tracer, undefined)
  for (const step of [1, 2, 3, 6, 7, 8]) trace.step(step, 'PNE', 'PN GW', `step ${step}`)
  trace.end({ trace, sessionId: 'x', serverRoundTrips: 1 }, Result.success)
  const at = Object.fromEntries(trace.steps.map((one) => [one.step, one.at]))
  const [whole, ...parts] = spans
  assert.deepEqual(parts, [
    { name: 'step 3', from: at[3], to: at[6] },
    { name: 'TLS handshake', from: at[6], to: at[7] },
  ])
  assert.equal(whole?.from, trace.startedAt)
  assert.ok(Number(whole?.to) >= Number(at[8]))
})

test('a round trip without an answer ends with the next one, and the last with the authentication', () => {
  const { spans, tracer } = scriptedTracer()
  const trace = new SpanTrace(tracer, undefined)
  for (const step of [1, 2, 3, 3]) trace.step(step, 'PN GW', 'CPNS Server', 'ForwardedRequest')
  trace.end({ trace, sessionId: 'x', serverRoundTrips: 2 }, Result.serverUnreachable)
  const [whole, first, second] = spans
  assert.deepEqual([first?.to, second?.from], [second?.from, trace.steps.at(-1)?.at])
  assert.ok(second?.to !== undefined && second.to === whole?.to)
})
