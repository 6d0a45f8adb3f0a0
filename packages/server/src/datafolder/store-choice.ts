// Which store a data folder goes with. server.json says so once it is a database elsewhere (its address is not written down:
// it may hold a password), so that nobody starts a server on the SQLite file that was left behind.
import { openStore, parseStoreAddress, type StoreAddress, sqliteFile } from '../store/open.ts'
import { DataFolderError } from './errors.ts'
import { sizeOf } from './files.ts'
import { readServerFile, writeStoreKind } from './server-file.ts'

/** @throws {DataFolderError} DATA_FOLDER_STORE_ELSEWHERE, DATA_FOLDER_DAMAGED @throws {StoreError} STORE_ADDRESS_INVALID */
export async function chooseStore(dir: string, asked: string | undefined): Promise<StoreAddress> {
  const { store: written = 'sqlite' } = await readServerFile(dir)
  const address = parseStoreAddress(asked ?? 'sqlite')
  if (address === 'sqlite') {
    if (written === 'postgres') throw elsewhere(`the store of ${dir} is a PostgreSQL database: give it with --store`)
    if ((await sizeOf(sqliteFile(dir))) > 0) return address
    throw new DataFolderError('DATA_FOLDER_DAMAGED', `${sqliteFile(dir)} is missing: restore it from a backup`)
  }
  if (written === 'sqlite' && (await isInUse(dir))) {
    throw elsewhere(
      `the store of ${dir} is ${sqliteFile(dir)}: move it with opencpns server migrate --from sqlite:${sqliteFile(dir)} --data ${dir}`,
    )
  }
  return address
}

/** Writes down what was chosen, once it has been opened. */
export async function noteStore(dir: string, address: StoreAddress): Promise<void> {
  const { store = 'sqlite' } = await readServerFile(dir)
  if (address !== 'sqlite' && store === 'sqlite') await writeStoreKind(dir, 'postgres')
}

/** Whether the SQLite store of the folder holds anything: a new folder may still choose. */
async function isInUse(dir: string): Promise<boolean> {
  if ((await sizeOf(sqliteFile(dir))) === 0) return false
  const store = await openStore('sqlite', { dir })
  try {
    return (await store.listUsers({}, { limit: 1 })).items.length > 0
  } finally {
    await store.close()
  }
}

function elsewhere(message: string): DataFolderError {
  return new DataFolderError('DATA_FOLDER_STORE_ELSEWHERE', message)
}
