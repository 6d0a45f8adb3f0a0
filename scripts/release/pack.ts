// Tarballs of the built packages, by `npm pack`.

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BuiltPackage } from './build.ts'

export interface Tarball {
  readonly name: string
  /** Its path. */
  readonly file: string
  /** What is in it, as paths within the package. */
  readonly files: readonly string[]
  /** Octets of the tarball, and of what is in it. */
  readonly packed: number
  readonly unpacked: number
}

interface PackedByNpm {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
  readonly size: number
  readonly unpackedSize: number
}

/** @param folder where the tarballs go; made when it is not there */
export function packAll(packages: readonly BuiltPackage[], folder: string): Tarball[] {
  mkdirSync(folder, { recursive: true })
  return packages.map((built) => pack(built, folder))
}

function pack({ name, folder }: BuiltPackage, destination: string): Tarball {
  const args = ['pack', '--json', '--pack-destination', destination]
  const [packed] = Object.values<PackedByNpm>(JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8' })))
  if (packed === undefined) throw new Error(`npm has packed nothing for ${name}`)
  const { filename, files, size, unpackedSize } = packed
  const file = join(destination, filename.replace('@', '').replace('/', '-'))
  return { name, file, files: files.map(({ path }) => path), packed: size, unpacked: unpackedSize }
}
