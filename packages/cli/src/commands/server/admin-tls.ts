// The options of the admin listener beyond its address: TLS, or the word that a proxy has it.
import { readFile } from 'node:fs/promises'
import type { Endpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'

export interface AdminTlsOptions {
  admin: Endpoint
  adminTlsCert?: string
  adminTlsKey?: string
  adminInsecure?: true
}

/** @throws {CliError} USAGE, TLS_FILE_UNREADABLE */
export async function readAdminListen({ admin, adminTlsCert, adminTlsKey, adminInsecure }: AdminTlsOptions) {
  if (adminTlsCert === undefined && adminTlsKey === undefined) return { ...admin, isExposed: adminInsecure }
  if (adminTlsCert === undefined || adminTlsKey === undefined || adminInsecure) {
    throw new CliError(
      'USAGE',
      'cannot use TLS for the admin API: give both --admin-tls-cert and --admin-tls-key, without --admin-insecure',
    )
  }
  const cert = await readTlsFile(adminTlsCert)
  const key = await readTlsFile(adminTlsKey)
  return { ...admin, tls: { cert, key } }
}

/** @throws {CliError} TLS_FILE_UNREADABLE */
export async function readTlsFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('TLS_FILE_UNREADABLE', `cannot read ${file}: ${reason}. Check its name and permissions`, {
      cause,
    })
  }
}
