// Multicast DNS on every network of this machine: one socket for each, since the system sends multicast by one alone. IPv4.
import { networkInterfaces } from 'node:os'
import bonjour from 'bonjour-service'

export type Bonjour = InstanceType<typeof bonjour.Bonjour>

/** The type of the service, as in `_opencpns._tcp.local`. RFC 6763, section 7. */
export const SERVICE_TYPE = 'opencpns'
const NETWORKS_MAX = 8
const LOOPBACK = '127.0.0.1'

/** The addresses of this machine, one for each network; its own loopback where there is no network. */
export function networks(): string[] {
  const each = Object.values(networkInterfaces()).map((some) =>
    some?.find(({ family, internal }) => family === 'IPv4' && !internal),
  )
  const addresses = each.flatMap((one) => (one ? [one.address] : []))
  return addresses.length > 0 ? addresses.slice(0, NETWORKS_MAX) : [LOOPBACK]
}

/** @param onError hears what the network does; nothing of it ends the process */
export function openMulticast(onError: (error: unknown) => void): Bonjour[] {
  return networks().map((address) => {
    // It takes the options of multicast-dns too, which its types do not say.
    const options = { interface: address, bind: '0.0.0.0' } as object
    const opened = new bonjour.Bonjour(options, onError)
    opened['server'].mdns.on('error', onError).on('warning', onError)
    return opened
  })
}
