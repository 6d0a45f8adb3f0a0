// Two byte streams made one: what a gateway does with a session and its service, and a device with a local connection.
// As `pipe` both ways, with the copies and system calls that a busy stream need not have left out.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { readInPlace } from './in-place.ts'
import { reset } from './reset.ts'

/** What may wait for the slower side, in octets, before the faster one has to wait too. */
const WAITING_MAX_OCTETS = 256 * 1024
/** A record of TLS that is not full is the last one of its message. */
const RECORD_OCTETS = 16 * 1024
/** Busy streams that gather at once; the others write what comes as it comes. */
const BATCHES_MAX = 16

/**
 * Joins two sockets, both ways, each at the pace of the slower side; an end is handed on as an end of that direction alone
 * (both must allow to be half open). Resolves when both are closed; a failure of one resets the other, so that it cannot be
 * taken for an end. Nobody else may read them.
 */
export function join(one: Duplex, other: Duplex): Promise<void> {
  carry(one, other)
  carry(other, one)
  return Promise.all([closed(one, other), closed(other, one)]).then(() => {})
}

function carry(from: Duplex, to: Duplex): void {
  const pace = () => {
    if (to.writableLength >= WAITING_MAX_OCTETS) from.pause()
  }
  const { take, finish } = to instanceof TLSSocket ? encrypting(to, pace) : gathering(to, pace)
  from.on('end', finish)
  to.on('drain', () => from.resume())
  if (!(from instanceof Socket && readInPlace(from, take))) from.on('data', take)
  from.resume()
}

/** Takes octets that are good for the call alone. `pace` is called after each write. */
interface Sink {
  take(octets: Buffer): void
  finish(): void
}

/** TLS encrypts what it is given within the call, if nothing waits before it. */
function encrypting(to: TLSSocket, pace: () => void): Sink {
  const take = (octets: Buffer) => {
    if (to.destroyed) return
    to.write(to.writableLength === 0 ? octets : Buffer.from(octets))
    pace()
  }
  return { take, finish: () => to.end() }
}

/** The records of TLS that come in one turn of the event loop leave in one write. */
function gathering(to: Duplex, pace: () => void): Sink {
  let batch: Buffer | undefined
  let filled = 0
  const flush = () => {
    const full = batch
    if (!full) return
    const octets = full.subarray(0, filled)
    batch = undefined
    filled = 0
    write(octets)
    batches.give(to.writableLength === 0 ? full : undefined)
  }
  const write = (octets: Buffer) => {
    if (to.destroyed) return
    to.write(octets)
    pace()
  }
  const take = (octets: Buffer) => {
    if (batch && batch.length - filled < octets.length) flush()
    if (!batch && octets.length >= RECORD_OCTETS) {
      batch = batches.take()
      if (batch) setImmediate(flush)
    }
    if (batch) filled += octets.copy(batch, filled)
    else write(Buffer.from(octets))
  }
  const finish = () => {
    flush()
    to.end()
  }
  return { take, finish }
}

/** The buffers of batches: few, and used again. One that a slow reader keeps waiting is that reader's, and another is made. */
const batches = {
  free: [] as Buffer[],
  taken: 0,
  take(): Buffer | undefined {
    if (this.taken === BATCHES_MAX) return undefined
    this.taken++
    return this.free.pop() ?? Buffer.allocUnsafeSlow(WAITING_MAX_OCTETS)
  },
  give(batch: Buffer | undefined): void {
    this.taken--
    if (batch) this.free.push(batch)
  },
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
