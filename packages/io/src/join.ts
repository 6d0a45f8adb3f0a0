// Two byte streams made one: what a gateway does with a session and its service, and a device with a local connection.

import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { reset } from './reset.ts'

/** What may wait for the slower side, in octets, before the faster one has to wait too. */
const WAITING_MAX_OCTETS = 256 * 1024

/**
 * Joins two streams, both ways, each at the pace of the slower side; an end is handed on as an end of that direction alone
 * (both must allow to be half open). Resolves when both are closed; a failure of one resets the other, so that it cannot be
 * taken for an end.
 */
export function join(one: Duplex, other: Duplex): Promise<void> {
  carry(one, other)
  carry(other, one)
  return Promise.all([closed(one, other), closed(other, one)]).then(() => {})
}

/**
 * As `pipe`, with fewer system calls: TLS gives a record of 16 KiB at a time, and what comes in one turn of the event loop
 * goes out in one write.
 */
function carry(from: Duplex, to: Duplex): void {
  const gather = !(to instanceof TLSSocket)
  let batch: Buffer[] = []
  let octets = 0
  const flush = () => {
    if (to.destroyed) return
    to.cork()
    for (const chunk of batch) to.write(chunk)
    to.uncork()
    batch = []
    octets = 0
    if (to.writableLength >= WAITING_MAX_OCTETS) from.pause()
    else if (from.isPaused()) from.resume()
  }
  from.on('data', (chunk: Buffer) => {
    octets += chunk.length
    if (batch.push(chunk) === 1 && gather) setImmediate(flush)
    if (!gather) flush()
    else if (octets >= WAITING_MAX_OCTETS) from.pause()
  })
  from.on('end', () => {
    if (batch.length > 0) flush()
    to.end()
  })
  to.on('drain', () => from.resume())
  from.resume()
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
