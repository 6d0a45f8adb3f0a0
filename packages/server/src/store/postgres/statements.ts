// How the SQL of this store is written down: beside the code that uses it, each statement under a name by which a connection
// prepares it once. It is plain SQL that PostgreSQL-compatible databases take too: no extension, no trigger, no function.
import type { Statement } from './database.ts'

/** Statements under the names `topic.key`. */
export function statements<Texts extends Record<string, string>>(
  topic: string,
  texts: Texts,
): { readonly [Key in keyof Texts]: Statement } {
  const named = Object.entries(texts).map(([key, text]) => [key, { name: `${topic}.${key}`, text }])
  return Object.fromEntries(named) as { [Key in keyof Texts]: Statement }
}

/** A statement made to measure: the conditions of a filter that are given, and their values in order. */
export class Conditions {
  readonly #names: string[] = []
  readonly #texts: string[] = []
  readonly values: unknown[] = []

  /** @param text  with `?` where the value goes; without it, a condition that needs none */
  add(name: string, text: string, value?: unknown): this {
    if (text.includes('?')) this.values.push(value)
    this.#names.push(name)
    this.#texts.push(text.replaceAll('?', `$${this.values.length}`))
    return this
  }

  /** The same, unless the value is undefined. */
  addGiven(name: string, text: string, value: unknown): this {
    return value === undefined ? this : this.add(name, text, value)
  }

  /** @param make  the text, from `WHERE …` and the number of a further value, `limit` */
  statement(topic: string, make: (where: string, limit: string) => string, limit: number) {
    const where = this.#texts.length === 0 ? '' : `WHERE ${this.#texts.join(' AND ')}`
    const name = [topic, ...this.#names].join('.')
    const values = [...this.values, limit]
    return [{ name, text: make(where, `$${values.length}`) }, values] as const
  }
}
