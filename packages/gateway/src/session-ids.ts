// Session ids: 16 random octets each, drawn many at a time. A call for random octets costs as much as all else in step 2.

import { randomBytes } from 'node:crypto'
import { SESSION_ID_OCTETS } from '@opencpns/protocol'

const DRAWN_AT_ONCE = 256

let drawn = Buffer.alloc(0)
let at = 0

/** A session id that was never given before. It is public. */
export function newSessionId(): Buffer {
  if (at === drawn.length) {
    drawn = randomBytes(SESSION_ID_OCTETS * DRAWN_AT_ONCE)
    at = 0
  }
  at += SESSION_ID_OCTETS
  return drawn.subarray(at - SESSION_ID_OCTETS, at)
}
