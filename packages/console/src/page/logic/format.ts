// Numbers, times and names in words.

/** `0.4 ms`, `12 ms`, `1.3 s`. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 0.095) return '<0.1 ms'
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(1)} s`
}

/** `now`, `12 s ago`, `3 min ago`, `5 h ago`, `12 days ago`. */
export function ago(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 2) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const days = Math.floor(seconds / 86_400)
  return days === 1 ? 'yesterday' : `${days} days ago`
}

/** `9:05`: what is left, never below zero. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** `1 device`, `3 devices`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** A rate a second: `0`, `0.3`, `12`, `1,250`. */
export function formatRate(rate: number): string {
  if (rate === 0) return '0'
  return rate < 9.95 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en')
}

/** The name of a gateway or PNE without the realm. */
export function shortName(identity: string): string {
  return identity.split('@', 1)[0] ?? identity
}
