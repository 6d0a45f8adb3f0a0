// RFC 3162, RADIUS and IPv6: how a client names itself by its address. Leaves out what is for framed users.

import { octets } from './attribute.ts'

/** The address in its 16 octets. */
export const NasIpv6Address = octets(95, 'NAS-IPv6-Address', { min: 16, max: 16 })
