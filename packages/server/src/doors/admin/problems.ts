// Every refusal of the admin API as problem details (RFC 9457): what the registry, the store and Fastify throw.
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply } from 'fastify'
import { RegistryError, type RegistryErrorCode, StoreError } from '../../registry.ts'
import { GatewayUnavailable } from '../cpns/gateways.ts'
import { AdminError, type AdminErrorCode } from './errors.ts'
import type { Problem } from './schemas/index.ts'

export const PROBLEM_TYPE = 'application/problem+json'

const registryStatus: Record<RegistryErrorCode, number> = {
  ADDRESS_INVALID: 400,
  ADDRESS_TAKEN: 409,
  ASSIGNED_ELSEWHERE: 409,
  CHANGED_MEANWHILE: 412,
  GATEWAY_EXISTS: 409,
  GATEWAY_UNKNOWN: 404,
  GENERATION_IN_USE: 409,
  GENERATION_NEWEST: 409,
  GENERATION_UNKNOWN: 404,
  KEY_LAST: 409,
  KEY_RETIRED: 409,
  KEY_UNKNOWN: 404,
  NAME_INVALID: 400,
  PNE_AMBIGUOUS: 409,
  PNE_REVOKED: 409,
  PNE_UNKNOWN: 404,
  REPORTS_MISSING: 409,
  TOKEN_EXISTS: 409,
  TOKEN_UNKNOWN: 404,
  USER_EXISTS: 409,
  USER_UNKNOWN: 404,
}

const gatewayStatus: Record<GatewayUnavailable['code'], number> = {
  GATEWAY_NOT_CONNECTED: 409,
  GATEWAY_TOO_OLD: 409,
  GATEWAY_SILENT: 504,
  GATEWAY_BUSY: 503,
}

const adminStatus: Record<AdminErrorCode, number> = {
  ADMIN_NEEDS_TLS: 500,
  BODY_TOO_LARGE: 413,
  CONSOLE_HEADER_REQUIRED: 403,
  HOST_UNKNOWN: 421,
  IDEMPOTENCY_KEY_INVALID: 400,
  IDEMPOTENCY_KEY_REUSED: 422,
  INTERNAL_ERROR: 500,
  MEDIA_TYPE_UNSUPPORTED: 415,
  REQUEST_INVALID: 400,
  REQUEST_TIMEOUT: 408,
  REQUEST_UNDER_WAY: 409,
  ROLE_INSUFFICIENT: 403,
  ROUTE_UNKNOWN: 404,
  TLS_FILE_INVALID: 500,
  TOKEN_REQUIRED: 401,
  TOO_MANY_ATTEMPTS: 429,
}

/** `about:blank`: the status tells the kind, `code` the rest (RFC 9457 section 4.2.1). */
export function problem(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code }
}

/** What a client may learn of an error. Of our own bugs it learns nothing but that there was one. */
export function toProblem(error: unknown): Problem {
  if (error instanceof RegistryError) return problem(registryStatus[error.code], error.code, error.message)
  if (error instanceof AdminError) return problem(adminStatus[error.code], error.code, error.message)
  if (error instanceof StoreError) return storeProblem(error)
  if (error instanceof GatewayUnavailable) return problem(gatewayStatus[error.code], error.code, error.message)
  if (isFastifyError(error) && error.validation !== undefined) return problem(400, 'REQUEST_INVALID', error.message)
  if (isFastifyError(error)) return frameworkProblem(error)
  return problem(500, 'INTERNAL_ERROR', 'the server failed: its log tells why')
}

/** Answers with what {@link toProblem} makes of an error, and the headers that its status wants. */
export function refuse(error: unknown, _request: unknown, reply: unknown): void {
  const answer = toProblem(error)
  const to = reply as FastifyReply
  if (answer.status === 401) to.header('www-authenticate', 'Bearer realm="opencpns"')
  if (error instanceof AdminError && error.retryAfterS !== undefined) to.header('retry-after', error.retryAfterS)
  to.code(answer.status).type(PROBLEM_TYPE).send(answer)
}

function storeProblem(error: StoreError): Problem {
  if (error.code === 'STORE_CURSOR_INVALID') return problem(400, error.code, error.message)
  if (error.code === 'STORE_DUPLICATE') return problem(409, error.code, error.message)
  const passes = error.code === 'STORE_BUSY' || error.code === 'STORE_FULL' || error.code === 'STORE_CLOSED'
  return passes
    ? problem(503, error.code, error.message)
    : problem(500, error.code, 'the store failed: the log of the server tells why')
}

/** Of Fastify's own errors, those of the client: the body is too large, no JSON, not of a known media type. */
function frameworkProblem({ statusCode = 500 }: FastifyError): Problem {
  if (statusCode === 413) return problem(413, 'BODY_TOO_LARGE', 'the body is larger than 64 KiB: send less')
  if (statusCode === 415) return problem(415, 'MEDIA_TYPE_UNSUPPORTED', 'send the body as application/json')
  if (statusCode >= 400 && statusCode < 500) return problem(statusCode, 'REQUEST_INVALID', 'the request is malformed')
  return problem(500, 'INTERNAL_ERROR', 'the server failed: its log tells why')
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error
}
