// A gateway announces itself by multicast DNS (RFC 6762, 6763), so that devices find it without an address. A hint: whoever
// follows it authenticates as ever.
import type { Logger } from '@opencpns/io'
import type { Endpoint } from '../endpoint.ts'
import { type Bonjour, networks, openMulticast, SERVICE_TYPE } from './multicast.ts'

const LOOK_INTERVAL_MS = 15_000
const GOODBYE_MS = 500

interface Announcement {
  /** NAME@REALM */
  readonly identity: string
  readonly port: number
  readonly logger: Logger
}

/** Nobody elsewhere reaches a gateway that listens there. */
export function isLoopback({ host }: Endpoint): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Announces a gateway until the function that it returns is called; again when the machine has other addresses. */
export function announce({ identity, port, logger }: Announcement): () => Promise<void> {
  const onError = (error: unknown) => logger.debug({ event: 'announcement', err: error }, 'multicast DNS failed')
  const publish = () =>
    openMulticast(onError).map((one) => {
      const host = `${identity.replace(/[@.]/g, '-')}.local`
      one.publish({ name: identity, type: SERVICE_TYPE, port, host, txt: { gw: identity, v: '1' }, probe: false })
      return one
    })
  let where = networks().join()
  let published = publish()
  logger.info({ event: 'announced', gateway: identity, port }, 'the gateway is announced on the local network')
  const looking = setInterval(() => {
    const now = networks().join()
    if (now === where) return
    where = now
    void withdraw(published)
    published = publish()
  }, LOOK_INTERVAL_MS).unref()
  return async () => {
    clearInterval(looking)
    await withdraw(published)
  }
}

/** Says goodbye, as far as the network lets it. */
async function withdraw(published: readonly Bonjour[]): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, GOODBYE_MS)
  const gone = published.map((one) => new Promise<void>((said) => one.unpublishAll(() => said())))
  await Promise.race([Promise.all(gone), late])
  clearTimeout(timer)
  for (const one of published) one.destroy()
}
