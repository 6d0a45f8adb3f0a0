// Moves the store of a server from SQLite to PostgreSQL. With its data folder at hand, the master key is checked before, and the
// folder goes with the database afterwards.
import { timingSafeEqual } from 'node:crypto'
import { StoreError } from '../store/contract.ts'
import { parseStoreAddress } from '../store/open.ts'
import { type TransferReport, transfer } from '../store/transfer/transfer.ts'
import { MASTER_KEY_CLAIM } from './check-value.ts'
import { DataFolderError } from './errors.ts'
import { sizeOf } from './files.ts'
import { claimFolder } from './lock.ts'
import { readMasterKey } from './master-key.ts'
import { readServerFile, writeStoreKind } from './server-file.ts'

export interface MoveOptions {
  /** `sqlite:FILE` */
  readonly from: string
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE, with nothing in it */
  readonly to: string
  /** Of the server whose store it is; no server may run in it. */
  readonly dataDir?: string | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Cut off at any moment, it can be done again, and goes on where it was.
 * @throws {StoreError} STORE_ADDRESS_INVALID, STORE_UNREACHABLE, STORE_NOT_EMPTY, STORE_DIFFERS, STORE_BUSY, …
 * @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_IN_USE, MASTER_KEY_*
 */
export async function moveStore({ from, to, dataDir, onProgress }: MoveOptions): Promise<TransferReport> {
  const address = parseStoreAddress(to)
  if (address === 'sqlite')
    throw new StoreError('STORE_ADDRESS_INVALID', 'a store is moved to postgres://USER@HOST/DATABASE')
  const file = await findSource(from)
  if (dataDir === undefined) return transfer({ from: file, to: address, onProgress })

  await readServerFile(dataDir)
  const hold = await claimFolder(dataDir)
  try {
    const checkValue = (await readMasterKey(dataDir)).checkValue()
    const check = (source: { claim(name: string): Uint8Array | undefined }) => {
      const written = source.claim(MASTER_KEY_CLAIM)
      if (written?.length === checkValue.length && timingSafeEqual(written, checkValue)) return
      throw new DataFolderError(
        'MASTER_KEY_WRONG',
        `the master key in ${dataDir} is not the key of ${file}: give its own folder`,
      )
    }
    const onCompared = () => writeStoreKind(dataDir, 'postgres')
    return await transfer({ from: file, to: address, check, onCompared, onProgress })
  } finally {
    hold.release()
  }
}

async function findSource(from: string): Promise<string> {
  const [, file] = /^sqlite:(.+)$/.exec(from) ?? []
  if (file === undefined) throw new StoreError('STORE_ADDRESS_INVALID', 'a store is moved from sqlite:FILE')
  if ((await sizeOf(file)) > 0) return file
  throw new StoreError('STORE_UNREACHABLE', `${file} is not there: give the cpns.db of the data folder`)
}
