// docs/tutorial.md does what it says: its commands, as they stand there, in one shell. `npx` is left out of them, for it would
// start npm each time, and look for a published package outside a checkout.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/ports.ts'

const TIMEOUT_MS = 300_000
const tutorial = readFileSync(new URL('../../docs/tutorial.md', import.meta.url), 'utf8')
const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))

/** Jobs as in a shell that a person types into; whatever happens, none is left. */
const PREAMBLE = `set -eum
trap 'for job in $(jobs -p); do kill -KILL -- "-$job" 2> /dev/null || true; done' EXIT
trap 'exit 99' TERM`

const needed = ['bash', 'jq', 'mosquitto', 'mosquitto_pub', 'mosquitto_sub']
const path = [process.env['PATH'], '/usr/sbin'].join(delimiter)
const missing = needed.filter((program) => spawnSync('which', [program], { env: { PATH: path } }).status !== 0)
const skip = missing.length > 0 && `not installed: ${missing.join(', ')} (apt install mosquitto mosquitto-clients jq)`

async function placesOfOurOwn(): Promise<Record<string, string>> {
  const names = ['SERVER', 'ADMIN', 'HOME_GW', 'HOTEL_GW', 'BROKER_PORT', 'SENSOR_PORT']
  const places = names.map(async (name) => {
    const port = await freePort()
    return [name, name.endsWith('_PORT') ? `${port}` : `127.0.0.1:${port}`] as const
  })
  return Object.fromEntries(await Promise.all(places))
}

test('docs/tutorial.md, from nothing to a sensor that publishes at home and away', {
  skip,
  timeout: TIMEOUT_MS + 10_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-tutorial-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`, { mode: 0o755 })
  const commands = [...tutorial.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  assert.ok(commands.length >= 10)

  const env = { ...process.env, ...(await placesOfOurOwn()), NO_COLOR: '1' }
  const PATH = [bin, dirname(process.execPath), path].join(delimiter)
  const script = [PREAMBLE, ...commands].join('\n')
  const shell = spawn('bash', ['-c', script], { cwd: folder, env: { ...env, PATH } })
  const end = () => shell.kill()
  t.after(end)
  const late = setTimeout(end, TIMEOUT_MS)
  const closed = once(shell, 'close')
  const [stdout, stderr] = await Promise.all([text(shell.stdout), text(shell.stderr)])
  const [code] = await closed
  clearTimeout(late)
  const log = (name: string) => readFileSync(join(folder, name), 'utf8')
  assert.equal(code, 0, `${stdout}\n${stderr}\n${code === 99 ? log('sensor.log') : ''}`)
  const heard = stdout.split('\n').filter((line) => /^\d\d\.\d$/.test(line))
  assert.deepEqual(heard, ['21.5', '19.0'])
  assert.match(
    log('sensor.log'),
    /Connected to home-gw@example\.org .*: local case.*Connected to hotel-gw@example\.org .*: remote case/s,
  )
})
