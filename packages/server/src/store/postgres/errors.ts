// What PostgreSQL and the way to it report (postgresql.org/docs/current/errcodes-appendix.html), as store errors that say what
// to do. PostgreSQL quotes values of rows in its messages, so none of them gets further than this file.
import { StoreError, type StoreErrorCode } from '../contract.ts'

/** Whether the same may be tried again: `conflict` nothing was done, `lost` nobody knows, `never` it would end alike. */
type Repeat = 'conflict' | 'lost' | 'never'

interface Meaning {
  code: StoreErrorCode
  advice: string
  repeat?: Repeat
}

const conflict: Meaning = {
  code: 'STORE_BUSY',
  advice: 'others change the same rows: try again',
  repeat: 'conflict',
}
const tooLong: Meaning = { code: 'STORE_BUSY', advice: 'the database took too long: try again' }
const lost: Meaning = {
  code: 'STORE_BUSY',
  advice: 'the connection to the database was lost: look whether the change was made, or try again',
  repeat: 'lost',
}
const away: Meaning = { code: 'STORE_BUSY', advice: 'the database cannot be reached: try again', repeat: 'lost' }
const crowded: Meaning = { code: 'STORE_BUSY', advice: 'the database has no room for another connection: try again' }
const refused: Meaning = {
  code: 'STORE_REFUSED',
  advice: 'the database does not let this server in: check user, password, database and its rights',
}
const damaged: Meaning = { code: 'STORE_CORRUPT', advice: 'the database is damaged: restore it from a backup' }
const full: Meaning = { code: 'STORE_FULL', advice: 'the disk of the database is full: make room, then try again' }

const LOCK_TIMEOUT = '55P03'

/** By SQLSTATE, or by its first two characters, its class. */
const meanings: Readonly<Record<string, Meaning>> = {
  '08': lost,
  '0A000': lost, // a prepared statement is of the schema before a migration: a new connection has none
  '25006': lost, // read-only: a standby, after a failover
  '25P03': lost, // idle in a transaction for too long
  '25P04': lost,
  '26000': lost, // a pooler between us has forgotten the prepared statement
  '28': refused,
  '3D000': refused,
  '23505': { code: 'STORE_DUPLICATE', advice: 'the store holds this already' },
  '40': conflict,
  '40003': lost,
  '42501': refused,
  '53': crowded,
  '53100': full,
  [LOCK_TIMEOUT]: tooLong,
  '57014': tooLong,
  '57P01': lost,
  '57P02': lost,
  '57P03': lost,
  '57P05': lost,
  XX001: damaged,
  XX002: damaged,
}

/** A {@link StoreError} of PostgreSQL. Its cause has the SQLSTATE and the names of table and constraint, and no value. */
export class PostgresError extends StoreError {
  readonly repeat: Repeat

  constructor({ code, advice, repeat = 'never' }: Meaning, cause: Error) {
    super(code, advice, { cause })
    this.repeat = repeat
  }
}

/** What the driver threw at a query. Whatever has no SQLSTATE is about the connection. */
export function toPostgresError(error: unknown): PostgresError {
  const cause = scrubbed(error)
  const state = cause.code ?? ''
  if (!isState(state)) return new PostgresError(lost, cause)
  const meaning = meanings[state] ?? meanings[state.slice(0, 2)]
  return new PostgresError(meaning ?? { code: 'STORE_FAILED', advice: `the database refused: ${cause.message}` }, cause)
}

/** What the driver threw when it was asked for a connection: nothing was sent to the database yet. */
export function toConnectingError(error: unknown): PostgresError {
  const failure = toPostgresError(error)
  const cause = failure.cause as Cause
  // For one that is in use: this much work is too much, and trying it again adds to it.
  if (cause.message === 'timeout exceeded when trying to connect') return new PostgresError(tooLong, cause)
  return failure.repeat === 'lost' ? new PostgresError(away, cause) : failure
}

/** The same for the first connection: there, a lost connection means that nothing answers. @param where  without password */
export function toOpeningError(error: unknown, where: string): unknown {
  if (!(error instanceof PostgresError)) return error
  const cause = error.cause as Cause
  const because = (code: StoreErrorCode, advice: string) => new PostgresError({ code, advice }, cause)
  if (error.code === 'STORE_REFUSED') return because('STORE_REFUSED', `${error.message} (${where})`)
  if (error.repeat !== 'lost') return error
  if (/password must be a string/.test(cause.message)) {
    return because('STORE_REFUSED', `the database wants a password: put it into the address (${where})`)
  }
  if (/^(CERT_|DEPTH_|ERR_TLS_|ERR_SSL_|SELF_|UNABLE_)/.test(cause.code ?? '')) {
    const advice = `the database does not prove who it is (${cause.code}): check its certificate and sslrootcert (${where})`
    return because('STORE_REFUSED', advice)
  }
  return because('STORE_UNREACHABLE', `no database answers at ${where} (${cause.message}): start it, or check --store`)
}

/** What our own code finds in a transaction: another one was faster, and nothing is done until it begins again. */
export function inEachOthersWay(): PostgresError {
  return new PostgresError(conflict, new Error('another transaction was faster'))
}

/** Whether it may be about some of many rows only: without those, the others may be written. */
export function isOfSome(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false
  const { code } = error.cause as Cause
  return error.code === 'STORE_FAILED' || error.code === 'STORE_DUPLICATE' || code === LOCK_TIMEOUT
}

type Cause = Error & { code?: string }

/** What is known of a failure without any value of a row: PostgreSQL's `message`, `detail` and `where` are left behind. */
function scrubbed(error: unknown): Cause {
  const { code, constraint, table, message } = error as Record<'code' | 'constraint' | 'table' | 'message', unknown>
  if (typeof code === 'string' && isState(code)) {
    const names = [constraint && `constraint ${constraint}`, table && `table ${table}`].filter(Boolean)
    return Object.assign(new Error([`SQLSTATE ${code}`, ...names].join(', ')), { code })
  }
  // Of the connection: the driver's own words, and those of the operating system, which name an address.
  const cause = new Error(typeof message === 'string' && message !== '' ? message : 'no connection')
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause
}

/** No class of SQLSTATE begins with E; codes of the operating system do. */
function isState(code: string): boolean {
  return /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)
}
