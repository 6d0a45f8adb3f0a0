// Whose name the admin API answers to, where it is on the loopback address without TLS. A page on the web can have its own name
// lead there (DNS rebinding), and the browser then takes what it reads for its own. TLS needs no such check, nor has a proxy one
// name that is known here.
import type { FastifyInstance } from 'fastify'
import { AdminError } from './errors.ts'
import { isLoopback } from './tls.ts'

/** RFC 9110 section 7.2: an address or a name, and perhaps a port. */
const HOST = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9a-z.-]{1,253}))(?::[0-9]{1,5})?$/i

/** Before all other hooks. @param isWanted  asked for each request, for where it listens is known late */
export function checkHost(app: FastifyInstance, isWanted: () => boolean): void {
  app.addHook('onRequest', async ({ headers }) => {
    if (!isWanted() || isThisMachine(headers.host ?? '')) return
    throw new AdminError('HOST_UNKNOWN', 'the admin API is at 127.0.0.1 or localhost here: send it as the host')
  })
}

function isThisMachine(host: string): boolean {
  const [, ipv6, name = ''] = HOST.exec(host) ?? []
  return isLoopback((ipv6 ?? name).toLowerCase())
}
