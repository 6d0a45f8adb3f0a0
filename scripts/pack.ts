// `npm run pack`: builds, then makes the tarball of every package, in dist/tarballs or in the folder that is given.

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPackages } from './release/build.ts'
import { packAll } from './release/pack.ts'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const folder = resolve(process.argv[2] ?? `${dist}tarballs`)
const kib = (octets: number) => `${Math.ceil(octets / 1024)} KiB`.padStart(8)

for (const { file, files, packed, unpacked } of packAll(await buildPackages(dist), folder)) {
  const sizes = `${kib(packed)} packed ${kib(unpacked)} unpacked ${String(files.length).padStart(4)} files`
  process.stdout.write(`${sizes}  ${file}\n`)
}
