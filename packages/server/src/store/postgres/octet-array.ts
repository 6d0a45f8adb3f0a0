// A `bytea[]` as PostgreSQL sends and takes it in binary form. As text it would be twice as long, and made octet by octet.
import pg from 'pg'

const HEADER_OCTETS = 20
const LENGTH_OCTETS = 4

/** A parameter of type `bytea[]`: dimensions, whether any is null, the type of the elements; size and first index of the dimension. */
export function octetArray(elements: readonly Uint8Array[]): Buffer {
  const octets = elements.reduce((sum, { length }) => sum + LENGTH_OCTETS + length, HEADER_OCTETS)
  const array = Buffer.allocUnsafe(octets)
  let at = 0
  for (const word of [1, 0, pg.types.builtins.BYTEA, elements.length, 1]) at = array.writeInt32BE(word, at)
  for (const element of elements) {
    at = array.writeInt32BE(element.length, at)
    array.set(element, at)
    at += element.length
  }
  return array
}
