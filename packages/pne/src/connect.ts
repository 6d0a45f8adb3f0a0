// From a credential and an address to a secure session.

import type { Socket } from 'node:net'
import { connectTcp, Deadline, tlsFacts } from '@opencpns/io'
import { Case, FLOW_DEADLINE_MS, peerIdentity } from '@opencpns/protocol'
import { authenticate } from './authenticate.ts'
import { type Credential, confirm } from './credential.ts'
import { linkError } from './errors.ts'
import { presenceSession, type Session, type SessionFacts, serviceSession } from './session.ts'
import { type Step, tracer } from './steps.ts'
import type { TransientKeys } from './transientKeys.ts'

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly credential: Credential
  /** What the session is for, 1 to 64 octets; without it, it is the device's presence. */
  readonly service?: string | undefined
  /** Where TKs are kept, so that further sessions at a gateway need no CPNS Server. */
  readonly transientKeys?: TransientKeys | undefined
  readonly signal?: AbortSignal | undefined
  /** For the whole flow. 15 s by default. */
  readonly timeoutMs?: number | undefined
  readonly onStep?: ((step: Step) => void) | undefined
}

/**
 * Authenticates at a gateway, steps 1 to 8, and opens the secure session. A credential that was not confirmed yet is
 * confirmed in its file; a failure changes nothing anywhere.
 * @throws {PneError} AUTHENTICATION_FAILED, UNREACHABLE, DEADLINE_EXCEEDED, SERVER_UNREACHABLE, BUSY, UNSUPPORTED_VERSION,
 *   SERVICE_UNAVAILABLE, PROTOCOL_VIOLATION
 * @throws the reason of `signal`, when it aborts
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  const { host, port, credential, service, transientKeys, signal, timeoutMs = FLOW_DEADLINE_MS, onStep } = options
  const startedAt = performance.now()
  const deadline = new Deadline(timeoutMs)
  const limits = () => ({ timeoutMs: deadline.leftMs(), signal })
  const place = { pne: peerIdentity(credential.secondSeed, credential.realm), host, port }
  let socket: Socket | undefined
  try {
    socket = await connectTcp({ host, port, ...limits() })
    const held = transientKeys?.find(place)
    const flow = { credential, service, held, limits, trace: tracer(onStep) }
    const { link, offer, transientKey, lifetimeS } = await authenticate(socket, flow)
    if (transientKey && lifetimeS !== undefined) {
      transientKeys?.add(place, { key: transientKey, gateway: offer.gateway }, lifetimeS)
    }
    await confirm(credential).catch(() => {}) // the session is good all the same, and the next one confirms it too
    const { group = 'unknown', ...tls } = tlsFacts(link.socket)
    const facts: SessionFacts = {
      case: offer.case === Case.local ? 'local' : 'remote',
      gateway: offer.gateway,
      sessionId: Buffer.from(offer.sessionId).toString('base64url'),
      tls: { ...tls, group },
      ...(lifetimeS !== undefined && { lifetimeS }),
      ms: performance.now() - startedAt,
    }
    return service === undefined ? presenceSession(link, facts) : serviceSession(link.handOver(), facts)
  } catch (error) {
    socket?.destroy()
    throw linkError(error)
  }
}
