// The query of a list: what was given of its filters.

/** @param path  without a query */
export function withQuery(path: string, filter: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]))
  return given.length === 0 ? path : `${path}?${query}`
}
