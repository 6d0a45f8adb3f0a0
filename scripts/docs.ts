// Writes the generated parts of the documents: the CDDL of docs/protocol.md. `--check` only compares (CI).

import { readFileSync, writeFileSync } from 'node:fs'
import { generatedProtocol } from './generated.ts'

const path = new URL('../docs/protocol.md', import.meta.url)
const now = readFileSync(path, 'utf8')
const next = generatedProtocol(now)
if (process.argv.includes('--check')) {
  if (now !== next) {
    process.stderr.write('docs/protocol.md differs from the messages as declared: run npm run docs\n')
    process.exit(1)
  }
} else {
  writeFileSync(path, next)
}
