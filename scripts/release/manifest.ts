// The package.json of a published package. In the checkout `exports` names sources, which Node runs as they are; published,
// it names what was built from them, for Node strips no types below node_modules.

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly type: string
  readonly engines: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

/** A conditional export: where the declarations are, and where the JavaScript is. */
interface Target {
  readonly types: string
  readonly default: string
}

/** Only what users of the package need; each export with its declarations. */
export function publishedManifest({
  name,
  version,
  description,
  license,
  type,
  engines,
  bin,
  exports,
  dependencies,
}: Manifest) {
  const targets = Object.entries(exports ?? {}).map(([subpath, source]) => [subpath, targetOf(source)] as const)
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    ...(bin && { bin }),
    exports: Object.fromEntries(targets),
    files: [...(bin ? ['bin'] : []), 'dist'],
    ...(dependencies && { dependencies }),
    publishConfig: { access: 'public' },
  }
}

/** `./src/index.ts` is `./dist/index.js`, and `./dist/index.d.ts` to the compiler. @throws {Error} another form */
function targetOf(source: string): Target {
  const [, path] = /^\.\/src\/(.+)\.ts$/.exec(source) ?? []
  if (path === undefined) throw new Error(`an export is not of the form ./src/NAME.ts: ${source}`)
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }
}
