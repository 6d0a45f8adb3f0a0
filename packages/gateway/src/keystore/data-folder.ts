// The gateway's data folder: gateway.db, storage.key (32 random octets that seal it) and run.lock, which a running gateway
// holds. `gateway run` claims the folder; `gateway pair`, another process, opens the same database beside it.

import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readSecretFile, writeFileAtomic } from '@opencpns/io'
import { GatewayError } from '../errors.ts'
import { inTransaction, openDatabase, toGatewayError } from './database.ts'
import { KeyStore } from './key-store.ts'
import { Outbox } from './outbox.ts'
import { PolicyStore } from './policy-store.ts'
import { RotationStore } from './rotation-store.ts'
import { Seal } from './seal.ts'
import { TicketStore } from './ticket-store.ts'

const STORAGE_KEY_OCTETS = 32
/** Longer than a look at the lock takes. */
const LOCK_TIMEOUT_MS = 250
const CHECK_ROW = Buffer.from('meta')

/** Whose folder it is. */
export interface GatewayName {
  readonly identity: string
  readonly realm: string
}

export interface DataFolder {
  readonly dir: string
  readonly name: GatewayName
  readonly keys: KeyStore
  readonly tickets: TicketStore
  readonly rotations: RotationStore
  readonly outbox: Outbox
  readonly policy: PolicyStore
  /** Where the gateway listens, `HOST:PORT`, as it last said; undefined before the first time. */
  address(): string | undefined
  noteAddress(address: string): void
  /** Where PNEs find the gateway instead, `HOST:PORT` each, as it last said; empty for where it listens. */
  advertised(): readonly string[]
  noteAdvertised(addresses: readonly string[]): void
  /** Idempotent. */
  close(): void
}

/**
 * Makes the folder this gateway's, and holds it until it is closed or the process ends. The first time it is made, with mode 0700.
 * @throws {GatewayError} DATA_FOLDER_LOCKED, DATA_FOLDER_OTHER_GATEWAY, DATA_FOLDER_UNUSABLE, STORAGE_KEY_WRONG, DATABASE_…
 */
export async function claimDataFolder(dir: string, name: GatewayName): Promise<DataFolder> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new GatewayError('DATA_FOLDER_UNUSABLE', `cannot make ${dir}: choose another folder, or change its rights`, {
      cause,
    })
  }
  const lock = holdLock(dir)
  try {
    const isNew = !existsSync(join(dir, 'gateway.db'))
    if (isNew && !existsSync(join(dir, 'storage.key'))) {
      await writeFileAtomic(join(dir, 'storage.key'), randomBytes(STORAGE_KEY_OCTETS), { mode: 0o600 })
    }
    makeForOwner(join(dir, 'gateway.db'))
    const folder = open(dir, await readStorageKey(dir), name)
    const close = () => {
      folder.close()
      closeOnce(lock)
    }
    return { ...folder, close }
  } catch (error) {
    lock.close()
    throw error
  }
}

/**
 * Opens the folder of a gateway which may be running.
 * @throws {GatewayError} DATA_FOLDER_NOT_INITIALISED, STORAGE_KEY_WRONG, DATABASE_…
 */
export async function openDataFolder(dir: string): Promise<DataFolder> {
  if (!existsSync(join(dir, 'gateway.db'))) throw notInitialised(dir)
  return open(dir, await readStorageKey(dir))
}

function open(dir: string, storageKey: Uint8Array, claimant?: GatewayName): DataFolder {
  const db = openDatabase(join(dir, 'gateway.db'))
  try {
    const seal = new Seal(storageKey)
    const meta = metaOf(db)
    const name = inTransaction(db, () => {
      checkStorageKey(meta, seal, claimant !== undefined)
      return checkName(dir, meta, claimant)
    })
    const keys = new KeyStore(db, seal)
    return {
      dir,
      name,
      keys,
      rotations: new RotationStore(db, seal, keys),
      tickets: new TicketStore(db, seal),
      outbox: new Outbox(db),
      policy: new PolicyStore(db),
      address: () => meta.get('address') as string | undefined,
      noteAddress: (address) => meta.set('address', address),
      advertised: () => wordsOf(meta.get('advertised')),
      noteAdvertised: (addresses) => meta.set('advertised', addresses.join(' ')),
      close: () => closeOnce(db),
    }
  } catch (error) {
    db.close()
    throw error
  }
}

type Meta = ReturnType<typeof metaOf>

function metaOf(db: DatabaseSync) {
  const select = db.prepare('SELECT value FROM meta WHERE name = ?')
  const upsert = db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
  return {
    get: (name: string) => select.get(name)?.['value'],
    set: (name: string, value: string | Uint8Array) => void upsert.run(name, value),
  }
}

function wordsOf(value: unknown): string[] {
  return typeof value === 'string' && value !== '' ? value.split(' ') : []
}

/** The first opening seals a known value; every later one must open it. */
function checkStorageKey(meta: Meta, seal: Seal, mayWrite: boolean): void {
  const check = meta.get('storageKeyCheck')
  if (check === undefined) {
    if (mayWrite) meta.set('storageKeyCheck', seal.close('storage key check', CHECK_ROW, new Uint8Array(0)))
    return
  }
  try {
    seal.open('storage key check', CHECK_ROW, check as Uint8Array)
  } catch (cause) {
    throw storageKeyWrong('storage.key is not the key of gateway.db', cause)
  }
}

function checkName(dir: string, meta: Meta, claimant: GatewayName | undefined): GatewayName {
  const identity = meta.get('identity')
  const realm = meta.get('realm')
  if (typeof identity === 'string' && typeof realm === 'string') {
    if (!claimant || claimant.identity === identity) return { identity, realm }
    throw new GatewayError(
      'DATA_FOLDER_OTHER_GATEWAY',
      `${dir} belongs to ${identity}, the credential to ${claimant.identity}: give each gateway a folder of its own`,
    )
  }
  if (!claimant) throw notInitialised(dir)
  meta.set('identity', claimant.identity)
  meta.set('realm', claimant.realm)
  return claimant
}

async function readStorageKey(dir: string): Promise<Uint8Array> {
  let storageKey: Uint8Array
  try {
    storageKey = await readSecretFile(join(dir, 'storage.key'), { maxOctets: STORAGE_KEY_OCTETS })
  } catch (cause) {
    throw storageKeyWrong(`cannot use storage.key in ${dir}: ${cause instanceof Error ? cause.message : cause}`, cause)
  }
  if (storageKey.length === STORAGE_KEY_OCTETS) return storageKey
  throw storageKeyWrong(`storage.key in ${dir} does not have ${STORAGE_KEY_OCTETS} octets`)
}

/** An open transaction on a file of its own: the system ends it with the process, however that ends. */
function holdLock(dir: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    makeForOwner(join(dir, 'run.lock'))
    lock = new DatabaseSync(join(dir, 'run.lock'), { timeout: LOCK_TIMEOUT_MS })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    if (lock?.isOpen) lock.close()
    const error = toGatewayError(cause)
    if (error instanceof GatewayError && error.code === 'DATABASE_BUSY') {
      throw new GatewayError('DATA_FOLDER_LOCKED', `a gateway runs on ${dir} already: stop it first`, { cause })
    }
    throw new GatewayError('DATA_FOLDER_UNUSABLE', `cannot write in ${dir}: check its rights and the disk`, { cause })
  }
}

/** Whether a gateway runs on the folder. It takes a shared lock for a moment, which a gateway that starts waits for. */
export function isClaimed(dir: string): boolean {
  const path = join(dir, 'run.lock')
  if (!existsSync(path)) return false
  const lock = new DatabaseSync(path, { timeout: 0, readOnly: true })
  try {
    lock.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (cause) {
    const error = toGatewayError(cause)
    if (error instanceof GatewayError && error.code === 'DATABASE_BUSY') return true
    throw error
  } finally {
    lock.close()
  }
}

/** SQLite would make it as the umask says. An empty file is a new database to it. */
function makeForOwner(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
}

function closeOnce(db: DatabaseSync): void {
  if (db.isOpen) db.close()
}

function storageKeyWrong(what: string, cause?: unknown): GatewayError {
  const advice = 'restore gateway.db and storage.key together from a backup'
  return new GatewayError('STORAGE_KEY_WRONG', `${what}: ${advice}`, { cause })
}

function notInitialised(dir: string): GatewayError {
  return new GatewayError(
    'DATA_FOLDER_NOT_INITIALISED',
    `${dir} has no gateway yet: start opencpns gateway run --data ${dir} … first`,
  )
}
