// Logging in from a browser: a token once, then a cookie that scripts cannot read and that no other site can send.
import type { Logger } from '@opencpns/io'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Operator, Operators } from '../../operators.ts'
import { Attempts } from './attempts.ts'
import { type Authorization, SESSION_COOKIE } from './authorization.ts'
import { AdminError } from './errors.ts'
import { time } from './forms.ts'
import { answers, type Body } from './routes/parts.ts'
import * as schemas from './schemas/index.ts'

interface Options {
  authorization: Authorization
  operators: Operators
  realm: string
  logger?: Logger | undefined
}

/** For anyone. */
export function addLoginRoute(app: FastifyInstance, { authorization, operators, realm, logger }: Options): void {
  const attempts = new Attempts()
  app.post<Body<typeof schemas.NewLogin>>(
    '/v1/session',
    {
      schema: {
        operationId: 'logIn',
        summary: 'Begin a session of the console: the answer sets its cookie',
        tags: ['operators'],
        security: [],
        body: schemas.NewLogin,
        response: answers(200, schemas.Login),
      },
    },
    async (request, reply) => {
      const { ip } = request
      const retryAfterS = attempts.blockedForS(ip)
      if (retryAfterS !== undefined) {
        throw new AdminError('TOO_MANY_ATTEMPTS', 'too many failed logins from this address: wait', { retryAfterS })
      }
      const operator = await attempts.count(ip, () => authorization.ofToken(request.body.token))
      if (operator === undefined) {
        logger?.warn({ event: 'login-refused', address: ip }, 'somebody tried to log in with a token that is none')
        throw new AdminError('TOKEN_REQUIRED', 'this is not a token of this server, or no longer: ask an admin for one')
      }
      const session = authorization.openSession(operator)
      await audit(operators, operator, ip)
      setCookie(request, reply, session.value, session.expiresAt)
      return login(operator, realm, session.expiresAt)
    },
  )
}

/** For whoever is logged in, by whichever means. */
export function addSessionRoutes(
  app: FastifyInstance,
  { operators, realm }: Pick<Options, 'operators' | 'realm'>,
): void {
  app.get(
    '/v1/session',
    {
      schema: {
        operationId: 'showSession',
        summary: 'Who you are, and until when',
        tags: ['operators'],
        response: answers(200, schemas.Login),
      },
    },
    async ({ caller }) => login(caller, realm, caller.until),
  )
  app.delete(
    '/v1/session',
    {
      config: { role: 'viewer', action: 'session.close', target: ({ caller }) => caller.name },
      schema: {
        operationId: 'logOut',
        summary: 'End the session of the console: its cookie is good for nothing any more, whoever has a copy',
        tags: ['operators'],
        response: answers(204, schemas.Nothing),
      },
    },
    async (request, reply) => {
      const { session } = request.caller
      if (session !== undefined) await operators.sessions.end(session)
      setCookie(request, reply, '', 0)
      return reply.code(204).send()
    },
  )
}

function login({ name, role }: Operator, realm: string, until: number | null) {
  return { name, role, realm, expires: time(until) }
}

/** A login changes nothing, and yet everybody wants to know of it afterwards. */
async function audit({ audit }: Operators, { name, role }: Operator, from: string): Promise<void> {
  const row = { actor: name, role, action: 'session.open', target: name, facts: undefined, from }
  await audit.end(await audit.begin(row), 'done')
}

/** Over TLS the cookie goes over nothing else; what a proxy says of it can make the cookie stricter alone. */
function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, expiresAt: number): void {
  const expires = new Date(expiresAt)
  const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'
  reply.setCookie(SESSION_COOKIE, value, { path: '/', httpOnly: true, sameSite: 'strict', secure, expires })
}
