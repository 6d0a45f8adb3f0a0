// Making something new. When no answer comes, nobody knows whether it was made: the next attempt has the same key, and gets the
// answer to the first.
import { useRef } from 'preact/hooks'
import { ask, asProblem } from '../api/client.ts'

/** 128 random bits; without `crypto.randomUUID`, which plain http does not have. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, '0')).join('')
}

/** Gives what creates by POST. It rejects with {@link ApiProblem}. */
export function useCreation<T>(path: string): (body: unknown) => Promise<T> {
  const key = useRef(newKey())
  return async (body) => {
    try {
      return (await ask<T>('POST', path, { body, idempotencyKey: key.current })).data
    } catch (error) {
      // What was refused may be asked for again in other words, which is another request.
      if (asProblem(error).status !== 0) key.current = newKey()
      throw error
    }
  }
}
