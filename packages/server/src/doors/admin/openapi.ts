// The admin API described by OpenAPI 3.1, made from the schemas that requests and answers are checked by. A schema with a name
// in schemas/ stands once, under components, with that name.
import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import * as schemas from './schemas/index.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

interface Document {
  readonly components: Record<string, Json>
  readonly paths: Json
}

/** Those that become parameters have no name there. */
const isParameters = /(Params|Query|Headers)$/
const named = Object.entries(schemas).filter(([name, schema]) => typeof schema === 'object' && !isParameters.test(name))
const nameOf = new Map(named.map(([name, schema]) => [JSON.stringify(schema), name]))

const INFO = {
  title: 'OpenCPNS admin API',
  version: '1.0.0',
  description: `For an operator of a CPNS Server. Times are ISO 8601 in UTC; what may be absent is null.
Every refusal is problem details (RFC 9457) with a stable \`code\`. Unknown fields are refused.`,
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
}

const TAGS = [
  { name: 'live', description: 'What goes on now' },
  { name: 'users', description: 'End users, their policies, the generations of their 1st seeds' },
  { name: 'gateways', description: 'PN GWs and RADIUS clients, and pairing tickets' },
  { name: 'pnes', description: 'Devices' },
  { name: 'presence', description: 'Who is registered in which personal network' },
  { name: 'events', description: 'The event log' },
  { name: 'operators', description: 'Sessions of the console, tokens, and the audit log' },
  { name: 'health', description: 'For whoever starts and watches the server' },
]

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'admin.token of the data folder, or a token made by an admin',
  },
  session: { type: 'apiKey', in: 'cookie', name: 'opencpns_session', description: 'the session of the console' },
} as const

/** Before the routes, which it collects. */
export function collectRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    convertConstToEnum: false,
    openapi: {
      openapi: '3.1.0',
      info: INFO,
      tags: TAGS,
      components: { securitySchemes: SECURITY_SCHEMES },
      security: [{ bearer: [] }, { session: [] }],
    },
    transformObject: (made) => ('openapiObject' in made ? (finished(made.openapiObject as never) as never) : {}),
  })
}

export function addOpenApiRoute(app: FastifyInstance): void {
  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'describeApi',
        summary: 'This document',
        tags: ['health'],
        security: [],
        response: { 200: schemas.OpenApi },
      },
    },
    () => app.swagger(),
  )
}

/** Puts schemas that have a name under components and refers to them; says of each answer what its status is called. */
function finished({ components, paths, ...document }: Document): Document {
  const found = new Map<string, Json>()
  const refer = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(refer)
    if (node === null || typeof node !== 'object') return node
    const name = nameOf.get(JSON.stringify(node))
    if (name === undefined) return mapped(node, refer)
    if (!found.has(name)) found.set(name, mapped(node, refer))
    return { $ref: `#/components/schemas/${name}` }
  }
  const described = mapped(paths, (path) => mapped(path, describe))
  const referred = refer(described)
  const sorted = Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
  return { ...document, paths: referred, components: { ...components, schemas: sorted } }
}

function describe(operation: Json): Json {
  if (!isObject(operation) || !isObject(operation['responses'])) return operation
  const responses = Object.entries(operation['responses']).map(([status, response]) => {
    const description = STATUS_CODES[status] ?? 'A refusal'
    return [status, isObject(response) ? { ...response, description } : response]
  })
  return { ...operation, responses: Object.fromEntries(responses) }
}

function mapped(node: Json, change: (value: Json) => Json): Json {
  if (!isObject(node)) return node
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]))
}

function isObject(node: Json | undefined): node is Record<string, Json> {
  return node !== null && typeof node === 'object' && !Array.isArray(node)
}
