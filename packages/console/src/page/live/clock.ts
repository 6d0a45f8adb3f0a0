// The time as the page shows it: one timer for all of `3 min ago`.
import { type ReadonlySignal, signal } from '@preact/signals'

const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, 1000)

/** ms since the epoch, a second old at most. */
export const clock: ReadonlySignal<number> = now
