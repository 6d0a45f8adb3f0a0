// Whom a gateway turns away because its machine has too much to do, or gives up because a handshake takes 5 s, comes again, as a
// device does. That is as it should be, and says nothing about whatever else is tried.

import { setTimeout as sleep } from 'node:timers/promises'

/** As a gateway's log has them. */
export const slowness: readonly string[] = ['overloaded', 'deadline-exceeded']

const AGAIN_MS = 50
/** A machine that turns a device away for longer does not do the work at all. */
const AGAIN_MAX = 20

/**
 * The outcome of an attempt; of the next one, if that one was turned away.
 * @param isSlowness whether the gateway has told since the attempt began that its machine is why it came out so
 */
export async function comingAgain(
  attempt: () => Promise<string>,
  isSlowness: (outcome: string) => boolean | Promise<boolean>,
): Promise<string> {
  for (let again = 0; ; again++) {
    const outcome = await attempt()
    if (again === AGAIN_MAX || !(await isSlowness(outcome))) return outcome
    await sleep(AGAIN_MS)
  }
}
