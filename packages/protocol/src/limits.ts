// Limits, lifetimes and deadlines of the protocol: docs/protocol.md sections 3 and 8. Nothing else decides them.

/** The versions that this implementation speaks between PNE and PN GW, the one it prefers first. */
export const VERSIONS: readonly number[] = [1]

/** Between PN GW and CPNS Server. Version 2 adds what an operator watches and asks a gateway for: section 7. */
export const SERVER_VERSIONS: readonly number[] = [2, 1]

export const SEED_OCTETS = 32
export const KEY_OCTETS = 32
export const SESSION_ID_OCTETS = 16
export const TICKET_ID_OCTETS = 16
export const TICKET_SECRET_OCTETS = 16
export const TRANSIENT_KEY_ID_OCTETS = 16
export const EAP_PACKET_MAX_OCTETS = 1020
export const REALM_MAX_OCTETS = 190
export const IDENTITY_MAX_OCTETS = 253

/** Frame bodies between PNE and PN GW, and between PN GW and CPNS Server. */
export const PNE_FRAME_MAX_OCTETS = 4096
export const SERVER_FRAME_MAX_OCTETS = 65536

/** ALPN protocol names: one for each use of TLS, so that a handshake for one cannot serve another. */
export const Alpn = {
  session: 'opencpns/1',
  pairing: 'opencpns-pairing/1',
  server: 'opencpns-server/1',
} as const

export const CHALLENGE_LIFETIME_S = 300
/** How far the clocks of two replicas may be apart. */
export const CHALLENGE_SKEW_S = 60
export const CHALLENGES_MAX = 64
export const TICKET_LIFETIME_S = 600
/** What a server may ask for instead. */
export const TICKET_LIFETIME_MIN_S = 60
export const TICKET_LIFETIME_MAX_S = 3600
export const PAIRING_URI_MAX_CHARACTERS = 1024
export const TRANSIENT_KEY_LIFETIME_S = 3600
export const REVOCATIONS_MAX = 1000
export const REGISTRATIONS_MAX = 64
/** Authentications told one by one in an AuthenticationsReport; the others are counted. */
export const AUTHENTICATIONS_MAX = 32
/** A report inside RegistrationsRequest or AuthenticationsReport. */
export const REPORT_MAX_OCTETS = 256

/** Deadlines in milliseconds: for each message that a role waits for, for the whole flow at the PNE, for the server. */
export const MESSAGE_DEADLINE_MS = 5000
export const FLOW_DEADLINE_MS = 15000
export const SERVER_DEADLINE_MS = 4000
export const PING_INTERVAL_MS = 30000
/** The least time between two AuthenticationsReports. */
export const REPORT_INTERVAL_MS = 250

/**
 * The version of ours that the other side prefers most among `offered`, or undefined when there is none.
 * docs/protocol.md section 7.
 */
export function chooseVersion(offered: readonly number[], ours: readonly number[] = VERSIONS): number | undefined {
  return offered.find((version) => ours.includes(version))
}
