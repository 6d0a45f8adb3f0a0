// Writes the test vectors, docs/vectors/*.json, except eap-gpsk.json, which comes from other people's software.
// `--check` only compares (CI).

import { readFileSync, writeFileSync } from 'node:fs'
import { vectorFiles } from './vectors/files.ts'

const folder = new URL('../docs/vectors/', import.meta.url)
for (const [name, text] of vectorFiles()) {
  const path = new URL(name, folder)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`docs/vectors/${name} differs from what the code derives: run npm run vectors\n`)
    process.exitCode = 1
  }
}
