// From a credential and an address to a secure session.

import type { Socket } from 'node:net'
import { connectTcp, Deadline, type Limits, type Party, type Step, stepNow, tlsFacts } from '@opencpns/io'
import { Case, FLOW_DEADLINE_MS, peerIdentity } from '@opencpns/protocol'
import type { Tracer } from '@opentelemetry/api'
import { authenticate } from './authenticate.ts'
import type { Credential } from './credential.ts'
import type { Key } from './credentialFile.ts'
import { isRefusal, linkError } from './errors.ts'
import { keyToTry, noteAuthenticated } from './keys.ts'
import { Rotation } from './rotation.ts'
import { presenceSession, type Session, type SessionFacts, serviceSession } from './session.ts'
import { AuthenticationSpan } from './tracing.ts'
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
  /** Records each attempt as a span (OpenTelemetry), and tells the gateway of the trace; without one nothing is recorded or told. */
  readonly tracer?: Tracer | undefined
  /** A rotation has given the credential a new key, which the next `connect` uses. The session goes on. */
  readonly onRotated?: (() => void) | undefined
}

/**
 * Authenticates at a gateway, steps 1 to 8, and opens the secure session. A device in a rotation has two keys: it tries the new
 * one first and, when that is refused, the other. What a success tells of the keys is noted in their file; a failure changes
 * nothing anywhere.
 * @throws {PneError} AUTHENTICATION_FAILED, UNREACHABLE, DEADLINE_EXCEEDED, SERVER_UNREACHABLE, BUSY, UNSUPPORTED_VERSION,
 *   SERVICE_UNAVAILABLE, PROTOCOL_VIOLATION
 * @throws the reason of `signal`, when it aborts
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  const { credential, signal, timeoutMs = FLOW_DEADLINE_MS } = options
  const startedAt = performance.now()
  const deadline = new Deadline(timeoutMs)
  const limits = () => ({ timeoutMs: deadline.leftMs(), signal })
  const tried: Key[] = []
  let refusal: unknown
  for (;;) {
    const key = await keyToTry(credential, tried)
    if (!key) throw refusal
    try {
      return await connectWith(key, options, limits, startedAt)
    } catch (error) {
      if (!isRefusal(error)) throw error
      refusal = error
      tried.push(key)
    }
  }
}

async function connectWith(
  key: Key,
  options: ConnectOptions,
  limits: () => Limits,
  startedAt: number,
): Promise<Session> {
  const { host, port, credential, service, transientKeys, onStep, onRotated, tracer } = options
  const { realm, gateway } = credential
  const place = { pne: peerIdentity(key.secondSeed, realm), host, port }
  const span = tracer && new AuthenticationSpan(tracer)
  let socket: Socket | undefined
  try {
    socket = await connectTcp({ host, port, ...limits() })
    const held = transientKeys?.find(place)
    const trace = (...step: [step: number, from: Party, to: Party, message: string]) => onStep?.(stepNow(...step))
    const traceparent = span?.traceparent
    const flow = { credential: { realm, gateway, ...key }, service, held, limits, trace, traceparent }
    const { link, offer, transientKey, lifetimeS } = await authenticate(socket, flow)
    if (transientKey && lifetimeS !== undefined) {
      transientKeys?.add(place, { key: transientKey, gateway: offer.gateway }, lifetimeS)
    }
    const isLocal = offer.case === Case.local
    await noteAuthenticated(credential, key, isLocal).catch(() => {}) // the session is good all the same, and the next one notes it too
    const { group = 'unknown', ...tls } = tlsFacts(link.socket)
    const facts: SessionFacts = {
      case: isLocal ? 'local' : 'remote',
      gateway: offer.gateway,
      sessionId: Buffer.from(offer.sessionId).toString('base64url'),
      tls: { ...tls, group },
      ...(lifetimeS !== undefined && { lifetimeS }),
      ms: performance.now() - startedAt,
    }
    span?.succeeded(facts)
    if (service !== undefined) return serviceSession(link.handOver(), facts)
    const rotation = isLocal ? new Rotation({ credential, used: key, onRotated }) : undefined
    return presenceSession(link, facts, { rotation })
  } catch (error) {
    socket?.destroy()
    span?.failed(error)
    throw linkError(error)
  }
}

/**
 * Renews the key of a device: asks the gateway that assigned it for a new one, and uses it, so that the old one is retired.
 * @throws {PneError} ROTATION_UNAVAILABLE: not the gateway that assigned the key, or the credential is kept nowhere; and as
 *   {@link connect}. Whatever is thrown, one of the keys in the credential works
 */
export async function rotate(options: Omit<ConnectOptions, 'service' | 'onRotated'>): Promise<void> {
  const { signal, timeoutMs } = options
  const session = await connect(options)
  try {
    await session.rotate({ signal, timeoutMs })
  } finally {
    await session.close()
  }
  await (await connect(options)).close()
}
