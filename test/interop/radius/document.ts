// The configurations of docs/stock-equipment.md, with values in the place of its words in capitals.

import { readFileSync } from 'node:fs'

const document = readFileSync(new URL('../../../docs/stock-equipment.md', import.meta.url), 'utf8')

/**
 * The block after `<!-- file NAME -->`, with each whole word that is a key of `values` replaced. Every key must be there, and
 * every word in capitals must be a key.
 */
export function configuration(name: string, values: Record<string, string | number>): string {
  const [, after] = document.split(`<!-- file ${name} -->\n\`\`\`\n`)
  const [block, rest] = after?.split('```', 2) ?? []
  if (block === undefined || rest === undefined) throw new Error(`docs/stock-equipment.md has no ${name}`)
  const words = new Set(block.match(WORD))
  for (const key of Object.keys(values)) if (!words.has(key)) throw new Error(`${name} does not say ${key}`)
  return block.replace(WORD, (word) => {
    const value = values[word]
    if (value === undefined && /^[A-Z][A-Z_]+$/.test(word)) throw new Error(`${name}: there is no value for ${word}`)
    return String(value ?? word)
  })
}

/** Words and paths. */
const WORD = /[\w./-]+/g
