// A file of the console in every form that it is sent in, and a folder that holds such files.
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const MANIFEST = 'manifest.json'
/** Below this, headers weigh more than what compression saves. */
const COMPRESS_MIN_OCTETS = 512

/** A file of the console. Bodies hold the same content; a client that names neither encoding gets `body`. */
export interface Asset {
  /** Media type, for text with its charset. */
  readonly type: string
  readonly body: Uint8Array
  readonly br?: Uint8Array
  readonly gzip?: Uint8Array
  /** A weak entity tag, whole: the same for all encodings. */
  readonly etag: string
  /** Its path changes with its content, so it may be kept for ever. */
  readonly isImmutable: boolean
}

export type Assets = ReadonlyMap<string, Asset>

interface Entry {
  readonly path: string
  readonly type: string
  readonly isImmutable: boolean
  readonly file: string
}

export async function makeAsset(content: Uint8Array, type: string, isImmutable: boolean): Promise<Asset> {
  const asset = { type, body: content, etag: etagOf(content), isImmutable }
  if (content.length < COMPRESS_MIN_OCTETS) return asset
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, { params }),
    promisify(gzip)(content, { level: 9 }),
  ])
  return { ...asset, br, gzip: gz }
}

/** Writes all files, compressed ones beside them, into a folder that {@link readBuilt} reads. */
export async function writeBuilt(folder: string, assets: Assets): Promise<void> {
  await mkdir(folder, { recursive: true })
  const entries: Entry[] = []
  for (const [path, { type, body, br, gzip: gz, isImmutable }] of assets) {
    const file = path === '/' ? 'index.html' : path.slice(path.lastIndexOf('/') + 1)
    entries.push({ path, type, isImmutable, file })
    await writeFile(join(folder, file), body)
    if (br) await writeFile(join(folder, `${file}.br`), br)
    if (gz) await writeFile(join(folder, `${file}.gz`), gz)
  }
  await writeFile(join(folder, MANIFEST), JSON.stringify(entries, undefined, 2))
}

export async function readBuilt(folder: string): Promise<Assets> {
  const entries: Entry[] = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'))
  const assets = entries.map(async ({ path, type, isImmutable, file }) => {
    const body = await readFile(join(folder, file))
    const [br, gz] = await Promise.all(
      ['br', 'gz'].map((end) => readFile(join(folder, `${file}.${end}`)).catch(() => {})),
    )
    return [path, { type, body, etag: etagOf(body), isImmutable, ...(br && { br }), ...(gz && { gzip: gz }) }] as const
  })
  return new Map(await Promise.all(assets))
}

function etagOf(content: Uint8Array): string {
  return `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
}
