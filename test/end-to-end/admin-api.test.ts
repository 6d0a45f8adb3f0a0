// docs/admin-api.md does what it says: its commands, as they stand there, in one shell, beside a server and a gateway that run.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { readAdminAccess } from '@opencpns/server'
import { until } from '../support/until.ts'
import { Machine } from './processes.ts'

const missing = ['bash', 'curl', 'jq'].filter((program) => spawnSync('which', [program]).status !== 0)
const skip = missing.length > 0 && `not installed: ${missing.join(', ')} (apt install curl jq)`

/** The blocks of code, and what each printed. */
async function follow(blocks: readonly string[], cwd: string): Promise<string[]> {
  const mark = '=== next block ==='
  const script = ['set -euo pipefail', ...blocks.map((block) => `${block}\necho; echo '${mark}'`)].join('\n')
  const shell = spawn('bash', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(shell, 'close')
  const [stdout, stderr] = await Promise.all([text(shell.stdout), text(shell.stderr)])
  const [code] = await closed
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  return stdout.split(mark)
}

/** How many gateways the server counts. */
async function gatewaysOf(dataDir: string): Promise<{ connected: number }> {
  const { url, token } = await readAdminAccess(dataDir)
  const response = await fetch(`${url}/v1/overview`, { headers: { authorization: `Bearer ${token}` } })
  return ((await response.json()) as { gateways: { connected: number } }).gateways
}

test('docs/admin-api.md: its commands, in order', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'opencpns-admin-api-'))
  const machine = new Machine()
  t.after(async () => {
    await machine.close()
    await rm(folder, { recursive: true, force: true })
  })
  const at = (name: string) => join(folder, name)
  await machine.opencpns('server', 'init', '--realm', 'example.org', '--data', at('server'))
  const anyPort = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const server = await machine.start('server', 'run', '--data', at('server'), ...anyPort)
  const { cpns } = (await server.document(() => true))['listen'] as { cpns: string }
  await machine.opencpns('admin', 'user', 'add', 'alice', '--data', at('server'))
  const credential = ['--out', at('home-gw.json'), '--data', at('server')]
  await machine.opencpns('admin', 'gateway', 'add', 'home-gw', '--user', 'alice', ...credential)
  const link = ['--server', cpns, '--credential', at('home-gw.json')]
  await machine.start('gateway', 'run', '--data', at('home-gw'), ...link, '--listen', '127.0.0.1:0')
  await until(async () => (await gatewaysOf(at('server'))).connected === 1, 'the gateway reaches no server', 60_000)

  const page = await readFile(new URL('../../docs/admin-api.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  const printed = await follow(blocks, folder)
  const of = (words: string) => printed[blocks.findIndex((block) => block.includes(words))] ?? ''

  const jsonOf = (words: string) =>
    of(words)
      .trim()
      .split(/\n(?=\{)|(?<=\})(?=\{)/)
      .map((one) => JSON.parse(one))
  assert.deepEqual(jsonOf('pnes, registered')[0].gateways, { connected: 1, disconnected: 0, revoked: 0 })
  const [first, again] = jsonOf('order-4711')
  assert.deepEqual([first.name, again], ['bob', first])
  const [changed, refused] = jsonOf('If-Match')
  assert.deepEqual([changed.policy.roaming, refused.code], ['none', 'CHANGED_MEANWHILE'])
  const [, example = ''] = /^```json\n(.*?)\n```$/ms.exec(page) ?? []
  assert.deepEqual(refused, JSON.parse(example))
  assert.match(of('gateways?user=alice'), /^home-gw@example\.org$/m)
  assert.match(of('--no-buffer'), /^event: overview\ndata: \{"at":/m)
  assert.equal(jsonOf('--request DELETE')[0].name, 'dashboard')
  assert.deepEqual(jsonOf('kitchen lamp')[0].state, 'open')
  assert.match(of('openapi.json'), /"status":"ready".*^\/v1\/overview$/ms)
})
