// SQLite's result codes (sqlite.org/rescode.html) as store errors that say what to do.
import { StoreError } from '../contract.ts'

/** The low 8 bits of an extended result code are its primary one. */
const primary = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
}
const constraint = { primaryKey: 1555, unique: 2067 }

/** Turns what node:sqlite threw into a {@link StoreError}; anything else comes back as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const options = { cause: error }
  if (error.errcode === constraint.unique || error.errcode === constraint.primaryKey) {
    return new StoreError('STORE_DUPLICATE', 'the store holds this already', options)
  }
  switch (error.errcode & 0xff) {
    case primary.busy:
    case primary.locked:
      return new StoreError('STORE_BUSY', 'another process holds the database: try again', options)
    case primary.full:
      return new StoreError('STORE_FULL', 'the disk is full: make room, then try again', options)
    case primary.corrupt:
    case primary.notADatabase:
      return new StoreError('STORE_CORRUPT', 'the database is damaged: restore it from a backup', options)
    case primary.readOnly:
    case primary.cannotOpen:
      return new StoreError('STORE_FAILED', 'the database cannot be opened for writing: check its permissions', options)
    case primary.ioError:
      return new StoreError('STORE_FAILED', 'the database cannot be read or written: check the disk', options)
    default:
      return new StoreError('STORE_FAILED', `the database refused: ${error.message}`, options)
  }
}
