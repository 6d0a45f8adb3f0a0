// From the sources to what is published: `tsc` strips the types, each package gets a folder of its own with its JavaScript, its
// declarations, a manifest for its users, its README and the licence. The folders of the sources are left as they are.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Manifest, publishedManifest } from './manifest.ts'

/** A package as it is published, in a folder of its own. */
export interface BuiltPackage {
  readonly name: string
  readonly folder: string
}

const root = new URL('../../', import.meta.url)
const path = (...names: string[]) => join(fileURLToPath(root), ...names)

/** @param folder where the packages go; emptied first @throws {Error} when tsc or the bundler refuses; it has said why */
export async function buildPackages(folder: string): Promise<BuiltPackage[]> {
  const emitted = join(folder, '.emitted')
  rmSync(folder, { recursive: true, force: true })
  compile(emitted)
  const built: BuiltPackage[] = []
  for (const name of readdirSync(path('packages'))) {
    built.push(buildPackage(name, join(emitted, name, 'src'), join(folder, name)))
  }
  rmSync(emitted, { recursive: true })
  const { buildConsole } = await import('../../packages/console/src/bundle.ts')
  await buildConsole(join(folder, 'console', 'dist', 'assets'))
  return built
}

function compile(outDir: string): void {
  const args = ['-p', 'tsconfig.build.json', '--outDir', outDir]
  execFileSync(path('node_modules', '.bin', 'tsc'), args, { cwd: path(), stdio: ['ignore', 'inherit', 'inherit'] })
}

function buildPackage(name: string, emitted: string, folder: string): BuiltPackage {
  const source = path('packages', name)
  mkdirSync(folder)
  cpSync(emitted, join(folder, 'dist'), { recursive: true })
  if (existsSync(join(source, 'bin'))) cpSync(join(source, 'bin'), join(folder, 'bin'), { recursive: true })
  cpSync(join(source, 'README.md'), join(folder, 'README.md'))
  cpSync(path('LICENSE'), join(folder, 'LICENSE'))
  const manifest: Manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
  return { name: manifest.name, folder }
}
