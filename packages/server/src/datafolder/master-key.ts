// master.key: 32 octets as base64url. While it is being changed, the key that comes next lies beside it in master.key.next.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@opencpns/io'
import { MASTER_KEY_OCTETS, Vault } from '../vault.ts'
import { DataFolderError } from './errors.ts'
import { readSecret, sizeOf, writeUnlessThere } from './files.ts'

const CURRENT = 'master.key'
const NEXT = 'master.key.next'

/** @throws {DataFolderError} MASTER_KEY_MISSING, MASTER_KEY_TOO_OPEN, MASTER_KEY_DAMAGED */
export async function readMasterKey(dir: string): Promise<Vault> {
  return readKeyAt(join(dir, CURRENT))
}

/** Makes one unless it is there: a master key, once written, is never replaced but by {@link adoptNextMasterKey}. */
export async function makeMasterKey(dir: string): Promise<void> {
  await writeUnlessThere(join(dir, CURRENT), newKey())
}

export async function hasMasterKey(dir: string): Promise<boolean> {
  return (await sizeOf(join(dir, CURRENT))) > 0
}

/** Whether a change of the master key was begun and not finished. */
export async function hasNextMasterKey(dir: string): Promise<boolean> {
  return (await sizeOf(join(dir, NEXT))) > 0
}

/** The key that comes next, made now unless it is there. On the disk when it is given. */
export async function nextMasterKey(dir: string): Promise<Vault> {
  await writeUnlessThere(join(dir, NEXT), newKey())
  return readKeyAt(join(dir, NEXT))
}

/** The key that comes next is the master key from now on. Cut off anywhere, it can be done again. */
export async function adoptNextMasterKey(dir: string): Promise<void> {
  await setMasterKey(dir, join(dir, NEXT))
}

/** The key in another file, as one from a backup, is the master key from now on, and none comes next. @throws as {@link readMasterKey} */
export async function setMasterKey(dir: string, file: string): Promise<void> {
  await writeFileAtomic(join(dir, CURRENT), await readKeyFile(file), { isFolderOwners: true })
  await rm(join(dir, NEXT), { force: true })
}

/** Where the master keys of a folder are that are there: the one of now, and the one that comes next. */
export async function masterKeyFiles(dir: string): Promise<string[]> {
  const files = [join(dir, CURRENT), join(dir, NEXT)]
  const sizes = await Promise.all(files.map(sizeOf))
  return files.filter((_, index) => sizes[index] !== 0)
}

/** The key in any file. @throws as {@link readMasterKey} */
export async function readKeyAt(file: string): Promise<Vault> {
  return vaultOf(await readKeyFile(file))
}

export function keyMissing(path: string, advice = 'restore it from a backup, the database needs it'): DataFolderError {
  return new DataFolderError('MASTER_KEY_MISSING', `${path} is missing: ${advice}`)
}

function newKey(): string {
  return randomBytes(MASTER_KEY_OCTETS).toString('base64url')
}

async function readKeyFile(path: string): Promise<string> {
  const text = await readSecret(path, {
    FILE_MISSING: () => keyMissing(path),
    FILE_TOO_OPEN: (cause) =>
      new DataFolderError('MASTER_KEY_TOO_OPEN', `others may read ${path}: run chmod 600 ${path}`, { cause }),
  })
  const masterKey = Buffer.from(text, 'base64url')
  const isKey = masterKey.length === MASTER_KEY_OCTETS && masterKey.toString('base64url') === text
  masterKey.fill(0)
  if (isKey) return text
  throw new DataFolderError('MASTER_KEY_DAMAGED', `${path} is not a master key: restore it from a backup`)
}

function vaultOf(text: string): Vault {
  const masterKey = Buffer.from(text, 'base64url')
  const vault = new Vault(masterKey)
  masterKey.fill(0)
  return vault
}
