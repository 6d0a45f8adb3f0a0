// server.json: which realm a data folder serves, and what kind of store it goes with.
import { join } from 'node:path'
import { writeFileAtomic } from '@opencpns/io'
import { isRealm } from '@opencpns/protocol'
import Type from 'typebox'
import { Check } from 'typebox/value'
import { DataFolderError } from './errors.ts'
import { parseJson, readIfThere } from './files.ts'

const FORMAT = 1

const ServerFile = Type.Object({
  format: Type.Literal(FORMAT),
  realm: Type.String(),
  created: Type.String(),
  /** SQLite unless told. */
  store: Type.Optional(Type.Literal('postgres')),
})

/** @throws {DataFolderError} DATA_FOLDER_MISSING, DATA_FOLDER_DAMAGED */
export async function readServerFile(dir: string): Promise<Type.Static<typeof ServerFile>> {
  const text = await readIfThere(join(dir, 'server.json'))
  if (text === undefined) {
    throw new DataFolderError(
      'DATA_FOLDER_MISSING',
      `${dir} is not initialised: run opencpns server init --data ${dir} --realm REALM`,
    )
  }
  const server = parseJson(text)
  if (Check(ServerFile, server) && isRealm(server.realm)) return server
  throw new DataFolderError(
    'DATA_FOLDER_DAMAGED',
    `${join(dir, 'server.json')} is damaged, or of a newer version of OpenCPNS: restore it from a backup`,
  )
}

/** The text of one. @param created ISO 8601 */
export function formatServerFile(
  realm: string,
  created = new Date().toISOString(),
  store: 'sqlite' | 'postgres' = 'sqlite',
): string {
  const server: Type.Static<typeof ServerFile> = {
    format: FORMAT,
    realm,
    created,
    ...(store === 'postgres' && { store }),
  }
  return `${JSON.stringify(server, null, 2)}\n`
}

/** What kind of store the folder goes with from now on. @throws as {@link readServerFile} */
export async function writeStoreKind(dir: string, store: 'postgres'): Promise<void> {
  const { realm, created } = await readServerFile(dir)
  await writeFileAtomic(join(dir, 'server.json'), formatServerFile(realm, created, store), { isFolderOwners: true })
}
