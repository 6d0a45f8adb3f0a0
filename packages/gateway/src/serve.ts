// One connection from its first message to its end: which flow it is, one line in the log, one way to refuse. Nothing that a PNE
// does gets past here.

import { type AdmissionTicket, join, Trace } from '@opencpns/io'
import { AuthenticationRequest, Case, PairingRequest, PairingResponse, Result, resultName } from '@opencpns/protocol'
import { type AuthenticationFacts, authenticate } from './authenticate.ts'
import type { Load } from './load.ts'
import { pair } from './pair.ts'
import type { GatewayParts } from './parts.ts'
import type { PneConnection } from './pne-connection.ts'
import { explain, Refusal } from './refusal.ts'
import type { RegisteredSession } from './registrar.ts'
import { newSessionId } from './session-ids.ts'
import { SpanTrace } from './tracing.ts'

/**
 * Serves one connection; resolves when its flow and its session have ended. Never rejects.
 * @param admission its place among those not yet authenticated
 */
export async function serve(
  pne: PneConnection,
  admission: AdmissionTicket,
  gateway: GatewayParts,
  load: Load,
): Promise<void> {
  try {
    const request = await pne.receive(AuthenticationRequest, PairingRequest)
    if (request.type === 'PairingRequest') {
      await servePairing(pne, request, gateway)
    } else {
      const session = await serveAuthentication(pne, request, gateway, load)
      admission.done()
      await serveSession(pne, session, gateway)
    }
  } catch (error) {
    const { tell, reason, fault } = explain(error)
    if (fault) gateway.logger.error({ event: 'fault', err: error }, 'a connection of a PNE failed by our fault')
    else gateway.logger.debug({ event: 'connection', reason }, 'a connection of a PNE ended early')
    pne.refuse(tell)
  } finally {
    pne.close()
  }
}

async function serveAuthentication(
  pne: PneConnection,
  request: AuthenticationRequest,
  gateway: GatewayParts,
  load: Load,
): Promise<RegisteredSession> {
  const sessionId = newSessionId().toString('base64url')
  const trace = gateway.tracer ? new SpanTrace(gateway.tracer, request.traceparent) : new Trace()
  const facts: AuthenticationFacts = { trace, sessionId, serverRoundTrips: 0 }
  try {
    if (load.isTooHigh) throw new Refusal(Result.busy, 'overloaded')
    const session = await authenticate(pne, request, facts, gateway)
    noteAuthentication(gateway, facts, Result.success)
    return session
  } catch (error) {
    const { tell = Result.authenticationFailed, reason } = explain(error)
    noteAuthentication(gateway, facts, tell, reason)
    throw error
  }
}

/** Once for each authentication, whatever came of it: for the server, the metrics, the trace and the log. */
function noteAuthentication(gateway: GatewayParts, facts: AuthenticationFacts, result: Result, reason?: string): void {
  gateway.reporting.note(facts, result, reason)
  gateway.metrics?.authenticated(facts, result, reason)
  const { trace, ...others } = facts
  if (trace instanceof SpanTrace) trace.end(facts, result, reason)
  const line = { event: 'authentication', result: resultName(result), gateway: gateway.identity, ...others, reason }
  const message = reason === undefined ? 'a PNE was authenticated' : 'a PNE was refused'
  gateway.logger.info({ ...line, ms: trace.ms, steps: trace.steps }, message)
}

async function servePairing(pne: PneConnection, request: PairingRequest, gateway: GatewayParts): Promise<void> {
  pne.refusal = PairingResponse
  try {
    const pneId = await pair(pne, request, gateway)
    gateway.metrics?.paired(Result.success)
    gateway.logger.info({ event: 'pairing', result: 'success', gateway: gateway.identity, pneId }, 'a PNE was paired')
  } catch (error) {
    const { tell = Result.authenticationFailed, reason } = explain(error)
    gateway.metrics?.paired(tell)
    gateway.logger.info(
      { event: 'pairing', result: resultName(tell), gateway: gateway.identity, reason },
      'a PNE was not paired',
    )
    throw error
  }
}

/** The stream of a service or, without one, presence in the PN of this gateway. */
async function serveSession(pne: PneConnection, session: RegisteredSession, gateway: GatewayParts): Promise<void> {
  if (pne.service) return join(pne.beginService(), pne.service)
  const link = pne.beginPresence()
  const ended = gateway.registrar.began(session)
  const { secondSeed } = session
  const isLocal = session.case === Case.local
  const rotation = isLocal ? gateway.rotations.begin({ secondSeed, send: (body) => link.sendSoon(body) }) : undefined
  try {
    await gateway.presence.hold(link, rotation)
  } finally {
    rotation?.end()
    ended()
  }
}
