// When a request is sent again: RFC 5080 section 2.2.1, after the algorithm of RFC 3315 section 14.

export interface Retransmission {
  /** IRT: wait for an answer to the first transmission. Default 2 s. */
  readonly initialMs?: number
  /** MRT: the longest wait between two transmissions. Default 16 s. */
  readonly maxIntervalMs?: number
  /** MRC: how often the request is sent. Default 5. */
  readonly maxTransmissions?: number
  /** MRD: after this the request has failed. Default 30 s. */
  readonly maxDurationMs?: number
}

const JITTER = 0.1

/** The waits after each transmission, in milliseconds; `random` gives 0 to 1. */
export function* retransmissionWaits(options: Retransmission, random: () => number = Math.random): Generator<number> {
  const { initialMs = 2000, maxIntervalMs = 16_000, maxTransmissions = 5, maxDurationMs = 30_000 } = options
  const jitter = (ms: number) => ms * JITTER * (2 * random() - 1)
  let wait = initialMs + jitter(initialMs)
  let elapsed = 0
  for (let sent = 0; sent < maxTransmissions && elapsed < maxDurationMs; sent++) {
    yield Math.min(wait, maxDurationMs - elapsed)
    elapsed += wait
    wait = 2 * wait + jitter(wait)
    if (wait > maxIntervalMs) wait = maxIntervalMs + jitter(maxIntervalMs)
  }
}
