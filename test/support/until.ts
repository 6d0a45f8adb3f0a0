// Waiting for what other parties do in their own time.

import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 5

/** Resolves as soon as the condition holds; rejects after `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  otherwise = `this never came true: ${condition}`,
  timeoutMs = 30_000,
): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(otherwise)
    await sleep(POLL_MS)
  }
}
