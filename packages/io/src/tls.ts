// TLS 1.3 with one external PSK, in (EC)DHE mode, on a connection that is already there (docs/protocol.md section 5.3).
// No certificate, no early data, no session ticket: a ticket would outlive the revocation of its PNE.

import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from 'node:tls'
import { type Limits, watch } from './deadline.ts'
import { IoError, swallowErrors } from './errors.ts'
import { carriedBy } from './reset.ts'

const CIPHERSUITES = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256'
const GROUPS = 'X25519MLKEM768:X25519:P-256'

/** What both sides agreed on before, and how long the handshake may take. */
export interface TlsPskOptions extends Limits {
  /** The PSK identity. It is public. */
  readonly identity: string
  /** The PSK, 32 octets. */
  readonly psk: Uint8Array
  /** The only ALPN protocol. */
  readonly alpn: string
}

export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** Of the key exchange; Node tells it at the client only. */
  readonly group: string | undefined
}

/**
 * The server's side of the handshake.
 * @param alpnOptional accepts a client that offers no ALPN at all; one that offers another is always refused
 * @throws {IoError} TLS_REFUSED (wrong PSK, identity or ALPN, no TLS, the connection ended), DEADLINE_EXCEEDED, ABORTED;
 *   the socket is destroyed
 */
export function acceptTlsPsk(
  socket: Socket,
  { identity, psk, alpn, alpnOptional = false, ...limits }: TlsPskOptions & { readonly alpnOptional?: boolean },
): Promise<TLSSocket> {
  let proved = false // the handshake rests on our PSK and on nothing else
  const pskCallback = (_: TLSSocket, offered: string) => {
    proved = offered === identity
    return proved ? psk : null
  }
  const options: TLSSocketOptions & { pskCallback: typeof pskCallback } = {
    isServer: true,
    secureContext: context(),
    ALPNProtocols: [alpn],
    pskCallback,
  }
  const refusal = (tls: TLSSocket) => {
    if (!proved) return 'the client did not use the pre-shared key'
    if (tls.alpnProtocol === alpn || (alpnOptional && tls.alpnProtocol === false)) return undefined
    return `the client does not speak ${alpn}`
  }
  const start = () => endOnError(new TLSSocket(socket, options))
  return handshake(socket, start, 'secure', refusal, limits)
}

/**
 * The client's side of the handshake.
 * @throws {IoError} TLS_REFUSED (wrong PSK, identity or ALPN, no TLS, the connection ended), DEADLINE_EXCEEDED, ABORTED;
 *   the socket is destroyed
 */
export function connectTlsPsk(socket: Socket, { identity, psk, alpn, ...limits }: TlsPskOptions): Promise<TLSSocket> {
  const options: ConnectionOptions = {
    socket,
    secureContext: context(),
    ALPNProtocols: [alpn],
    pskCallback: () => ({ psk, identity }),
  }
  const refusal = (tls: TLSSocket) => {
    // OpenSSL counts an external PSK as a session: without it a certificate, however good, is refused.
    if (!tls.isSessionReused()) return 'the server did not use the pre-shared key'
    return tls.alpnProtocol === alpn ? undefined : `the server does not speak ${alpn}`
  }
  return handshake(socket, () => connect(options), 'secureConnect', refusal, limits)
}

/** What the handshake agreed on. */
export function tlsFacts(tls: TLSSocket): TlsFacts {
  const key = tls.getEphemeralKeyInfo()
  return {
    version: tls.getProtocol() ?? 'none',
    cipher: tls.getCipher().name,
    group: key && 'name' in key ? key.name : undefined,
  }
}

function handshake(
  socket: Socket,
  start: () => TLSSocket,
  established: 'secure' | 'secureConnect',
  refusal: (tls: TLSSocket) => string | undefined,
  limits: Limits,
): Promise<TLSSocket> {
  swallowErrors(socket)
  if (socket.destroyed) return Promise.reject(refused('the connection has ended'))
  socket.setNoDelay(true)
  const tls = start()
  carriedBy(tls, socket)
  swallowErrors(tls)
  return new Promise((resolve, reject) => {
    let cause: Error | undefined
    const onError = (error: Error) => {
      cause = error
    }
    const onEstablished = () => {
      const reason = refusal(tls)
      settle(reason === undefined ? undefined : refused(reason))
    }
    // After an error the alert is on its way first, and Node destroys the socket: 'close' is the end of every failure.
    const onClose = () => settle(refused('wrong key, identity or protocol, or the connection ended', cause))
    const settle = (error?: IoError) => {
      stop()
      tls.off(established, onEstablished).off('error', onError).off('close', onClose)
      if (!error) return resolve(tls)
      tls.destroy()
      reject(error)
    }
    const stop = watch(limits, 'the TLS handshake', settle)
    tls.on(established, onEstablished).on('error', onError).on('close', onClose)
  })
}

/** Outside a tls.Server, Node tells errors after the handshake by this event alone, and leaves the connection open. */
function endOnError(tls: TLSSocket): TLSSocket {
  return tls.once('_tlsError', (error: Error) => tls.destroy(error))
}

function refused(reason: string, cause?: Error): IoError {
  return new IoError('TLS_REFUSED', `the TLS handshake failed: ${reason}`, cause ? { cause } : {})
}

let shared: SecureContext | undefined

/** One context serves all handshakes of the process: it holds no key. */
function context(): SecureContext {
  shared ??= withoutTickets({ minVersion: 'TLSv1.3', ciphers: CIPHERSUITES, ecdhCurve: GROUPS, ca: [] })
  return shared
}

/** What Node's context has inside; undocumented, hence optional. */
interface TicketKeyHook {
  enableTicketKeyCallback?(): void
  onticketkeycallback?(): readonly [number, Buffer, Buffer, Buffer, Buffer]
}

/**
 * SSL_OP_NO_TICKET only makes OpenSSL send tickets of another kind in TLS 1.3. A ticket key callback that has no key (0)
 * makes it send none. Where Node lacks the hook, the tickets are sent, and are of no use: `proved` asks for the PSK.
 */
function withoutTickets(options: Parameters<typeof createSecureContext>[0]): SecureContext {
  const made = createSecureContext({ ...options, secureOptions: constants.SSL_OP_NO_TICKET })
  const hook: TicketKeyHook = made.context
  if (!hook.enableTicketKeyCallback) return made
  const hooked = createSecureContext(options)
  const noKey = Buffer.alloc(16)
  const inside: TicketKeyHook = hooked.context
  inside.onticketkeycallback = () => [0, noKey, noKey, noKey, noKey]
  inside.enableTicketKeyCallback?.()
  return hooked
}
