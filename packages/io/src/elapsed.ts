// The time that has passed, for what must not live too long. The wall clock can be set back, and the steady one stands still while
// a machine sleeps: whichever went further counts.

interface Clocks {
  /** Milliseconds since the epoch. */
  readonly wall: () => number
  /** Milliseconds since any moment; never set. */
  readonly steady: () => number
}

/** Gives the milliseconds since it was made. Setting a clock back prolongs nothing; setting one ahead ends things early. */
export function elapsedClock(
  { wall, steady }: Clocks = { wall: Date.now, steady: () => performance.now() },
): () => number {
  let wallAt = wall()
  let steadyAt = steady()
  let elapsedMs = 0
  return () => {
    const wallNow = wall()
    const steadyNow = steady()
    elapsedMs += Math.max(wallNow - wallAt, steadyNow - steadyAt, 0)
    wallAt = wallNow
    steadyAt = steadyNow
    return elapsedMs
  }
}
