// docs/operations.md: its commands do what they say, its links lead somewhere, and no alert is left out.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/ports.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = join(root, 'docs/operations.md')
const document = readFileSync(file, 'utf8')
const LAUNCHER = join(root, 'packages/cli/bin/opencpns.js')
/** Some thirty commands, a second each or several on a machine that does other things: only what hangs takes so long. */
const TIMEOUT_MS = 600_000
/** Written out in the document, for readers; taken on many machines. */
const ports = [7410, 7411, 7412]

/** Anchors of a document, as the renderers of Git hosts make them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link leads to a file that is there, and to a heading of it', () => {
  const links = [...document.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
  assert.ok(links.length > 30)
  for (const [link, path = '', anchor] of links) {
    const target = path === '' ? file : resolve(dirname(file), path)
    assert.ok(existsSync(target), link)
    if (anchor !== undefined) assert.ok(anchorsOf(readFileSync(target, 'utf8')).includes(anchor), link)
  }
})

test('every alert is explained', () => {
  const rules = readFileSync(join(root, 'docs/operations/alerts.yaml'), 'utf8')
  const alerts = [...rules.matchAll(/alert: (\w+)\n[\s\S]*?runbook: docs\/(\S+)/g)]
  assert.ok(alerts.length >= 10)
  for (const [, name, runbook] of alerts)
    assert.ok(document.includes(`| [${name}](${runbook}) |`), `${name}, ${runbook}`)
})

test('its commands, as they stand there', { timeout: TIMEOUT_MS + 20_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-operations-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`
  writeFileSync(join(folder, 'bin', 'opencpns'), shim, { mode: 0o755 })

  let commands = [...document.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block).join('\n')
  for (const port of ports) commands = commands.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`)
  // `kill %1` wants job control; jobs end with the script.
  const script = `set -euo pipefail -m\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${commands}`
  const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
  const shell = spawn('bash', ['-c', script], { cwd: folder, env: { ...process.env, PATH, NO_COLOR: '1' } })
  const late = setTimeout(() => shell.kill(), TIMEOUT_MS)
  t.after(() => shell.kill())
  const closed = once(shell, 'close')
  const [stdout, stderr] = await Promise.all([text(shell.stdout), text(shell.stderr)])
  const [code] = await closed
  clearTimeout(late)
  const log = existsSync(join(folder, 'server.log')) ? readFileSync(join(folder, 'server.log'), 'utf8') : ''
  assert.equal(code, 0, `${stdout}\n${stderr}\n${log}`)
  assert.match(stdout, /^The backup of example\.org is in backups\/cpns-.* It was read again and is good\.$/m)
  assert.match(stdout, /^restored is example\.org as it was /m)
  assert.match(stdout, /^server\/master\.key is new: 2 sealed values are under it\.$/m)
  assert.doesNotMatch(stdout, /^(fail|warn) +(server|gateway|network)/m)
  assert.equal(readdirSync(join(folder, 'backups')).length, 2)
})
