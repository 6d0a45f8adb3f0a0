// How a connection is broken off. Closing one in the middle looks like an orderly end to whoever reads it, in TLS too, for
// Node does not tell whether a close_notify came; a reset does not.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

const carriers = new WeakMap<TLSSocket, Socket>()

/** Remembers the TCP connection beneath. */
export function carriedBy(tls: TLSSocket, socket: Socket): void {
  carriers.set(tls, socket)
}

/** Ends a TCP connection, or one of TLS made here, so that the other side sees an error. What is not sent yet is lost. */
export function reset(stream: Duplex): void {
  const socket = stream instanceof TLSSocket ? carriers.get(stream) : stream
  if (socket instanceof Socket && !socket.destroyed) socket.resetAndDestroy()
  stream.destroy()
}
