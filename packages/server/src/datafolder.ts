// The data folder of a server, for its owner alone:
//
//   server.json   format, realm, time of creation: written last, so a folder without it is not initialised
//   master.key    32 octets, base64url: opens what cpns.db holds sealed; back it up apart from the database
//   cpns.db       the store, unless that is a PostgreSQL database
//   admin.token   the bearer token of the admin API
//   admin.json    where the running server offers the admin API
//   run.lock      empty; who is in the folder holds locks on it
//   master.key.next   only while the master key is being changed
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@opencpns/io'
import { isRealm } from '@opencpns/protocol'
import { makeAdminToken, readAdminToken } from './datafolder/admin-access.ts'
import { checkMasterKey } from './datafolder/check-value.ts'
import { DataFolderError } from './datafolder/errors.ts'
import { sizeOf, writeUnlessThere } from './datafolder/files.ts'
import { alreadyThere, checkFree } from './datafolder/free.ts'
import { claimFolder, type Hold, shareFolder } from './datafolder/lock.ts'
import { hasMasterKey, hasNextMasterKey, keyMissing, makeMasterKey, readMasterKey } from './datafolder/master-key.ts'
import { changeMasterKey, type Rekeyed, type RekeyOptions } from './datafolder/rekey.ts'
import { formatServerFile, readServerFile } from './datafolder/server-file.ts'
import { chooseStore, noteStore } from './datafolder/store-choice.ts'
import type { Store } from './store/contract.ts'
import { openStore, parseStoreAddress, type StoreAddress, sqliteFile } from './store/open.ts'
import type { Vault } from './vault.ts'

export { readAdminAccess, writeAdminAddress } from './datafolder/admin-access.ts'
export { DataFolderError, type DataFolderErrorCode } from './datafolder/errors.ts'

/** A server that lives has said so within this time. */
const LINK_AGE_MS = 15_000

/** An open data folder. Whoever opened it closes `store`, then calls `release`. */
export interface DataFolder {
  dir: string
  realm: string
  /** ISO 8601 */
  created: string
  vault: Vault
  store: Store
  /** Where that is. */
  storeAddress: StoreAddress
  adminToken: string
  /** Leaves the folder to those who must be alone in it: a change of the master key, a restored backup. Idempotent. */
  release(): void
}

/** `sqlite`, which is the default, or postgres://USER:PASSWORD@HOST:PORT/DATABASE. */
interface StoreOption {
  store?: string | undefined
}

interface InitOptions extends StoreOption {
  realm: string
}

interface OpenOptions extends StoreOption {
  logger?: Logger | undefined
}

/**
 * Makes `dir` (mode 0700) a data folder. What an interrupted attempt left is kept and completed: a master key, once
 * written, is never replaced.
 * @throws {DataFolderError} REALM_INVALID, DATA_FOLDER_EXISTS, DATA_FOLDER_NOT_EMPTY, MASTER_KEY_*, and {@link StoreError}
 */
export async function initDataFolder(dir: string, { realm, store }: InitOptions): Promise<void> {
  if (!isRealm(realm)) {
    throw new DataFolderError(
      'REALM_INVALID',
      `"${realm}" is not a realm: use a domain name in lower case, as example.org`,
    )
  }
  const address = parseStoreAddress(store ?? 'sqlite')
  await checkFree(dir)
  await mkdir(dir, { recursive: true })
  await chmod(dir, 0o700)
  await checkKeyBeforeDatabase(dir)
  await makeMasterKey(dir)
  await makeAdminToken(dir)
  if (address === 'sqlite') await writeUnlessThere(sqliteFile(dir), '') // SQLite gives its other files the mode of this one
  const opened = await openWithKey(dir, address)
  await opened.store.close()
  const text = formatServerFile(realm, undefined, address === 'sqlite' ? address : 'postgres')
  if (!(await writeUnlessThere(join(dir, 'server.json'), text))) throw alreadyThere(dir)
}

/**
 * Opens a data folder: its master key is the right one for its database. A change of the master key that was cut off is
 * finished first.
 * @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_DAMAGED, DATA_FOLDER_IN_USE, MASTER_KEY_*, ADMIN_TOKEN_UNUSABLE,
 *   and {@link StoreError}
 */
export async function openDataFolder(dir: string, { store, logger }: OpenOptions = {}): Promise<DataFolder> {
  const { realm, created } = await readServerFile(dir)
  const adminToken = await readAdminToken(dir)
  const storeAddress = await chooseStore(dir, store)
  const hold = await enter(dir, storeAddress)
  try {
    const opened = await openWithKey(dir, storeAddress, logger)
    await noteStore(dir, storeAddress)
    return { dir, realm, created, adminToken, ...opened, storeAddress, release: hold.release }
  } catch (error) {
    hold.release()
    throw error
  }
}

/**
 * Gives a data folder a new master key: every sealed value goes from the old one to it. No server may run in the folder. If it
 * is cut off, even by the loss of power, do it again, or start the server: both finish it.
 * @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_IN_USE, MASTER_KEY_*
 * @throws {VaultError} a value opens neither under the old key nor under the new one @throws {StoreError}
 */
export async function rekeyDataFolder(dir: string, options: RekeyOptions & StoreOption = {}): Promise<Rekeyed> {
  const address = await chooseStore(dir, options.store)
  const hold = await claimFolder(dir)
  try {
    if (address !== 'sqlite') await checkNobodyServes(dir, address)
    return await changeKeyAlone(dir, address, options)
  } finally {
    hold.release()
  }
}

/** Servers elsewhere share a database, but not this folder: those that gateways are connected to show in the database. */
async function checkNobodyServes(dir: string, address: StoreAddress): Promise<void> {
  const store = await openStore(address, { dir })
  try {
    if ((await store.countLinks(Date.now() - LINK_AGE_MS)) === 0) return
    throw new DataFolderError('DATA_FOLDER_IN_USE', `servers with the store of ${dir} still run: stop all of them`)
  } finally {
    await store.close()
  }
}

/** Shares the folder, in which no change of the master key is left half done. */
async function enter(dir: string, address: StoreAddress): Promise<Hold> {
  for (;;) {
    if (await hasNextMasterKey(dir)) await finishChangeOfKey(dir, address)
    const hold = await shareFolder(dir)
    if (!(await hasNextMasterKey(dir))) return hold
    hold.release() // somebody began one, and was cut off, between the two lines before
  }
}

async function finishChangeOfKey(dir: string, address: StoreAddress): Promise<void> {
  const hold = await claimFolder(dir, { isPatient: true })
  try {
    if (await hasNextMasterKey(dir)) await changeKeyAlone(dir, address)
  } finally {
    hold.release()
  }
}

async function changeKeyAlone(dir: string, address: StoreAddress, options?: RekeyOptions): Promise<Rekeyed> {
  const store = await openStore(address, { dir })
  try {
    return await changeMasterKey(dir, store, options)
  } finally {
    await store.close()
  }
}

/** A database with content but without its key is a lost key, not an interrupted attempt: a new key would not open it. */
async function checkKeyBeforeDatabase(dir: string): Promise<void> {
  if ((await sizeOf(sqliteFile(dir))) > 0 && !(await hasMasterKey(dir))) {
    throw keyMissing(join(dir, 'master.key'))
  }
}

/** @throws {DataFolderError} MASTER_KEY_*: the master key of the folder is not that of the store */
async function openWithKey(
  dir: string,
  address: StoreAddress,
  logger?: Logger,
): Promise<{ vault: Vault; store: Store }> {
  const vault = await readMasterKey(dir)
  const store = await openStore(address, { dir, logger })
  try {
    await checkMasterKey(store, vault, dir)
    return { vault, store }
  } catch (error) {
    await store.close()
    throw error
  }
}
