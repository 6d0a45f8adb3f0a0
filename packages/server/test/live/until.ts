// Waiting for what comes in its own time.
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves as soon as it holds; rejects after 4 s. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 4000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`this never came true: ${holds}`)
    await sleep(5)
  }
}
