// The data folder of a server, for its owner alone:
//
//   server.json   format, realm, time of creation: written last, so a folder without it is not initialised
//   master.key    32 octets, base64url: opens what cpns.db holds sealed; back it up apart from the database
//   cpns.db       the store
//   admin.token   the bearer token of the admin API
//   admin.json    where the running server offers the admin API
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isRealm } from '@opencpns/protocol'
import { readAdminToken } from './datafolder/admin-access.ts'
import { DataFolderError } from './datafolder/errors.ts'
import { readSecret, sizeOf, writeUnlessThere } from './datafolder/files.ts'
import { formatServerFile, readServerFile } from './datafolder/server-file.ts'
import type { Store } from './store/contract.ts'
import { openSqlite } from './store/sqlite/open.ts'
import { MASTER_KEY_OCTETS, Vault } from './vault.ts'

export { readAdminAccess, writeAdminAddress } from './datafolder/admin-access.ts'
export { DataFolderError, type DataFolderErrorCode } from './datafolder/errors.ts'

const TOKEN_OCTETS = 32

/** What may be in a folder that is to become ours: what an interrupted attempt leaves, and what a file system puts there. */
const ours = /^(\.?(master\.key|admin\.token|admin\.json|cpns\.db(-wal|-shm)?|server\.json)(\..*\.tmp)?|lost\+found)$/

/** An open data folder. Whoever opened it closes `store`. */
export interface DataFolder {
  dir: string
  realm: string
  /** ISO 8601 */
  created: string
  vault: Vault
  store: Store
  adminToken: string
}

/**
 * Makes `dir` (mode 0700) a data folder. What an interrupted attempt left is kept and completed: a master key, once
 * written, is never replaced.
 * @throws {DataFolderError} REALM_INVALID, DATA_FOLDER_EXISTS, DATA_FOLDER_NOT_EMPTY, MASTER_KEY_*, and {@link StoreError}
 */
export async function initDataFolder(dir: string, { realm }: { realm: string }): Promise<void> {
  if (!isRealm(realm)) {
    throw new DataFolderError(
      'REALM_INVALID',
      `"${realm}" is not a realm: use a domain name in lower case, as example.org`,
    )
  }
  await checkFree(dir)
  await mkdir(dir, { recursive: true })
  await chmod(dir, 0o700)
  await checkKeyBeforeDatabase(dir)
  await writeUnlessThere(join(dir, 'master.key'), randomBytes(MASTER_KEY_OCTETS).toString('base64url'))
  await writeUnlessThere(join(dir, 'admin.token'), randomBytes(TOKEN_OCTETS).toString('base64url'))
  await writeUnlessThere(join(dir, 'cpns.db'), '') // SQLite gives its other files the mode of this one
  const { store } = await openStore(dir)
  await store.close()
  if (!(await writeUnlessThere(join(dir, 'server.json'), formatServerFile(realm)))) throw alreadyThere(dir)
}

/**
 * Opens a data folder: its master key is the right one for its database.
 * @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_DAMAGED, MASTER_KEY_*, ADMIN_TOKEN_UNUSABLE, and
 *   {@link StoreError}
 */
export async function openDataFolder(dir: string): Promise<DataFolder> {
  const { realm, created } = await readServerFile(dir)
  const adminToken = await readAdminToken(dir)
  if ((await sizeOf(join(dir, 'cpns.db'))) === 0) {
    throw new DataFolderError('DATA_FOLDER_DAMAGED', `${join(dir, 'cpns.db')} is missing: restore it from a backup`)
  }
  return { dir, realm, created, adminToken, ...(await openStore(dir)) }
}

/** Refuses a folder that is in use, by us or by others. */
async function checkFree(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new DataFolderError('DATA_FOLDER_NOT_EMPTY', `${dir} cannot be used as a folder: choose another`, {
      cause: error,
    })
  })
  if (names.includes('server.json')) throw alreadyThere(dir)
  if (!names.every((name) => ours.test(name))) {
    throw new DataFolderError('DATA_FOLDER_NOT_EMPTY', `${dir} holds other files: choose an empty or a new folder`)
  }
}

/** A database with content but without its key is a lost key, not an interrupted attempt: a new key would not open it. */
async function checkKeyBeforeDatabase(dir: string): Promise<void> {
  if ((await sizeOf(join(dir, 'cpns.db'))) > 0 && (await sizeOf(join(dir, 'master.key'))) === 0) throw keyMissing(dir)
}

async function openStore(dir: string): Promise<{ vault: Vault; store: Store }> {
  const vault = await readMasterKey(dir)
  const store = openSqlite(join(dir, 'cpns.db'))
  try {
    const checkValue = vault.checkValue()
    const written = await store.claim('master-key-check', checkValue)
    if (written.length !== checkValue.length || !timingSafeEqual(written, checkValue)) {
      throw new DataFolderError(
        'MASTER_KEY_WRONG',
        `${join(dir, 'master.key')} is not the key of ${join(dir, 'cpns.db')}: restore both from the same backup`,
      )
    }
    return { vault, store }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function readMasterKey(dir: string): Promise<Vault> {
  const path = join(dir, 'master.key')
  const text = await readSecret(path, {
    FILE_MISSING: () => keyMissing(dir),
    FILE_TOO_OPEN: (cause) =>
      new DataFolderError('MASTER_KEY_TOO_OPEN', `others may read ${path}: run chmod 600 ${path}`, { cause }),
  })
  const masterKey = Buffer.from(text, 'base64url')
  if (masterKey.length !== MASTER_KEY_OCTETS || masterKey.toString('base64url') !== text) {
    throw new DataFolderError('MASTER_KEY_DAMAGED', `${path} is not a master key: restore it from a backup`)
  }
  const vault = new Vault(masterKey)
  masterKey.fill(0)
  return vault
}

function alreadyThere(dir: string): DataFolderError {
  return new DataFolderError(
    'DATA_FOLDER_EXISTS',
    `${dir} is initialised already: run opencpns server run --data ${dir}`,
  )
}

function keyMissing(dir: string): DataFolderError {
  const path = join(dir, 'master.key')
  return new DataFolderError(
    'MASTER_KEY_MISSING',
    `${path} is missing: restore it from a backup, the database needs it`,
  )
}
