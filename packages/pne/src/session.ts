// The secure session after step 8. With a service the stream is the TLS socket itself and nothing of ours stands in
// between; without one it is the device's presence (docs/protocol.md section 4.2), which this file keeps alive.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { type FrameLink, IoError } from '@opencpns/io'
import {
  type CaseName,
  decode,
  EndReason,
  encode,
  PING_INTERVAL_MS,
  Ping,
  Pong,
  RotationDone,
  RotationOffer,
  SessionEnd,
} from '@opencpns/protocol'
import { type RotateOptions, type Rotation, unavailable } from './rotation.ts'

/** Nothing received for so many intervals of Ping: the other side is gone. 75 s. */
const SILENT_INTERVALS = 2.5
const LINGER_MS = 1000

export interface SessionFacts {
  readonly case: CaseName
  /** The identity of the gateway, proved in step 7. */
  readonly gateway: string
  /** base64url of 16 octets. */
  readonly sessionId: string
  readonly tls: { readonly version: string; readonly group: string; readonly cipher: string }
  /** Seconds that the TK serves further sessions here; in the remote case only. */
  readonly lifetimeS?: number
  /** Milliseconds from the call of `connect` to step 8. */
  readonly ms: number
}

/**
 * Why a session ended: `closing`, `revoked`, `replaced` as the gateway's SessionEnd says; `here` by `close()`; `lost` when
 * the connection ended or fell silent; `violation` when something came that is not of the protocol.
 */
export type Closed = keyof typeof EndReason | 'here' | 'lost' | 'violation'

export interface Session {
  /**
   * With a service: its byte stream, the TLS socket itself, paused: pipe, iterate or `resume()` it. Each direction ends by
   * itself: when the other side has ended, end this one too, or `close()`. Without a service: no data of the user's, do
   * not read or write it; its 'close' event tells that the session has ended.
   */
  readonly stream: Duplex
  readonly facts: SessionFacts
  /** Settles when the session has ended, with the reason. Never rejects. */
  readonly closed: Promise<Closed>
  /**
   * Asks whether the gateway is still there: a presence that hears nothing within `timeoutMs` is lost. For whoever knows that
   * the network may have changed. Without effect on a session for a service.
   */
  probe(timeoutMs: number): void
  /**
   * Asks the gateway for a new key in place of the one in use, and waits until it is active; the next `connect` uses it. The
   * session goes on. A gateway may also begin it by itself: `onRotated` of `connect` tells.
   * @throws {PneError} ROTATION_UNAVAILABLE: not a presence of the local case, or the credential is kept nowhere;
   *   DEADLINE_EXCEEDED, UNREACHABLE, CREDENTIAL_…  @throws the reason of `signal`, when it aborts
   */
  rotate(options?: RotateOptions): Promise<void>
  /** Ends the session; resolves when the connection is closed, after a second at the latest. */
  close(): Promise<void>
}

/** A session for a service. */
export function serviceSession(stream: Duplex, facts: SessionFacts): Session {
  stream.allowHalfOpen = true
  let reason: Closed = 'lost'
  const closed = untilClosed(stream).then(() => reason)
  const close = async () => {
    reason = 'here'
    const timer = setTimeout(() => stream.destroy(), LINGER_MS)
    stream.end()
    stream.resume() // with unread octets the stream would never end
    await closed
    clearTimeout(timer)
  }
  const rotate = () => Promise.reject(unavailable())
  return { stream, facts, closed, probe: () => {}, rotate, close }
}

/**
 * A session without a service: answers Ping, sends one after `pingMs` without a message of our own, and gives up when
 * nothing came for 2.5 times as long. Without `rotation` it is one of the remote case.
 */
export function presenceSession(
  link: FrameLink,
  facts: SessionFacts,
  { pingMs = PING_INTERVAL_MS, rotation }: { pingMs?: number | undefined; rotation?: Rotation | undefined } = {},
): Session {
  let reason: Closed = 'lost'
  const end = (why: Closed) => {
    reason = why
    link.close()
  }
  const pings = setInterval(() => link.sendSoon(encode(Ping, {})), pingMs)
  const say = (body: Uint8Array) => {
    link.sendSoon(body)
    pings.refresh()
  }
  let probing: NodeJS.Timeout | undefined
  const probe = (timeoutMs: number) => {
    link.sendSoon(encode(Ping, {}))
    probing ??= setTimeout(() => link.destroy(), timeoutMs)
  }
  const heard = () => {
    clearTimeout(probing)
    probing = undefined
  }
  const onFrame = (body: Buffer) => {
    heard()
    const message = rotation
      ? decode(body, Ping, Pong, SessionEnd, RotationOffer, RotationDone)
      : decode(body, Ping, Pong, SessionEnd)
    switch (message.type) {
      case 'Ping':
        return say(encode(Pong, {}))
      case 'SessionEnd':
        return end(reasonName(message.reason))
      case 'RotationOffer':
        return rotation?.offered(message).then((answer) => answer && say(answer))
      case 'RotationDone':
        return rotation?.done(message)
    }
  }
  const onError = (error: unknown) => {
    if (!isLoss(error)) reason = 'violation'
  }
  const closed = link
    .frames(onFrame, { idleMs: SILENT_INTERVALS * pingMs })
    .then(() => link.close(), onError)
    .then(() => clearInterval(pings))
    .then(heard)
    .then(() => rotation?.ended())
    .then(() => untilClosed(link.socket))
    .then(() => reason)
  const close = async () => {
    end('here')
    await closed
  }
  const rotate = async (options: RotateOptions = {}) => {
    if (!rotation) throw unavailable()
    await rotation.ask(say, options)
  }
  return { stream: link.socket, facts, closed, probe, rotate, close }
}

function isLoss(error: unknown): boolean {
  return error instanceof IoError && ['LINK_CLOSED', 'DEADLINE_EXCEEDED', 'FRAME_TRUNCATED'].includes(error.code)
}

function reasonName(reason: EndReason): Closed {
  if (reason === EndReason.revoked) return 'revoked'
  return reason === EndReason.replaced ? 'replaced' : 'closing'
}

async function untilClosed(stream: Duplex): Promise<void> {
  if (!stream.closed) await once(stream, 'close').catch(() => {})
}
