// Files that hold secrets: written whole or not at all, readable by their owner alone.

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chown, type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { IoError, systemCode } from './errors.ts'

const OTHERS = 0o077
const GROUP_READS = 0o040

export interface WriteOptions {
  /** Exactly these permissions, whatever the umask. */
  readonly mode?: number
  /** With false a file that is already there stays as it is. */
  readonly overwrite?: boolean
  /** Written by root, it belongs to whom its folder belongs: who serves from that folder must be able to read it. */
  readonly isFolderOwners?: boolean
}

/**
 * Writes a file so that, at any moment and after a crash, either the old or the whole new one is there; when it resolves,
 * the new one is on the disk. A crash may leave a file `.NAME.*.tmp` behind, which does no harm.
 * @throws {IoError} FILE_EXISTS (only with `overwrite` false), FILE_UNWRITABLE
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, overwrite = true, isFolderOwners = false }: WriteOptions = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeNew(temporary, data, mode)
    if (isFolderOwners) await giveToFolderOwner(temporary)
    if (overwrite) await rename(temporary, path)
    else await link(temporary, path) // unlike rename, fails when the name is taken
    if (!overwrite) await rm(temporary)
    await syncFolder(dirname(path))
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unwritable(path, cause)
  }
}

/**
 * Reads a file that only its owner may read or write.
 * @param maxOctets the largest size
 * @throws {IoError} FILE_MISSING, FILE_UNREADABLE, FILE_TOO_OPEN, FILE_TOO_LARGE
 */
export async function readSecretFile(path: string, { maxOctets }: { readonly maxOctets: number }): Promise<Buffer> {
  const file = await openToRead(path)
  try {
    const status = await file.stat()
    if (!status.isFile()) throw new IoError('FILE_UNREADABLE', `${path} is not a file`)
    if (process.platform !== 'win32' && (status.mode & OTHERS & ~allowedTo(path)) !== 0) {
      throw new IoError('FILE_TOO_OPEN', `others may read or change ${path}: it holds a secret. Run: chmod 600 ${path}`)
    }
    return await readAtMost(file, path, maxOctets)
  } finally {
    await file.close()
  }
}

/**
 * systemd passes credentials in a folder that the service alone can enter; an ACL lets its user read them, which shows as a right
 * of the group (systemd.exec(5), LoadCredential=).
 */
function allowedTo(path: string): number {
  const folder = process.env['CREDENTIALS_DIRECTORY']
  return folder && dirname(resolve(path)) === resolve(folder) ? GROUP_READS : 0
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK) // a named pipe must not make us wait
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') throw new IoError('FILE_MISSING', `there is no file ${path}`, { cause })
    throw new IoError('FILE_UNREADABLE', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
}

async function readAtMost(file: FileHandle, path: string, maxOctets: number): Promise<Buffer> {
  const room = Buffer.alloc(maxOctets + 1)
  let have = 0
  while (have < room.length) {
    const { bytesRead } = await file.read(room, have, room.length - have, null)
    if (bytesRead === 0) return room.subarray(0, have)
    have += bytesRead
  }
  throw new IoError('FILE_TOO_LARGE', `${path} has more than ${maxOctets} octets: it is not the file that is meant`)
}

async function writeNew(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.chmod(mode)
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** As root: the file belongs to whom its folder belongs. Others may not give files away, and need not. */
export async function giveToFolderOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dirname(path))
  await chown(path, uid, gid)
}

/** What was done to the names in a folder is on the disk. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // which has no such thing
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unwritable(path: string, cause: unknown): IoError {
  if (systemCode(cause) === 'EEXIST') return new IoError('FILE_EXISTS', `${path} is already there`, { cause })
  return new IoError('FILE_UNWRITABLE', `cannot write ${path}: ${reasonOf(cause)}`, { cause })
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ELOOP: 'too many symbolic links',
}

function reasonOf(cause: unknown): string {
  const code = systemCode(cause)
  return reasons[code ?? ''] ?? code ?? 'unknown reason'
}
