// What every file of test vectors is made with: fixed octets, and octets as lower-case hex in JSON.

/** What a file of vectors holds: JSON, after `toHex`. */
export type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json }

/** `length` octets that count up from `start`: easy to recognise, and nobody's secret. */
export function ramp(start: number, length = 32): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (start + at) & 0xff))
}

/** The same value with octets in lower-case hex and without what is undefined. */
export function toHex(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(toHex)
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined)
    return Object.fromEntries(entries.map(([name, one]) => [name, toHex(one)]))
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  throw new TypeError(`a vector cannot hold a ${typeof value}`)
}
