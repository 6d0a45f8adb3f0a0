// server.json: which realm a data folder serves.
import { join } from 'node:path'
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
export function formatServerFile(realm: string, created = new Date().toISOString()): string {
  const server: Type.Static<typeof ServerFile> = { format: FORMAT, realm, created }
  return `${JSON.stringify(server, null, 2)}\n`
}
