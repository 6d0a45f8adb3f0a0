// How a connection is broken off. Closing one in the middle looks like an orderly end to whoever reads it, in TLS too, for
// Node does not tell whether a close_notify came; a reset does not.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** Where a TLS socket remembers the TCP connection beneath. A WeakMap would keep each of them for the next full collection. */
const carrier = Symbol('carrier')

interface Carried extends TLSSocket {
  [carrier]?: Socket
}

/** Remembers the TCP connection beneath. */
export function carriedBy(tls: TLSSocket, socket: Socket): void {
  const carried: Carried = tls
  carried[carrier] = socket
}

/** Ends a TCP connection, or one of TLS made here, so that the other side sees an error. What is not sent yet is lost. */
export function reset(stream: Duplex): void {
  const socket = stream instanceof TLSSocket ? (stream as Carried)[carrier] : stream
  if (socket instanceof Socket && !socket.destroyed) socket.resetAndDestroy()
  stream.destroy()
}
