// The files of the web console, as the server sends them. A published package has them built, beside this module; a checkout
// bundles them from their sources when they are first asked for.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Assets, readBuilt } from './assets.ts'

export type { Asset, Assets } from './assets.ts'
export { consolePlaces } from './places.ts'

const built = fileURLToPath(new URL('./assets/', import.meta.url))

/**
 * The files by their path; `/` is the page itself, which every path below one of {@link consolePlaces} gets too.
 * @throws {ConsoleBundleError} a checkout whose sources cannot be bundled
 */
export function consoleAssets(): Promise<Assets> {
  making ??= make().catch((error: unknown) => {
    // A source that is broken now may be mended at the next request.
    making = undefined
    throw error
  })
  return making
}

let making: Promise<Assets> | undefined

async function make(): Promise<Assets> {
  if (existsSync(built)) return readBuilt(built)
  const { bundle } = await import('./bundle.ts')
  return bundle()
}
