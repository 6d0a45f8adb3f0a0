// Writes the generated documents: the CDDL of docs/protocol.md, and docs/errors.md. A test compares.

import { readFileSync, writeFileSync } from 'node:fs'
import { generatedErrors, generatedProtocol } from './generated.ts'

const root = new URL('../', import.meta.url)
const protocol = new URL('docs/protocol.md', root)
writeFileSync(protocol, generatedProtocol(readFileSync(protocol, 'utf8')))
writeFileSync(new URL('docs/errors.md', root), generatedErrors(root))
