// Notices what a device should not wait 75 seconds to find out: that the machine slept, or has other addresses now. Looking
// every few seconds is portable, and needs neither a library nor permission.

import { networkInterfaces } from 'node:os'

const LOOK_INTERVAL_MS = 5000
/** A tick so late, or clocks so far apart, cannot be chance. A clock that was set looks the same, and does no harm. */
const JUMP_MS = 3000

interface Clocks {
  /** Milliseconds since the epoch. */
  readonly wall: () => number
  /** Milliseconds since any moment; on some systems it stands still in sleep. */
  readonly steady: () => number
  /** The addresses of this machine, in any form that can be compared. */
  readonly addresses: () => string
}

const machine: Clocks = { wall: Date.now, steady: () => performance.now(), addresses }

/** Calls `onWake` after each sleep and each change of addresses. @returns ends it */
export function watchForWakes(onWake: () => void, clocks = machine, intervalMs = LOOK_INTERVAL_MS): () => void {
  let before = look(clocks)
  const timer = setInterval(() => {
    const now = look(clocks)
    const wallMs = now.wall - before.wall
    const steadyMs = now.steady - before.steady
    const jumped = Math.abs(wallMs - steadyMs) > JUMP_MS || steadyMs > intervalMs + JUMP_MS
    const moved = now.addresses !== before.addresses
    before = now
    if (jumped || moved) onWake()
  }, intervalMs)
  return () => clearInterval(timer)
}

function look({ wall, steady, addresses }: Clocks) {
  return { wall: wall(), steady: steady(), addresses: addresses() }
}

/** Addresses which a link gives itself come and go by themselves, and lead nowhere. */
function addresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  const counted = all.filter(({ address, internal }) => !internal && !address.startsWith('fe80:'))
  return counted
    .map(({ cidr }) => cidr)
    .sort()
    .join(' ')
}
