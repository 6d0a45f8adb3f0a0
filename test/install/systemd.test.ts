// The systemd units: as systemd reads them, as its own tool judges them, and at work on a machine with systemd.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runOnMachine, whyNoMachine } from './systemd/machine.ts'

const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const ANALYZE = '/usr/bin/systemd-analyze'

const units: [name: string, mostExposure: number, args: string[]][] = [
  ['opencpns-server', 1.3, ['server', 'install', '--dry-run', '--', '--listen', '0.0.0.0:7410']],
  [
    'opencpns-gateway',
    1.4,
    ['gateway', 'install', '--dry-run', '--', '--server', 'a:7410', '--credential', '/etc/gw.json'],
  ],
  ['low', 1.8, ['server', 'install', '--dry-run', '--name', 'low', '--', '--listen', '0.0.0.0:741']],
]

test('systemd understands the units, and finds little that they leave open', async (t) => {
  if (!existsSync(ANALYZE)) return t.skip(`${ANALYZE} is not there (Debian: systemd)`)
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-units-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, mostExposure, args] of units) {
    const unit = join(folder, `${name}.service`)
    const text = execFileSync(process.execPath, [LAUNCHER, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    writeFileSync(unit, text)
    const { stderr } = spawnSync(ANALYZE, ['verify', unit], { encoding: 'utf8' })
    assert.doesNotMatch(stderr, new RegExp(`${name}\\.service`), stderr)
    const security = spawnSync(ANALYZE, ['security', '--offline=true', unit], { encoding: 'utf8' }).stdout
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(security)?.[1])
    t.diagnostic(`${name}: exposure ${exposure} of 10`)
    assert.ok(exposure <= mostExposure, security)
  }
})

test('on a machine with systemd: from nothing to a session, hardened, watched, and rekeyed by root', {
  timeout: 900_000,
}, async (t) => {
  const why = whyNoMachine()
  if (why !== undefined) return t.skip(why)
  const printed = await runOnMachine(fileURLToPath(new URL('systemd/day.sh', import.meta.url)))
  const facts = Object.fromEntries(
    [...printed.matchAll(/^FACT ([\w-]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  )
  assert.equal(facts['end'], 'reached', printed)
  const { session = '{}', ...others } = facts
  assert.equal(JSON.parse(session).case, 'local', printed)
  assert.deepEqual(
    others,
    {
      server: 'active',
      'server-status': 'CPNS Server: gateways connect to 127.0.0.1:7410, the admin API is at 127.0.0.1:7412',
      'server-user': 'opencpns-server',
      gateway: 'active',
      backup: '600',
      'sees-home': '0',
      'may-write': '1',
      capabilities: '0000000000000000 1',
      seccomp: '2',
      'restarts-while-alive': '0',
      'restarts-after-a-hang': '1',
      'after-rekey': 'active',
      'with-an-open-key': 'exit-code 5 0',
      units: '0',
      data: '/var/lib/opencpns-server/cpns.db',
      end: 'reached',
    },
    printed,
  )
})
