// The field types of EAP-GPSK messages: how long, how read, how written. RFC 5433 section 9.

import { EapError } from '../errors.ts'
import type { Reader } from '../reader.ts'

/** A field on the wire. `size` throws RangeError for a value that may not be sent: a caller's bug. */
export interface Field<T> {
  size(value: T): number
  write(into: Buffer, at: number, value: T): void
  /** @throws {EapError} EAP_MALFORMED */
  read(reader: Reader): T
}

const CSUITE_OCTETS = 6
const LENGTH_OCTETS = 2

/** Octets of a fixed length. */
export function octets(length: number): Field<Uint8Array> {
  return {
    size: (value) => checked(value.length === length, length, `A field of ${length} octets has ${value.length}`),
    write: (into, at, value) => into.set(value, at),
    read: (reader) => reader.take(length),
  }
}

/** An unsigned integer of a fixed length, 1 to 6 octets. */
export function uint(length: number): Field<number> {
  return {
    size: () => length,
    write: (into, at, value) => void into.writeUIntBE(value, at, length),
    read: (reader) => reader.uint(length),
  }
}

/** Octets after their length in 2 octets. */
export function vector({ min, max }: { min: number; max: number }): Field<Uint8Array> {
  const fits = (length: number) => length >= min && length <= max
  const complaint = (length: number) => `A field of ${min} to ${max} octets has ${length}`
  return {
    size: ({ length }) => checked(fits(length), LENGTH_OCTETS + length, complaint(length)),
    write(into, at, value) {
      into.writeUInt16BE(value.length, at)
      into.set(value, at + LENGTH_OCTETS)
    },
    read(reader) {
      const length = reader.uint(LENGTH_OCTETS)
      if (!fits(length)) throw new EapError('EAP_MALFORMED', complaint(length))
      return reader.take(length)
    },
  }
}

/** CSuite_Sel: one ciphersuite, by its number of 48 bits. */
export const csuite = uint(CSUITE_OCTETS)

/** CSuite_List: 1 to `max` ciphersuites after their length in octets. */
export function csuiteList({ max }: { max: number }): Field<readonly number[]> {
  const list = vector({ min: CSUITE_OCTETS, max: max * CSUITE_OCTETS })
  return {
    size: (ids) => list.size(packList(ids)),
    write: (into, at, ids) => list.write(into, at, packList(ids)),
    read: (reader) => unpackList(list.read(reader)),
  }
}

function packList(ids: readonly number[]): Buffer {
  const packed = Buffer.alloc(ids.length * CSUITE_OCTETS)
  for (const [i, id] of ids.entries()) csuite.write(packed, i * CSUITE_OCTETS, id)
  return packed
}

function unpackList(packed: Uint8Array): number[] {
  if (packed.length % CSUITE_OCTETS !== 0) {
    throw new EapError('EAP_MALFORMED', `CSuite_List has ${packed.length} octets, not a multiple of ${CSUITE_OCTETS}`)
  }
  const view = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  return Array.from({ length: packed.length / CSUITE_OCTETS }, (_, i) =>
    view.readUIntBE(i * CSUITE_OCTETS, CSUITE_OCTETS),
  )
}

function checked(good: boolean, size: number, complaint: string): number {
  if (!good) throw new RangeError(complaint)
  return size
}
