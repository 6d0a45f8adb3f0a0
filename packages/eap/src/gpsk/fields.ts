// The field types of EAP-GPSK messages: how long, how read, how written. RFC 5433 section 9.

import { EapError } from '../errors.ts'
import type { Reader } from '../reader.ts'

/** A field on the wire. `size` throws RangeError for a value that may not be sent: a caller's bug. */
export interface Field<T> {
  size(value: T): number
  /** @returns where the next field begins */
  write(into: Buffer, at: number, value: T): number
  /** @throws {EapError} EAP_MALFORMED */
  read(reader: Reader): T
}

const CSUITE_OCTETS = 6
const LENGTH_OCTETS = 2

/** Octets of a fixed length. */
export function octets(length: number): Field<Uint8Array> {
  return {
    size(value) {
      if (value.length !== length) throw new RangeError(`A field of ${length} octets has ${value.length}`)
      return length
    },
    write(into, at, value) {
      into.set(value, at)
      return at + length
    },
    read: (reader) => reader.take(length),
  }
}

/** An unsigned integer of a fixed length, 1 to 6 octets. */
export function uint(length: number): Field<number> {
  return {
    size: () => length,
    write: (into, at, value) => into.writeUIntBE(value, at, length),
    read: (reader) => reader.uint(length),
  }
}

/** Octets after their length in 2 octets. */
export function vector({ min, max }: { min: number; max: number }): Field<Uint8Array> {
  const length = lengthFrom(min, max)
  return {
    size: (value) => LENGTH_OCTETS + length.checked(value.length),
    write(into, at, value) {
      into.set(value, length.write(into, at, value.length))
      return at + LENGTH_OCTETS + value.length
    },
    read: (reader) => reader.take(length.read(reader)),
  }
}

/** CSuite_Sel: one ciphersuite, by its number of 48 bits. */
export const csuite = uint(CSUITE_OCTETS)

/** CSuite_List: 1 to `max` ciphersuites after their length in octets. */
export function csuiteList({ max }: { max: number }): Field<readonly number[]> {
  const length = lengthFrom(CSUITE_OCTETS, max * CSUITE_OCTETS)
  return {
    size: (ids) => LENGTH_OCTETS + length.checked(ids.length * CSUITE_OCTETS),
    write(into, at, ids) {
      let end = length.write(into, at, ids.length * CSUITE_OCTETS)
      for (const id of ids) end = csuite.write(into, end, id)
      return end
    },
    read(reader) {
      const octets = length.read(reader)
      if (octets % CSUITE_OCTETS !== 0) {
        throw new EapError('EAP_MALFORMED', `CSuite_List has ${octets} octets, not a multiple of ${CSUITE_OCTETS}`)
      }
      const ids: number[] = []
      for (let at = 0; at < octets; at += CSUITE_OCTETS) ids.push(csuite.read(reader))
      return ids
    },
  }
}

/** The length before octets of which there are `min` to `max`. */
function lengthFrom(min: number, max: number) {
  const fits = (octets: number) => octets >= min && octets <= max
  const complaint = (octets: number) => `A field of ${min} to ${max} octets has ${octets}`
  return {
    checked(octets: number): number {
      if (!fits(octets)) throw new RangeError(complaint(octets))
      return octets
    },
    write: (into: Buffer, at: number, octets: number) => into.writeUInt16BE(octets, at),
    read(reader: Reader): number {
      const octets = reader.uint(LENGTH_OCTETS)
      if (!fits(octets)) throw new EapError('EAP_MALFORMED', complaint(octets))
      return octets
    },
  }
}
