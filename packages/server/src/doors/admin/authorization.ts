// Who may use the admin API, and for what. Whoever holds a token sends it as a bearer token (RFC 6750 section 2.1); a browser
// sends the cookie that it got for one. Each route says which role it needs, and what a change is called in the audit log.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import { allows, type Operator, type Operators } from '../../operators.ts'
import type { Role } from '../../store/contract-operator.ts'
import { AdminError } from './errors.ts'
import * as schemas from './schemas/index.ts'

export const SESSION_COOKIE = 'opencpns_session'
const CONSOLE_HEADER = 'x-opencpns-console'
const LOCAL = 'local'

/** Whoever sent a request. */
export interface Caller extends Operator {
  /** The end of the session or of the token, in ms since the epoch; null for never. */
  readonly until: number | null
  /** Id of the session of a browser; undefined for whoever sends a token. */
  readonly session: string | undefined
  /** Whether what the request came with is still good: for an answer that takes long. Rejects with a StoreError. */
  readonly isGood: () => Promise<boolean>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role. Unless told, viewer for what only reads, admin for all else. */
    role?: Role
    /** What the change is called in the audit log. Each route needs it that does not only read. */
    action?: string
    /** Name of what is changed, where that is not a name or an id in the path or in the body. */
    target?: (request: FastifyRequest) => string | null
    /** Takes an idempotency key. */
    isIdempotent?: true
  }
  interface FastifyRequest {
    caller: Caller
  }
}

export class Authorization {
  readonly #operators: Operators
  readonly #localHash: Buffer

  /** @param token  of the data folder: its holder is the admin `local` */
  constructor(operators: Operators, token: string) {
    this.#operators = operators
    this.#localHash = sha256(token)
  }

  /** @throws {StoreError} */
  async ofToken(token: string): Promise<Operator | undefined> {
    // Hashing first makes both sides of the comparison equally long.
    if (timingSafeEqual(sha256(token), this.#localHash)) return local
    return this.#operators.tokens.find(token)
  }

  /** Whoever sent a request; a bearer token goes before a cookie. @throws {StoreError} */
  async ofRequest(request: FastifyRequest): Promise<Caller | undefined> {
    const { headers, cookies } = request
    const isGood = async () => (await this.ofRequest(request)) !== undefined
    if (headers.authorization !== undefined) {
      const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization) ?? []
      const operator = token === undefined ? undefined : await this.ofToken(token)
      return operator && { ...operator, until: operator.expiresAt, session: undefined, isGood }
    }
    const found = await this.#operators.sessions.read(cookies[SESSION_COOKIE] ?? '', (id) => this.#binding(id))
    const operator = found && (await this.#ofId(found.id))
    return operator && { ...operator, until: found.expiresAt, session: found.session, isGood }
  }

  openSession(operator: Operator): { value: string; expiresAt: number } {
    return this.#operators.sessions.open(operator, this.#binding(operator.id))
  }

  async #ofId(id: string): Promise<Operator | undefined> {
    return id === LOCAL ? local : this.#operators.tokens.findById(id)
  }

  /** The token of the data folder has no row that could be revoked: when it is another, its sessions are over. */
  #binding(id: string): string {
    return id === LOCAL ? this.#localHash.toString('base64url') : ''
  }
}

const local: Operator = { id: LOCAL, name: LOCAL, role: 'admin', expiresAt: null }

/** Everything of `app` is for callers whose role allows it; unknown paths too: nobody else learns what there is. */
export function guard(app: FastifyInstance, authorization: Authorization): void {
  app.decorateRequest('caller')
  app.addHook('onRoute', (route) => {
    const onlyReads = [route.method].flat().every(isReading)
    const { action, role = onlyReads ? 'viewer' : 'admin' } = route.config ?? {}
    if (!onlyReads && action === undefined)
      throw new TypeError(`${route.method} ${route.url} has no name in the audit log`)
    route.config = { ...route.config, role }
    route.schema = { querystring: schemas.NoQuery, ...route.schema, 'x-role': role } as FastifySchema
  })
  app.addHook('onRequest', async (request) => {
    const caller = await authorization.ofRequest(request)
    if (caller === undefined)
      throw new AdminError('TOKEN_REQUIRED', 'send a token as "Authorization: Bearer TOKEN", or log in')
    request.caller = caller
    if (caller.session !== undefined && !isReading(request.method) && request.headers[CONSOLE_HEADER] !== '1') {
      throw new AdminError(
        'CONSOLE_HEADER_REQUIRED',
        `send the header "${CONSOLE_HEADER}: 1", or a token instead of a cookie`,
      )
    }
    const { role = 'viewer' } = request.routeOptions.config
    if (allows(role, caller)) return
    throw new AdminError(
      'ROLE_INSUFFICIENT',
      `this needs the role ${role}, and the token has ${caller.role}: use another`,
    )
  })
  app.addHook('preValidation', async ({ body, routeOptions }) => {
    if (routeOptions.schema?.body || isEmpty(body)) return
    throw new AdminError('REQUEST_INVALID', 'this takes no body: send none')
  })
  app.setNotFoundHandler(() => {
    throw new AdminError('ROUTE_UNKNOWN', 'there is nothing at this path for this method')
  })
}

/** Programs send an empty object where they mean nothing. */
function isEmpty(body: unknown): boolean {
  if (body === undefined || body === null) return true
  return typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
