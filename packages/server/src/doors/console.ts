// The console's door: its files for a browser, on the admin listener. Each of its pages, which are made in the browser, gets the
// one document. What the page may do at all is in the policy that each file is sent with.
import { type Asset, consoleAssets, consolePlaces } from '@opencpns/console'
import type { Logger } from '@opencpns/io'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, problem } from './admin/problems.ts'

const POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'img-src', 'connect-src', 'font-src'].map((what) => `${what} 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  vary: 'accept-encoding',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const ENCODINGS = ['br', 'gzip'] as const
const PATHS = ['/', '/assets/*', ...consolePlaces.flatMap((place) => [`/${place}`, `/${place}/*`])]

/** Adds the console to the admin listener. It needs no token: it holds nothing that the published package does not. */
export function addConsole(app: FastifyInstance, { logger }: { logger?: Logger | undefined } = {}): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const [path = '/'] = request.url.split('?', 1)
    try {
      const asset = (await consoleAssets()).get(path.startsWith('/assets/') ? path : '/')
      return asset ? send(asset, request, reply) : refuse(reply, 404, 'ROUTE_UNKNOWN', 'the console has no such file')
    } catch (cause) {
      logger?.error({ event: 'console-failed', err: cause }, 'the console cannot be made')
      return refuse(reply, 503, 'CONSOLE_UNAVAILABLE', 'the console cannot be made: the log of the server tells why')
    }
  }
  for (const path of PATHS) app.get(path, { schema: { hide: true } }, answer)
}

function refuse(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(problem(status, code, detail))
}

function send(asset: Asset, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers(HEADERS)
  reply.header('cache-control', asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
  reply.header('etag', asset.etag).type(asset.type)
  if (matches(headers['if-none-match'], asset.etag)) return reply.code(304).send()
  const encoding = ENCODINGS.find((one) => asset[one] && accepts(headers['accept-encoding'], one))
  if (encoding === undefined) return reply.send(asset.body)
  return reply.header('content-encoding', encoding).send(asset[encoding])
}

/** RFC 9110 section 13.1.2: weak comparison. */
function matches(given: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return given?.split(',').some((tag) => opaque(tag) === opaque(etag) || opaque(tag) === '*') ?? false
}

/** RFC 9110 section 12.5.3, without `*`: who wants it compressed names how. */
function accepts(given: string | undefined, encoding: string): boolean {
  const offers = given?.split(',').map((offer) => offer.split(';').map((part) => part.trim().toLowerCase()))
  return offers?.some(([name, ...rest]) => name === encoding && !rest.some((one) => /^q=0(\.0*)?$/.test(one))) ?? false
}
