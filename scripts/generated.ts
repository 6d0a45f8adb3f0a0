// The generated documents as pure text, for scripts/docs.ts and for the test that compares: the CDDL of docs/protocol.md, and
// docs/errors.md, which lists each error code with the comment that stands beside it in the source.

import { globSync, readFileSync } from 'node:fs'
import * as protocol from '@opencpns/protocol'

/** The family of a message by its number: docs/protocol.md section 4. */
const families = { authentication: [1, 5], session: [6, 12], pairing: [16, 21], upstream: [32, 57] } as const

function isMessage(value: unknown): value is protocol.Message {
  return typeof value === 'object' && value !== null && 'number' in value && 'fields' in value
}

/** All messages that the protocol declares, by number. */
export const messages: protocol.Message[] = (Object.values(protocol) as unknown[])
  .filter(isMessage)
  .sort((a, b) => a.number - b.number)

/** docs/protocol.md with each `cddl` block replaced by what the declarations say. */
export function generatedProtocol(document: string): string {
  return document.replace(/(<!-- cddl (\w+) -->\n)[\s\S]*?(<!-- \/cddl -->)/g, (_, open, family, close) => {
    const [from, to] = families[family as keyof typeof families]
    const rules = messages.filter((one) => one.number >= from && one.number <= to).map(protocol.cddl)
    return `${open}\`\`\`cddl\n${rules.join('\n\n')}\n\`\`\`\n${close}`
  })
}

const UNION =
  /type (\w*(?:ErrorCode|RefusalReason))\b\s*=((?:\s*\|?\s*(?:'[A-Z0-9_]+'|\w+\['code'\]|[A-Z]\w+)[ \t]*(?:\/\/[^\n]*)?\n)+)/g
const CODE = /'([A-Z0-9_]+)'[ \t]*(?:\/\/ ?([^\n]*))?/g

interface ErrorUnion {
  readonly name: string
  readonly file: string
  readonly codes: readonly { readonly code: string; readonly meaning: string }[]
}

/** Each union of codes in the packages. @param root the folder of the project */
export function errorUnions(root: URL): ErrorUnion[] {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root }).sort()
  return files.flatMap((file) => {
    const source = readFileSync(new URL(file, root), 'utf8')
    return [...source.matchAll(UNION)].map(([, name = '', body = '']) => ({
      name,
      file,
      codes: [...body.matchAll(CODE)].map(([, code = '', meaning = '']) => ({ code, meaning })),
    }))
  })
}

/** docs/errors.md. */
export function generatedErrors(root: URL): string {
  const sections = errorUnions(root).map(({ name, file, codes }) => {
    const rows = codes.map(({ code, meaning }) => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} |`)
    return `## ${name}\n\nIn \`${file}\`.\n\n| code | meaning, or what to do |\n| --- | --- |\n${rows.join('\n')}\n`
  })
  return `${ERRORS_HEAD}\n${sections.join('\n')}`
}

const ERRORS_HEAD = `# Error codes

Every error of OpenCPNS has a stable \`code\`, a message that says what to do, and where there is one a \`cause\`. Match on the code:
messages may change. The command line prints the message and ends with the exit code that [cli.md](cli.md) names; reasons of refusals
stand in logs and events, never in what a PNE is told. This page is written by \`npm run docs\`.
`
