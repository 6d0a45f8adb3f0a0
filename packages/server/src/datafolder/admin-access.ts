// How the operator's tools reach the server that runs in a data folder: its address, and the token of the admin API.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type IoError, writeFileAtomic } from '@opencpns/io'
import Type from 'typebox'
import { Check } from 'typebox/value'
import { DataFolderError } from './errors.ts'
import { parseJson, readIfThere, readSecret, writeUnlessThere } from './files.ts'
import { isHeld } from './lock.ts'
import { readServerFile } from './server-file.ts'

const TOKEN_OCTETS = 32

const AdminFile = Type.Object({ url: Type.String(), certificate: Type.Optional(Type.String()) })

/**
 * Tells the operator's tools where the admin API is. The file goes with the function that comes back.
 * @param at.url  as the admin door gives it
 * @param at.certificate  PEM: which one it shows, over TLS
 */
export async function writeAdminAddress(
  dir: string,
  at: { url: string; certificate?: string | undefined },
): Promise<() => Promise<void>> {
  const path = join(dir, 'admin.json')
  await writeFileAtomic(path, `${JSON.stringify(at)}\n`)
  return () => rm(path, { force: true })
}

/**
 * What a tool needs to use the admin API of the server that runs in `dir`. An address that a server left behind when it was
 * killed may be another program's by now, which must not be given the token.
 * @throws {DataFolderError} DATA_FOLDER_MISSING, SERVER_NOT_RUNNING, ADMIN_TOKEN_UNUSABLE
 */
export async function readAdminAccess(
  dir: string,
): Promise<{ url: string; token: string; certificate?: string | undefined }> {
  await readServerFile(dir)
  const address = parseJson(await readIfThere(join(dir, 'admin.json')))
  if (!Check(AdminFile, address) || !(await isHeld(dir))) {
    throw new DataFolderError(
      'SERVER_NOT_RUNNING',
      `no server runs in ${dir}: start it with opencpns server run --data ${dir}`,
    )
  }
  return { ...address, token: await readAdminToken(dir) }
}

/** Makes one unless it is there. */
export async function makeAdminToken(dir: string): Promise<void> {
  await writeUnlessThere(join(dir, 'admin.token'), randomBytes(TOKEN_OCTETS).toString('base64url'))
}

/** @throws {DataFolderError} ADMIN_TOKEN_UNUSABLE */
export async function readAdminToken(dir: string): Promise<string> {
  const path = join(dir, 'admin.token')
  const unusable = (advice: string) => (cause: IoError) =>
    new DataFolderError('ADMIN_TOKEN_UNUSABLE', advice, { cause })
  const token = await readSecret(path, {
    FILE_MISSING: unusable(`${path} is missing: put a line of 43 random base64url characters there, mode 600`),
    FILE_TOO_OPEN: unusable(`others may read ${path}: run chmod 600 ${path}`),
  })
  if (/^[A-Za-z0-9_-]{43,}$/.test(token)) return token
  throw new DataFolderError(
    'ADMIN_TOKEN_UNUSABLE',
    `${path} is too short or damaged: put 43 random base64url characters there`,
  )
}
