// `npm run build`: the published form of every package, in dist/NAME: what `npm pack` and `npm publish` take as it is.

import { fileURLToPath } from 'node:url'
import { buildPackages } from './release/build.ts'

const folder = fileURLToPath(new URL('../dist/', import.meta.url))
for (const built of await buildPackages(folder)) process.stdout.write(`${built.name.padEnd(20)} ${built.folder}\n`)
