// The generated part of docs/reliability.md: a row for each fault, with what its last long trial found.

import { availableParallelism } from 'node:os'
import type { Finding } from './support/fault.ts'

const PART = /(<!-- findings -->\n)([\s\S]*?)(<!-- \/findings -->)/
const ROW = /^\| `([\w-]+)` \|.*$/gm
const HEAD = '| fault | found | when, and where |\n| --- | --- | --- |'

/** The document with the rows of these findings in place of older ones; the others stay. */
export function withFindings(document: string, findings: Readonly<Record<string, Finding>>): string {
  const where = `${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores, Node ${process.versions.node}`
  return document.replace(PART, (_, open: string, table: string, close: string) => {
    const rows = new Map([...table.matchAll(ROW)].map(([row, name = '']) => [name, row]))
    for (const [name, { ok, says, broken = [] }] of Object.entries(findings)) {
      const words = ok ? says : `**${['not as promised', ...broken].join('; ')}**. ${says}`
      rows.set(name, `| \`${name}\` | ${words.replaceAll('|', '\\|')} | ${where} |`)
    }
    return `${open}${[HEAD, ...[...rows].sort().map(([, row]) => row)].join('\n')}\n${close}`
  })
}

/** Names of the faults that the table has a row for. */
export function namesIn(document: string): string[] {
  return [...(PART.exec(document)?.[2] ?? '').matchAll(ROW)].map(([, name = '']) => name)
}
