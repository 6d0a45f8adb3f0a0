// Makes the console's files from their sources, in memory: with esbuild, which a published package does not need any more.
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildResult, OutputFile } from 'esbuild'
import { type Asset, type Assets, makeAsset, writeBuilt } from './assets.ts'
import { page } from './document.ts'

const SOURCES = fileURLToPath(new URL('./page/', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
}

/** The sources of the console cannot be bundled: the message is esbuild's. */
class ConsoleBundleError extends Error {
  override readonly name = 'ConsoleBundleError'
  readonly code = 'CONSOLE_BUNDLE_FAILED'
}

/** @throws {ConsoleBundleError} */
export async function bundle(): Promise<Assets> {
  const { outputFiles: files = [], metafile } = await runEsbuild()
  const assets = new Map<string, Asset>()
  for (const { path, contents } of files) assets.set(pathOf(path), await makeAsset(contents, typeOf(path), true))
  const licences = await makeAsset(await readLicences(Object.keys(metafile?.inputs ?? {})), TYPES['txt'] ?? '', false)
  assets.set('/assets/licences.txt', licences)
  assets.set('/', await makeAsset(Buffer.from(page(entryPaths(files))), 'text/html; charset=utf-8', false))
  return assets
}

/** Writes the files of the console where a published package looks for them: `assets` beside its `index.js`. */
export async function buildConsole(outDir: string): Promise<void> {
  await writeBuilt(outDir, await bundle())
}

async function runEsbuild(): Promise<BuildResult> {
  const { build, stop } = await import('esbuild')
  try {
    return await build({
      entryPoints: ['main.tsx', 'styles/main.css', 'mark.svg'].map((file) => join(SOURCES, file)),
      absWorkingDir: SOURCES,
      bundle: true,
      splitting: true,
      format: 'esm',
      target: 'es2023',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      loader: { '.svg': 'copy' },
      entryNames: '[name]-[hash]',
      chunkNames: '[name]-[hash]',
      minify: true,
      legalComments: 'none',
      logLevel: 'silent',
      metafile: true,
      write: false,
      outdir: join(SOURCES, 'assets'),
    })
  } catch (cause) {
    throw new ConsoleBundleError(cause instanceof Error ? cause.message : String(cause), { cause })
  } finally {
    // Its helper process would stay with the server for ever.
    await stop()
  }
}

function entryPaths(files: readonly OutputFile[]) {
  const find = (pattern: RegExp) => pathOf(files.find(({ path }) => pattern.test(basename(path)))?.path ?? '')
  return { script: find(/^main-.*\.js$/), style: find(/^main-.*\.css$/), icon: find(/^mark-.*\.svg$/) }
}

function pathOf(file: string): string {
  return `/assets/${basename(file)}`
}

function typeOf(file: string): string {
  return TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

/** The licences of what is in the bundle, as they ask for. */
async function readLicences(inputs: readonly string[]): Promise<Uint8Array> {
  const packages = inputs.map((input) => /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input))
  const folders = new Map(packages.flatMap((match) => (match ? [[match[2] ?? '', match[1] ?? '']] : [])))
  const texts = [...folders].sort().map(async ([name, folder]) => {
    const text = await readFile(join(SOURCES, folder, 'LICENSE'), 'utf8')
    return `${name}\n\n${text.trim()}\n`
  })
  return Buffer.from((await Promise.all(texts)).join(`\n${'-'.repeat(72)}\n\n`))
}
