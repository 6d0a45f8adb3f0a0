// RADIUS for EAP: packets and attributes by the RFC that defines them, a client and a server, over UDP and TLS.

export { type Attribute, Definition } from './attribute.ts'
export { Answer } from './client/answer.ts'
export {
  RadiusClient,
  type RadiusClientOptions,
  type RequestOptions,
  type TlsClientOptions,
  type UdpClientOptions,
} from './client/client.ts'
export { EapAnswer, type EapRound, eapRound } from './client/eap-round.ts'
export type { Retransmission } from './client/retransmission.ts'
export type { TlsCredentials } from './client/tls.ts'
export { dictionary } from './dictionary.ts'
export { RadiusError, type RadiusErrorCode } from './errors.ts'
export { Code, decodePacket, encodePacket, MAX_PACKET_OCTETS, type Packet } from './packet.ts'
export { encodeRequest, type RequestCode, type SentRequest } from './request.ts'
export { checkResponse, encodeResponse, type Response, type ResponseCode } from './response.ts'
export { MSK_OCTETS, mskAttributes, mskOf } from './rfc2548.ts'
export * from './rfc2865.ts'
export * from './rfc2869.ts'
export * from './rfc3162.ts'
export {
  EapMessage,
  hasValidMessageAuthenticator,
  joinEapMessage,
  MessageAuthenticator,
  splitEapMessage,
} from './rfc3579.ts'
export { SharedSecret } from './secret.ts'
export type { DiscardReason, Log } from './server/discards.ts'
export type { ClientCertificate, KnownClient, RequestContext, Source } from './server/exchange.ts'
export {
  createRadiusServer,
  type RadiusServer,
  type RadiusServerCounters,
  type RadiusServerOptions,
} from './server/server.ts'
export type { FindClient, Handler } from './server/steps.ts'
export type { TlsOptions } from './server/tls.ts'
export type { UdpOptions } from './server/udp.ts'
export { PacketSplitter } from './stream.ts'
