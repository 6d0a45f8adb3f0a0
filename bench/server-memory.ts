// A process of its own for bench/server-request.ts: a server's registry on a data folder, LOOK_UPS look-ups of its PNEs, as
// many different ones as there are; prints MiB resident, apart from those MiB of files that are mapped, which the operating system
// takes back when it needs them, and how many ms it took to open the store. The address of a PostgreSQL
// store is in OPENCPNS_STORE.

import { readFileSync } from 'node:fs'
import { openDataFolder, Registry } from '@opencpns/server'

const LOOK_UPS = 10_000

const [dataDir] = process.argv.slice(2)
if (dataDir === undefined) throw new Error('which data folder?')
const begun = performance.now()
const { store, vault, realm } = await openDataFolder(dataDir, { store: process.env['OPENCPNS_STORE'] })
const openMs = performance.now() - begun
const registry = new Registry({ store, vault, realm })
let cursor: string | undefined
for (let done = 0; done < LOOK_UPS; ) {
  const page = await registry.listPnes({}, { limit: 100, cursor })
  for (const pne of page.items) await registry.findPeer(pne.secondSeed)
  done += page.items.length
  cursor = page.next ?? undefined
  await new Promise(setImmediate)
}
globalThis.gc?.()
const status = readFileSync('/proc/self/status', 'utf8')
const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
const mappedMiB = mib('RssFile')
process.stdout.write(JSON.stringify({ memoryMiB: mib('VmRSS') - mappedMiB, mappedMiB, openMs }))
registry.close()
await store.close()
