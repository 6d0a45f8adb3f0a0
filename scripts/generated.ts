// The generated parts of docs/protocol.md as pure text, for scripts/docs.ts and for the test that compares.

import * as protocol from '@opencpns/protocol'

/** The family of a message by its number: docs/protocol.md section 4. */
const families = { authentication: [1, 5], session: [6, 12], pairing: [16, 21], upstream: [32, 51] } as const

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
