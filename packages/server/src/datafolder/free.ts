// Whether a folder may become a data folder.
import { readdir } from 'node:fs/promises'
import { DataFolderError } from './errors.ts'

/** What may be in a folder that is to become ours: what an interrupted attempt leaves, and what a file system puts there. */
const ours =
  /^(\.?(master\.key(\.next)?|run\.lock|admin\.token|admin\.json|cpns\.db(-wal|-shm|\.replaced)?|server\.json)(\..*\.tmp)?|lost\+found)$/

/** @throws {DataFolderError} DATA_FOLDER_EXISTS, DATA_FOLDER_NOT_EMPTY: it is in use, by us or by others */
export async function checkFree(dir: string): Promise<void> {
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

export function alreadyThere(dir: string): DataFolderError {
  return new DataFolderError(
    'DATA_FOLDER_EXISTS',
    `${dir} is initialised already: run opencpns server run --data ${dir}`,
  )
}
