// Where the admin API may listen: beyond the loopback address only with TLS, for a token in the clear is anybody's.
import { X509Certificate } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { AdminError } from './errors.ts'

/** PEM: the certificate, with those between it and its root, and its key. */
export interface AdminTls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Options of a server over TLS, or over none. @throws {AdminError} TLS_FILE_INVALID */
export function httpsOf(tls: AdminTls | undefined) {
  if (tls === undefined) return {}
  const https = { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' } as const
  try {
    createSecureContext(https)
    return { https }
  } catch (cause) {
    throw new AdminError(
      'TLS_FILE_INVALID',
      'cannot use the certificate of the admin API: it and its key must be PEM and belong together',
      { cause },
    )
  }
}

/** PEM: the certificate that the server itself shows, without the chain. */
export function shownBy({ cert }: AdminTls): string {
  return new X509Certificate(cert).toString()
}

export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/** @param of.isExposed  a proxy with TLS stands before it @throws {AdminError} ADMIN_NEEDS_TLS */
export function checkListen(of: { host: string; tls?: AdminTls | undefined; isExposed?: boolean | undefined }): void {
  const { host, tls, isExposed = false } = of
  if (tls !== undefined || isExposed || isLoopback(host)) return
  throw new AdminError(
    'ADMIN_NEEDS_TLS',
    `cannot open the admin API at ${host}: it needs TLS there; give --admin-tls-cert and --admin-tls-key, or --admin-insecure if a proxy with TLS stands before it`,
  )
}
