// One HTTP request to an admin API: over TLS with a certificate of its own, or of an authority that was given; all of it in time.

import { X509Certificate } from 'node:crypto'
import { type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http'
import { request as overHttps } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** Far more than a page of a list. */
const ANSWER_MAX_OCTETS = 16 * 1024 * 1024

/** Whom to believe over https, beside whom the machine believes. */
export interface Trust {
  /** PEM: who signs the certificate of the server. */
  readonly authority?: string | undefined
  /** PEM: the very certificate, whatever name it has and whoever signed it. */
  readonly certificate?: string | undefined
}

export interface Request {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | undefined
  readonly timeoutMs: number
}

/** Rejects with the error of the system, or with a TimeoutError. */
export async function send(
  url: string,
  { method, headers, body, timeoutMs }: Request,
  trust: Trust,
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(timeoutMs)
  const options = { method, headers, signal }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.startsWith('https:')
      ? overHttps(url, { ...options, ...believing(trust) }, resolve)
      : overHttp(url, options as RequestOptions, resolve)
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end(body)
  })
  return { status: response.statusCode ?? 0, text: await read(response, signal) }
}

async function read(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = []
  let octets = 0
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      octets += part.length
      if (octets > ANSWER_MAX_OCTETS) throw new RangeError('the answer is too long')
      parts.push(part)
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
  return Buffer.concat(parts).toString()
}

function believing({ authority, certificate }: Trust) {
  if (certificate === undefined) return authority === undefined ? {} : { ca: authority }
  const { fingerprint256 } = new X509Certificate(certificate)
  return {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, shown: PeerCertificate) =>
      shown.fingerprint256 === fingerprint256 ? undefined : checkServerIdentity(host, shown),
  }
}
