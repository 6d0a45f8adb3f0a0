// Where the admin API may listen: beyond the loopback address only with TLS, for a token in the clear is anybody's.
import { BlockList, isIP } from 'node:net'
import { AdminError } from './errors.ts'

/** PEM: the certificate, with those between it and its root, and its key. */
export interface AdminTls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/** @param isExposed  a proxy with TLS stands before it @throws {AdminError} ADMIN_NEEDS_TLS */
export function checkListen(host: string, tls: AdminTls | undefined, isExposed: boolean): void {
  if (tls !== undefined || isExposed || isLoopback(host)) return
  throw new AdminError(
    'ADMIN_NEEDS_TLS',
    `cannot open the admin API at ${host}: it needs TLS there; give --admin-tls-cert and --admin-tls-key, or --admin-insecure if a proxy with TLS stands before it`,
  )
}
