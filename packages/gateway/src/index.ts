// The PN GW: runs one, and makes pairing tickets for it.

export { GatewayError, type GatewayErrorCode } from './errors.ts'
export { type Gateway, type GatewayOptions, runGateway } from './gateway.ts'
export type { Service } from './services.ts'
export { type GatewayStatus, readGatewayStatus } from './status.ts'
export { createTicket, type TicketOptions } from './tickets.ts'
