// One request of a gateway, answered: docs/protocol.md section 4.4. What each request does is elsewhere; here stands
// which one calls what, and how what goes wrong becomes a result.

import {
  AuthenticationReport,
  AuthenticationsReport,
  Case,
  CHALLENGE_LIFETIME_S,
  ChallengeRequest,
  ChallengeResponse,
  decode,
  deriveEuKey,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  KeyAssignmentRequest,
  KeyAssignmentResponse,
  KeyConfirmationRequest,
  KeyConfirmationResponse,
  KeyRetirementRequest,
  KeyRetirementResponse,
  type MessageOf,
  Ping,
  Pong,
  REVOCATIONS_MAX,
  RegistrationKind,
  RegistrationReport,
  RegistrationsRequest,
  RegistrationsResponse,
  Result,
  RevocationsRequest,
  RevocationsResponse,
  TicketResponse,
} from '@opencpns/protocol'
import { type AuthenticationContext, authenticate } from '../../authenticate.ts'
import type { Links } from '../../links.ts'
import type { GatewayReports } from '../../live/gateway-reports.ts'
import { type Registry, RegistryError } from '../../registry.ts'

export interface AnswerContext extends AuthenticationContext {
  readonly registry: Registry
  /** Who takes what gateways report of authentications. */
  readonly gatewayReports?: GatewayReports | undefined
  /** Who hears of gateways that come and go. */
  readonly links?: Pick<Links, 'came' | 'went'> | undefined
}

/** The link that a frame came on. */
interface Sender {
  /** Its identity, as it proved it. */
  readonly gateway: string
  /** Of the protocol of this link. */
  readonly version: number
  /** It has answered a TicketRequest. */
  ticketMade(response: TicketResponse): void
}

const version1 = [
  ForwardedRequest,
  ChallengeRequest,
  KeyAssignmentRequest,
  KeyConfirmationRequest,
  KeyRetirementRequest,
  RevocationsRequest,
  RegistrationsRequest,
  Ping,
  Pong,
] as const
const version2 = [...version1, AuthenticationsReport, TicketResponse] as const

/**
 * The answer to one frame of a gateway, or undefined where none is due.
 * @throws {ProtocolError} the frame is none that a gateway may send: the link must end
 */
export async function answer(
  frame: Uint8Array,
  sender: Sender,
  context: AnswerContext,
): Promise<Uint8Array | undefined> {
  const { gateway, version } = sender
  const request = version === 1 ? decode(frame, ...version1) : decode(frame, ...version2)
  switch (request.type) {
    case 'ForwardedRequest':
      return encode(ForwardedResponse, await authenticated(request, gateway, context))
    case 'ChallengeRequest':
      return encode(ChallengeResponse, challenges(request, gateway, context))
    case 'KeyAssignmentRequest':
      return encode(KeyAssignmentResponse, await assigned(request, gateway, context))
    case 'KeyConfirmationRequest':
      return encode(KeyConfirmationResponse, await confirmed(request, gateway, context))
    case 'KeyRetirementRequest':
      return encode(KeyRetirementResponse, await retired(request, gateway, context))
    case 'RevocationsRequest':
      return encode(RevocationsResponse, await revocations(request, context))
    case 'RegistrationsRequest':
      return encode(RegistrationsResponse, await registrations(request, gateway, context))
    case 'AuthenticationsReport':
      context.gatewayReports?.reported(gateway, request, request.reports.map(readAuthentication))
      return undefined
    case 'TicketResponse':
      sender.ticketMade(request)
      return undefined
    case 'Ping':
      return encode(Pong, {})
    case 'Pong':
      return undefined
  }
}

async function authenticated(request: ForwardedRequest, gateway: string, context: AnswerContext) {
  const busy = { id: request.id, result: Result.busy } as const
  return resultOf(busy, context, () => authenticate(request, gateway, context))
}

function challenges({ id, count }: ChallengeRequest, gateway: string, context: AnswerContext) {
  const nowS = Math.floor(context.now() / 1000)
  const challenges = Array.from({ length: count }, () => context.challenges.issue(gateway, nowS))
  return { id, result: Result.success, challenges, lifetimeS: CHALLENGE_LIFETIME_S }
}

async function assigned(request: MessageOf<typeof KeyAssignmentRequest>, gateway: string, context: AnswerContext) {
  const { id, secondSeed, name, replaces, ticketId } = request
  return resultOf({ id, result: Result.busy }, context, async () => {
    const of = { gatewayIdentity: gateway, secondSeed, name, replaces, ticketId }
    const { firstSeed, ...pne } = await context.registry.assignPne(of)
    const euKey = deriveEuKey({ firstSeed, secondSeed, realm: context.realm })
    return { id, result: Result.success, euKey, ...pne }
  })
}

async function confirmed(request: MessageOf<typeof KeyConfirmationRequest>, gateway: string, context: AnswerContext) {
  const { id, secondSeed, ticketId } = request
  return resultOf({ id, result: Result.busy }, context, async () => {
    await context.registry.confirmPne({ gatewayIdentity: gateway, secondSeed, ticketId })
    return { id, result: Result.success }
  })
}

async function retired({ id, secondSeed }: KeyRetirementRequest, gateway: string, context: AnswerContext) {
  return resultOf({ id, result: Result.busy }, context, async () => {
    await context.registry.retireKey({ gatewayIdentity: gateway, secondSeed })
    return { id, result: Result.success }
  })
}

async function revocations({ id, since }: MessageOf<typeof RevocationsRequest>, context: AnswerContext) {
  return resultOf({ id, result: Result.busy }, context, async () => {
    const rows = await context.registry.revocationsSince(since, REVOCATIONS_MAX)
    const tags = rows.map((row) => row.tag)
    const upTo = rows.at(-1)?.seq ?? since
    return { id, result: Result.success, tags, upTo, more: rows.length === REVOCATIONS_MAX }
  })
}

/** @throws {ProtocolError} a report that is none */
async function registrations(request: MessageOf<typeof RegistrationsRequest>, gateway: string, context: AnswerContext) {
  const { id, first } = request
  const reports = request.reports.map((report) => readReport(report, context.now()))
  return resultOf({ id, result: Result.busy }, context, async () => {
    const upTo = await context.registry.registrations.count(gateway, first, reports)
    return { id, result: Result.success, upTo }
  })
}

/** @throws {ProtocolError} */
function readAuthentication(body: Uint8Array): AuthenticationReport {
  return decode(body, AuthenticationReport)
}

/** The clock of the gateway may be wrong, but nothing has happened later than now. */
function readReport(body: Uint8Array, now: number) {
  const { kind, atMs, case: which, ...session } = decode(body, RegistrationReport)
  return {
    ...session,
    kind: kind === RegistrationKind.began ? 'began' : 'ended',
    case: which === Case.local ? 'local' : 'remote',
    at: Math.min(atMs, now),
  } as const
}

/** What `act` gives; `notPermitted`, or `malformedMessage` for a gap, when the registry refuses; `busy`, and a log line, when the store fails. */
async function resultOf<T extends { id: number; result: Result }>(
  busy: { id: number; result: Result },
  { logger }: AnswerContext,
  act: () => Promise<T>,
): Promise<T | { id: number; result: Result }> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof RegistryError) {
      return { ...busy, result: error.code === 'REPORTS_MISSING' ? Result.malformedMessage : Result.notPermitted }
    }
    logger.error({ event: 'request-failed', err: error }, 'a request of a gateway could not be carried out')
    return busy
  }
}
