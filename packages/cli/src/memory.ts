// Gives back what a start needed and a server that waits does not: V8 keeps that room, some 40 MiB, while little happens.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One thorough collection of garbage. It takes some 50 ms, so it is for when nobody is served yet. Not to be relied on. */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
