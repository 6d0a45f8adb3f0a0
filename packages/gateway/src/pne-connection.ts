// One connection of a PNE: frames in the clear, then inside TLS on the same connection. It belongs to one flow and frees what
// that flow holds. Which messages come when is the flow's affair.

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { acceptTlsPsk, FrameLink, reset } from '@opencpns/io'
import {
  AuthenticationResponse,
  chooseVersion,
  decode,
  EndReason,
  encode,
  MESSAGE_DEADLINE_MS,
  type Message,
  type MessageOf,
  type PairingResponse,
  PNE_FRAME_MAX_OCTETS,
  Result,
  SessionEnd,
  VERSIONS,
} from '@opencpns/protocol'
import type { End } from './proxy-protocol.ts'
import { Refusal } from './refusal.ts'
import type { Endable, Sessions } from './sessions.ts'

const limits = { timeoutMs: MESSAGE_DEADLINE_MS }
const maxFrameOctets = PNE_FRAME_MAX_OCTETS

export class PneConnection implements Endable {
  /** The connection to the service that the session is for; destroyed with this one. */
  service: Socket | undefined
  /** What a refusal is called: that depends on the first message. */
  refusal: typeof AuthenticationResponse | typeof PairingResponse = AuthenticationResponse
  readonly #socket: Socket
  readonly #clear: FrameLink<Socket>
  #link: FrameLink
  #tls: TLSSocket | undefined
  #untie: (() => void) | undefined
  #endSession: (() => void) | undefined
  #state: 'authenticating' | 'presence' | 'service' = 'authenticating'

  constructor(socket: Socket) {
    this.#socket = socket
    this.#clear = new FrameLink(socket, { maxFrameOctets, transcript: true })
    this.#link = this.#clear
  }

  /**
   * The next message, within 5 s.
   * @throws {ProtocolError} MALFORMED_MESSAGE, UNEXPECTED_MESSAGE; {IoError} as FrameLink.receive
   */
  async receive<const M extends readonly Message[]>(...expected: M): Promise<MessageOf<M[number]>> {
    return decode(await this.#link.receive(limits), ...expected)
  }

  send<M extends Message>(message: M, values: Parameters<typeof encode<M['fields']>>[1]): Promise<void> {
    return this.#link.send(encode(message, values), limits)
  }

  /** @throws {Refusal} unsupportedVersion */
  chooseVersion(offered: readonly number[]): number {
    const version = chooseVersion(offered)
    if (version === undefined) throw new Refusal(Result.unsupportedVersion, 'unsupported-version')
    return version
  }

  /** The two ends of the connection, each undefined when it is gone. */
  get ends(): { from: End | undefined; to: End | undefined } {
    const { remoteAddress, remotePort, localAddress, localPort } = this.#socket
    return { from: endOf(remoteAddress, remotePort), to: endOf(localAddress, localPort) }
  }

  /** SHA-256, 32 octets, over all frames in the clear so far. */
  transcriptHash(): Buffer {
    return this.#clear.transcriptHash()
  }

  /** Becomes the TLS server, within 5 s; messages then travel inside. @throws {IoError} TLS_REFUSED, UNEXPECTED_OCTETS, … */
  async secure(psk: { identity: string; psk: Uint8Array; alpn: string }): Promise<void> {
    this.#tls = await acceptTlsPsk(this.#clear.release(), { ...psk, ...limits, alpnOptional: true })
    this.#link = new FrameLink(this.#tls, { maxFrameOctets })
  }

  /** From now on a revocation of this PNE ends the connection. @param tag revocation tag in hex */
  tieTo(tag: string, sessions: Sessions): void {
    sessions.add(tag, this)
    this.#untie = () => sessions.delete(tag, this)
  }

  /** Counts its session, until it is closed. @throws {Refusal} busy */
  begin(session: Parameters<Sessions['begin']>[0], sessions: Sessions): void {
    this.#endSession = sessions.begin(session, this)
  }

  /** The link, for the messages of presence. */
  beginPresence(): FrameLink {
    this.#state = 'presence'
    return this.#link
  }

  /** The bare TLS stream, which can be half-closed. @throws {IoError} UNEXPECTED_OCTETS: the PNE did not wait for step 8 */
  beginService(): TLSSocket {
    this.#state = 'service'
    this.#link.release()
    if (!this.#tls) throw new TypeError('a service needs a secure session')
    this.#tls.allowHalfOpen = true
    return this.#tls
  }

  /** Ends the session: presence hears why; a service stream is cut off, unless the gateway is closing and lets it finish. */
  end(reason: EndReason): void {
    if (this.#state === 'presence') {
      this.#link.send(encode(SessionEnd, { reason }), limits).catch(() => {})
      this.#link.close()
    } else if (this.#state === 'authenticating' || reason !== EndReason.closing) {
      this.destroy()
    }
  }

  /** Says why, if there is something to say, and closes. */
  refuse(result: Result | undefined): void {
    if (result === undefined || this.#state !== 'authenticating') {
      this.destroy()
      return
    }
    const versions = result === Result.unsupportedVersion ? { versions: [...VERSIONS] } : {}
    this.#link.send(encode(this.refusal, { result, ...versions }), limits).catch(() => {})
    this.#link.close()
  }

  /** Ends in good order, and frees what the flow held. */
  close(): void {
    this.#untie?.()
    this.#endSession?.()
    this.service?.destroy()
    this.#link.close()
  }

  destroy(): void {
    // A service's stream that is cut off must not look like one that has ended.
    if (this.#state === 'service' && this.#tls) reset(this.#tls)
    this.#tls?.destroy()
    this.#socket.destroy()
  }
}

function endOf(host: string | undefined, port: number | undefined): End | undefined {
  return host === undefined || port === undefined ? undefined : { host, port }
}
