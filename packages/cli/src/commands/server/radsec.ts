// The options of RADIUS over TLS: an address and three files, all or none.
import type { Endpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { readTlsFile } from './admin-tls.ts'

export interface RadsecOptions {
  radsec?: Endpoint
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
}

/** @throws {CliError} USAGE, TLS_FILE_UNREADABLE */
export async function readRadsec({ radsec, tlsCert, tlsKey, tlsCa }: RadsecOptions) {
  const given = [radsec, tlsCert, tlsKey, tlsCa].filter((option) => option !== undefined)
  if (given.length === 0) return undefined
  if (radsec === undefined || tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) {
    throw new CliError(
      'USAGE',
      'cannot use RADIUS over TLS: an option is missing; give either all of --radsec, --tls-cert, --tls-key and --tls-ca, or none',
    )
  }
  const [cert, key, ca] = await Promise.all([tlsCert, tlsKey, tlsCa].map(readTlsFile))
  return { ...radsec, cert: cert ?? '', key: key ?? '', ca: ca ?? '' }
}
