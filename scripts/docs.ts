// Writes the generated documents: the CDDL of docs/protocol.md, docs/errors.md, and docs/scaling.md. A test compares.

import { readFileSync, writeFileSync } from 'node:fs'
import { generatedErrors, generatedProtocol } from './generated.ts'
import { generatedScaling } from './scaling.ts'

const root = new URL('../', import.meta.url)
const protocol = new URL('docs/protocol.md', root)
writeFileSync(protocol, generatedProtocol(readFileSync(protocol, 'utf8')))
writeFileSync(new URL('docs/errors.md', root), generatedErrors(root))
writeFileSync(new URL('docs/scaling.md', root), generatedScaling(root))
