// W3C Trace Context (w3.org/TR/trace-context), version 00: docs/protocol.md section 4.1. The form is the field's; here its parts.

/** A place in a trace. An id of zeros is none. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** One octet; bit 0: it is recorded. */
  readonly traceFlags: number
}

export function formatTraceparent({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}

/** @param traceparent  as the codec has checked it */
export function parseTraceparent(traceparent: string): TraceContext {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) }
}
