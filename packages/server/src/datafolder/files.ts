// Reading and writing the small files of a data folder.
import { readFile, stat } from 'node:fs/promises'
import { IoError, readSecretFile, writeFileAtomic } from '@opencpns/io'
import type { DataFolderError } from './errors.ts'

const FILE_MAX_OCTETS = 4096

/** The text of a file that only its owner may read, without the end of its line. */
export async function readSecret(
  path: string,
  refusals: Record<string, (cause: IoError) => DataFolderError>,
): Promise<string> {
  try {
    return (await readSecretFile(path, { maxOctets: FILE_MAX_OCTETS })).toString('latin1').trim()
  } catch (error) {
    const refusal = error instanceof IoError ? refusals[error.code]?.(error) : undefined
    throw refusal ?? error
  }
}

/** Whether it was written: not when the file is there already, whoever wrote it. */
export async function writeUnlessThere(path: string, text: string): Promise<boolean> {
  try {
    await writeFileAtomic(path, text, { overwrite: false, isFolderOwners: true })
    return true
  } catch (error) {
    if (error instanceof IoError && error.code === 'FILE_EXISTS') return false
    throw error
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  if ((await sizeOf(path)) > FILE_MAX_OCTETS) return ''
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** In octets; 0 for a file that is not there. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
