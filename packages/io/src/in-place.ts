// Reading a socket without a new buffer for each read. Node has this as the option `onread` of a socket that it connects; for one
// that was accepted, or upgraded to TLS, the same is inside, undocumented, hence optional: where it is missing, nothing is lost
// but time. A busy connection spends a third of its processor time on buffers of its own: page faults, and their collection.

import type { Socket } from 'node:net'

const SHARED_OCTETS = 64 * 1024

let shared: Buffer | undefined

/** What Node's sockets have inside. */
interface Inside {
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null
  [symbol: symbol]: unknown
}

/**
 * Hands each read of the socket to `take` instead of to 'data', at first what it holds already. The octets are good for that call
 * alone: all sockets share the buffer. The end and errors of the socket come as ever, and so does its pausing.
 * @returns false, and nothing is changed, where Node cannot do it
 */
export function readInPlace(socket: Socket, take: (octets: Buffer) => void): boolean {
  const inside = socket as unknown as Inside
  const symbols = Object.getOwnPropertySymbols(socket)
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) => symbols.find((one) => one.description === name))
  if (!buffer || !callback || !inside._handle?.useUserBuffer) return false
  for (let held = socket.read(); held !== null; held = socket.read()) take(held)
  shared ??= Buffer.allocUnsafeSlow(SHARED_OCTETS)
  const octets = shared
  inside[buffer] = octets
  inside[callback] = (count: number) => take(octets.subarray(0, count))
  inside._handle?.useUserBuffer(octets)
  return true
}
