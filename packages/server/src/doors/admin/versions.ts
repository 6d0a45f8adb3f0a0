// Two who edit one thing: each answer has its version as an entity tag, and a change may name the one that it was made for
// (RFC 9110 sections 8.8.3 and 13.1.1).
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError } from '../../registry.ts'

export function tell(reply: FastifyReply, { version }: { version: number }): void {
  reply.header('etag', `"${version}"`)
}

/** The version that a change is made for; undefined for any. @throws {RegistryError} CHANGED_MEANWHILE: not a version of ours */
export function versionIn({ headers }: FastifyRequest): number | undefined {
  const tag = headers['if-match']?.trim()
  if (tag === undefined || tag === '*') return undefined
  const [, version] = /^"([1-9][0-9]{0,14})"$/.exec(tag) ?? []
  if (version !== undefined) return Number(version)
  throw new RegistryError('CHANGED_MEANWHILE', 'If-Match is not the ETag of an answer: look at it again')
}
