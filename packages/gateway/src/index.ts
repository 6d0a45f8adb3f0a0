// The PN GW: runs one, and makes pairing tickets for it. Beside it, its links with the servers alone, for what measures those.

export { type GatewayCredential, readGatewayCredential } from './credential.ts'
export { GatewayError, type GatewayErrorCode } from './errors.ts'
export { type Gateway, type GatewayOptions, runGateway } from './gateway.ts'
export type { Service } from './services.ts'
export { type GatewayStatus, readGatewayStatus } from './status.ts'
export { createTicket, type TicketOptions } from './tickets.ts'
export { openUpstream } from './upstream/alone.ts'
export { openServerLink } from './upstream/open-link.ts'
export type { ResponseMessage, ServerLink, ServerListener } from './upstream/server-link.ts'
export type { Upstream } from './upstream/upstream.ts'
