// How values of PostgreSQL come into this program: 64-bit integers as numbers (ids and times stay far below 2^53), octets as
// plain Uint8Array, as SQLite gives them.
import pg from 'pg'

const { builtins } = pg.types

export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: string) {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (oid === builtins.INT8 || oid === builtins.NUMERIC) return Number
    if (oid === builtins.BYTEA) return octets
    return pg.types.getTypeParser(oid, 'text')
  },
}

/** `\x…`, the only form that a database of this century sends. */
function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'))
}
