// How PNEs are found by what a person types: words of display names, in one form whatever their case. A store keeps the
// words of each PNE in a B-tree, so that a beginning is a range of it.

/** A word in its stored form has at most so many UTF-16 code units: the rest of a longer one is not told apart. */
const WORD_MAX = 64

/** Above every word that begins with what it is appended to, when compared by code points (as UTF-8 by octets). */
export const ABOVE_ALL = '\u{10ffff}'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are ASCII, too
const ascii = /^[\x00-\x7f]*$/
const word = /[\p{L}\p{M}\p{N}]+/gu

/** What a cursor may say that a list had come to: nothing, or a word in its stored form. */
export function isStoredWord(text: string): boolean {
  return text.length <= WORD_MAX && /^[\p{L}\p{M}\p{N}]*$/u.test(text)
}

/** The words of a display name in the form in which they are compared, each once. */
export function wordsOf(name: string | null): string[] {
  if (name === null) return []
  return [
    ...new Set(
      fold(name)
        .match(word)
        ?.map((found) => found.slice(0, WORD_MAX).replace(/\p{Cs}$/u, '')), // no half of a surrogate pair
    ),
  ]
}

/** What is searched by: `words` must each begin a word of the name, or else `id` the pneId. Words may be none. */
export interface Query {
  words: string[]
  id: string
}

/** The longest word is first: it begins the fewest words. */
export function parseQuery(text: string): Query {
  return { words: wordsOf(text).sort((a, b) => b.length - a.length), id: text.trim().toLowerCase() }
}

/** Whether a PNE is among those that are searched. */
export function matches(query: Query, { pneId, name }: { pneId: string; name: string | null }): boolean {
  return (query.id !== '' && pneId.startsWith(query.id)) || matchesName(query, name)
}

export function matchesName({ words }: Query, name: string | null): boolean {
  if (words.length === 0 || name === null) return false
  const there = wordsOf(name)
  return words.every((beginning) => there.some((found) => found.startsWith(beginning)))
}

/** The first, by code points, of the words of a name that begin so: where a PNE is listed that has several. */
export function firstWord(beginning: string, name: string | null): string | undefined {
  const found = wordsOf(name).filter((each) => each.startsWith(beginning))
  return found.sort((a, b) => Buffer.from(a).compare(Buffer.from(b)))[0]
}

/** Case folding as far as it can be had by ECMAScript: `STRASSE` and `Straße`, all forms of sigma, full and half width. */
function fold(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
}
