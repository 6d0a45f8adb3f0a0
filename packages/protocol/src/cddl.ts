// The CDDL (RFC 8610) of the messages, printed from their declarations; docs/protocol.md holds it and a test compares.

import type { Message } from './schema.ts'

/** One rule: `; Name` and a map with integer keys. */
export function cddl(message: Message): string {
  const rows = message.rows.map(
    ([name, field]) => `  ${field.optional ? '? ' : ''}${field.key} => ${field.kind.cddl}, ; ${name}`,
  )
  return [`${kebab(message.name)} = {`, `  0 => ${message.number},`, ...rows, '}'].join('\n')
}

function kebab(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
}
