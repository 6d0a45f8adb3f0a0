// The file for a secret that is told once, a gateway's credential or a token: first reserved with all the room that it needs, then written whole or not at all.
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../../errors.ts'

const ROOM_OCTETS = 4096
const OWNER_ONLY = 0o600

export interface ReservedFile {
  /** An object is written as JSON. Durable when it resolves. @throws {CliError} OUT_UNWRITABLE */
  write(content: object | string): Promise<void>
  /** Gives the name free again if nothing was written. */
  release(): Promise<void>
}

/**
 * Takes the name, so that nobody else can, and the room on the disk, so that it cannot run out between the secret's
 * arrival and its storage.
 * @throws {CliError} OUT_EXISTS, OUT_UNWRITABLE
 */
export async function reserveCredentialFile(path: string): Promise<ReservedFile> {
  const draftPath = `${path}.${process.pid}.draft`
  const name = await create(path)
  let draft: FileHandle | undefined
  let written = false
  const release = async () => {
    await draft?.close().catch(() => undefined)
    await rm(draftPath, { force: true })
    if (!written) await rm(path, { force: true })
  }
  try {
    await name.close()
    draft = await create(draftPath)
    await draft.writeFile(' '.repeat(ROOM_OCTETS))
    await draft.sync()
  } catch (cause) {
    await release()
    throw unwritable(path, cause)
  }
  const open = draft
  return {
    async write(content) {
      const text = typeof content === 'string' ? content : `${JSON.stringify(content, undefined, 2)}\n`
      try {
        await open.write(text, 0)
        await open.truncate(Buffer.byteLength(text))
        await open.sync()
        await rename(draftPath, path)
        written = true
        await syncFolder(dirname(path))
      } catch (cause) {
        throw unwritable(path, cause)
      }
    },
    release,
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', OWNER_ONLY)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') {
      throw new CliError(
        'OUT_EXISTS',
        `cannot write ${path}: it exists already. Nothing was changed; choose another --out`,
        { cause },
      )
    }
    throw unwritable(path, cause)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}

function unwritable(path: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CliError(
    'OUT_UNWRITABLE',
    `cannot write ${path}: ${reason}. Choose an --out in a folder that you may write to`,
    { cause },
  )
}
