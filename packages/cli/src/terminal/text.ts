// Text as a terminal shows it: how wide it is, and without what would move the cursor.

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** East Asian wide and fullwidth forms, and emoji: two columns each. Ambiguous ones count as one. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u

/** Without control and format characters: what others named must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '')
}

/** Columns that printable text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  return [...graphemes.segment(text)].reduce((width, { segment }) => width + (WIDE.test(segment) ? 2 : 1), 0)
}

/** Text filled up with spaces to so many columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}
