// What the routes have in common: types of what they take, response schemas, pages.
import type Type from 'typebox'
import * as schemas from '../schemas/index.ts'

const LIMIT = 50

export type Query<T extends Type.TSchema> = { Querystring: Type.Static<T> }
export type Body<T extends Type.TSchema> = { Body: Type.Static<T> }
export type Params<T extends Type.TSchema> = { Params: Type.Static<T> }

/** @param media  the media type of the answer, if it is not JSON */
export function answers(status: number, schema: Type.TSchema, media?: string): Record<string, unknown> {
  const problem = { description: 'a refusal', content: { 'application/problem+json': { schema: schemas.Problem } } }
  return { [status]: media ? { content: { [media]: { schema } } } : schema, '4xx': problem, '5xx': problem }
}

export function limitOf({ limit }: { limit?: string }): number {
  return limit === undefined ? LIMIT : Number(limit)
}

export function pageRequest(query: { limit?: string; cursor?: string }): { limit: number; cursor: string | undefined } {
  return { limit: limitOf(query), cursor: query.cursor }
}

export function publish<T, P>({ items, next }: { items: T[]; next: string | null }, form: (row: T) => P) {
  return { items: items.map(form), next }
}
