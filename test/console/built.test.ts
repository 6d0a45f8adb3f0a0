// What a published package has is what a checkout makes.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { consoleAssets } from '@opencpns/console'
import { readBuilt } from '../../packages/console/src/assets.ts'
import { buildConsole } from '../../packages/console/src/bundle.ts'

test('the built files are read back as they were made, compressed ones beside them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-console-'))
  t.after(() => rm(folder, { recursive: true }))
  await buildConsole(folder)
  const [made, read] = await Promise.all([consoleAssets(), readBuilt(folder)])
  const plain = (of: typeof made) => [...of].map(([path, asset]) => [path, { ...asset, body: Buffer.from(asset.body) }])
  assert.deepEqual(plain(read), plain(made))
  for (const [path, { body, br, gzip }] of read) {
    if (br) assert.deepEqual(brotliDecompressSync(br), Buffer.from(body), path)
    if (gzip) assert.deepEqual(gunzipSync(gzip), Buffer.from(body), path)
  }
  const files = await readdir(folder)
  assert.ok(files.includes('index.html') && files.some((file) => /^main-\w+\.js\.br$/.test(file)), files.join())
})

test('a built folder without its list of files is refused, and not served in part', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-console-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  await assert.rejects(readBuilt(folder), { code: 'ENOENT' })
  await writeFile(join(folder, 'manifest.json'), JSON.stringify([{ path: '/', type: 'text/html', file: 'gone.html' }]))
  await assert.rejects(readBuilt(folder), { code: 'ENOENT' })
})

test('no source map and no name of a folder of the machine is in what is sent', async () => {
  for (const [path, { body }] of await consoleAssets()) {
    const text = Buffer.from(body).toString()
    assert.ok(!/sourceMappingURL|node_modules|file:\/\//.test(text) && !text.includes(import.meta.dirname), path)
  }
})
