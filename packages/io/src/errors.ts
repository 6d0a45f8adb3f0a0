// Errors of what touches the machine. Every code is stable and listed in docs/errors.md.

import type { EventEmitter } from 'node:events'

export type IoErrorCode =
  | 'FRAME_TOO_LARGE' // a length prefix above the limit of this link
  | 'FRAME_EMPTY' // a length prefix of zero
  | 'FRAME_TRUNCATED' // the other side ended inside a frame
  | 'UNEXPECTED_OCTETS' // octets after the last frame in the clear
  | 'TRANSCRIPT_TOO_LONG' // far more in the clear than any flow needs
  | 'LINK_CLOSED' // the other side, or we, ended between frames
  | 'SEND_QUEUE_FULL' // the other side reads too slowly
  | 'DEADLINE_EXCEEDED' // what was waited for did not come in time
  | 'ABORTED' // by the caller's signal; its reason is the cause
  | 'TLS_REFUSED' // wrong PSK, identity or ALPN, an alert, or the connection ended within the handshake
  | 'UNREACHABLE' // no TCP connection
  | 'BAD_ADDRESS' // not HOST:PORT
  | 'PORT_TAKEN' // another program listens there
  | 'LISTEN_FAILED' // not allowed, or no such address here
  | 'FILE_MISSING' // no such file
  | 'FILE_UNREADABLE' // no permission, or not a file
  | 'FILE_TOO_OPEN' // others than the owner have access
  | 'FILE_TOO_LARGE' // above the limit for such a file
  | 'FILE_EXISTS' // it is there, and may not be replaced
  | 'FILE_UNWRITABLE' // no permission, no folder, or no room

/** What the network, the other side or the file system did. The message never holds a secret. */
export class IoError extends Error {
  override readonly name = 'IoError'
  readonly code: IoErrorCode

  constructor(code: IoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The code of a system or TLS error, such as ECONNREFUSED, or of the first of an AggregateError. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return systemCode(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

function swallow(): void {}

/**
 * From now on an error of this socket cannot end the process: 'close' always follows and tells enough. There are moments,
 * between two owners of a socket, in which nobody else listens.
 */
export function swallowErrors(socket: EventEmitter): void {
  if (!socket.listeners('error').includes(swallow)) socket.on('error', swallow)
}
