// Where words go: results to stdout, everything else to stderr.
import { styleText } from 'node:util'

/** A style by its meaning; what it looks like is decided here alone. */
export type Style = 'strong' | 'faint' | 'good' | 'bad' | 'key' | 'party'

/** Colours a piece of text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

const formats = { strong: 'bold', faint: 'dim', good: 'green', bad: 'red', key: 'yellow', party: 'cyan' } as const

/** For a stream: colours on a terminal, plain text elsewhere; NO_COLOR and FORCE_COLOR are respected. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(formats[style], text, { stream })
}

/** Not painted at all: for files, pipes and tests. */
export const plain: Paint = (_style, text) => text

/** A result for people. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A result for programs: one line, one document. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`)
}

/** A result: its document with --json, otherwise the same in words. */
export function printResult(json: true | undefined, document: unknown, text: string): void {
  if (json) printJson(document)
  else print(text)
}

/** What happens meanwhile. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
