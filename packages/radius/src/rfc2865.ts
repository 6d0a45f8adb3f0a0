// RFC 2865, Remote Authentication Dial In User Service: the attributes that serve EAP and network access control.
// Leaves out User-Password and CHAP (EAP replaces them), and what is for modems and dial-back.

import { integer, ipv4, octets, text } from './attribute.ts'

export const UserName = text(1, 'User-Name')
export const NasIpAddress = ipv4(4, 'NAS-IP-Address')
export const NasPort = integer(5, 'NAS-Port')
export const ServiceType = integer(6, 'Service-Type')
export const FramedProtocol = integer(7, 'Framed-Protocol')
export const FramedIpAddress = ipv4(8, 'Framed-IP-Address')
export const FramedIpNetmask = ipv4(9, 'Framed-IP-Netmask')
export const FramedRouting = integer(10, 'Framed-Routing')
export const FilterId = text(11, 'Filter-Id')
/** Octets of the longest EAP packet that fits the link: a hint to the server. RFC 3579 section 2.4. */
export const FramedMtu = integer(12, 'Framed-MTU')
export const FramedCompression = integer(13, 'Framed-Compression')
export const LoginIpHost = ipv4(14, 'Login-IP-Host')
export const LoginService = integer(15, 'Login-Service')
export const ReplyMessage = text(18, 'Reply-Message')
/** Ties the rounds of one conversation; goes back to the server as it came. */
export const State = octets(24, 'State')
export const Class = octets(25, 'Class')
/** 4 octets of vendor id, then what the vendor likes. */
export const VendorSpecific = octets(26, 'Vendor-Specific', { min: 5 })
/** Seconds: of the session in an Access-Accept, of the wait for the user in an Access-Challenge. */
export const SessionTimeout = integer(27, 'Session-Timeout')
/** Seconds. */
export const IdleTimeout = integer(28, 'Idle-Timeout')
export const TerminationAction = integer(29, 'Termination-Action')
export const CalledStationId = text(30, 'Called-Station-Id')
export const CallingStationId = text(31, 'Calling-Station-Id')
export const NasIdentifier = text(32, 'NAS-Identifier')
/** A proxy's own; answers repeat all of them in their order. Section 5.33. */
export const ProxyState = octets(33, 'Proxy-State')
/** `PortType` names some of the values. */
export const NasPortType = integer(61, 'NAS-Port-Type')

/** Values of NAS-Port-Type. Section 5.41. */
export const PortType = { Virtual: 5, Ethernet: 15, Wireless80211: 19 } as const
