// Random octets for what is public, as nonces and challenges: a system call for each would cost more than all else of them.

import { randomFillSync } from 'node:crypto'

const POOL_OCTETS = 8192

let pool = Buffer.alloc(0)
let at = 0

/** @param octets  at most 8,192 */
export function randomOctets(octets: number): Buffer {
  if (at + octets > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_OCTETS))
    at = 0
  }
  at += octets
  return pool.subarray(at - octets, at)
}
