// How a command that stays ends: SIGINT and SIGTERM ask it to, the second one insists.

/** A terminal and a parent (npm, npx) often both pass on one Ctrl-C; that is still one wish. */
const SAME_WISH_MS = 300
export const GRACE_MS = 3000

const asked = new AbortController()
let askedAt = Number.NEGATIVE_INFINITY

/**
 * From now on signals no longer end the process: the signal given back is aborted with the first one, and a later one ends
 * the process at once. A process with an IPC channel also ends when its parent does.
 */
export function onceAskedToEnd(): AbortSignal {
  if (process.listenerCount('SIGTERM', ask) === 0) {
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
    if (process.channel) process.on('disconnect', () => asked.abort('disconnect')).channel?.unref()
  }
  return asked.signal
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}

function ask(signal: NodeJS.Signals): void {
  const now = performance.now()
  if (!asked.signal.aborted) {
    askedAt = now
    asked.abort(signal)
  } else if (now - askedAt > SAME_WISH_MS) {
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
}
