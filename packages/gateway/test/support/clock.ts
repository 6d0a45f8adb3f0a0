// The clock that deadlines are measured by, in the hands of a test.

import type { TestContext } from 'node:test'

/** A look at the clock comes after the one before, however little. */
const LOOK_MS = 1e-6

/** Stops {@link performance.now} until the end of the test; the function that it gives moves it on by so many milliseconds. */
export function stopClock(t: TestContext): (ms: number) => void {
  let now = performance.now()
  t.mock.method(performance, 'now', () => {
    now += LOOK_MS
    return now
  })
  return (ms) => {
    now += ms
  }
}
