// Two byte streams made one: what a gateway does with a session and its service, and a device with a local connection.

import type { Duplex } from 'node:stream'
import { reset } from './reset.ts'

/**
 * Joins two streams, both ways, each at the pace of the slower side; an end is handed on as an end of that direction alone
 * (both must allow to be half open). Resolves when both are closed; a failure of one resets the other, so that it cannot be
 * taken for an end.
 */
export function join(one: Duplex, other: Duplex): Promise<void> {
  one.pipe(other)
  other.pipe(one)
  return Promise.all([closed(one, other), closed(other, one)]).then(() => {})
}

function closed(stream: Duplex, other: Duplex): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => {}) // 'close' follows, and tells all that we need
    const end = () => {
      if (!stream.readableEnded || !stream.writableFinished) reset(other)
      resolve()
    }
    if (stream.closed) end()
    else stream.once('close', end)
  })
}
