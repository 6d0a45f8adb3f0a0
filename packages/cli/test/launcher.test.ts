import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { after, test } from 'node:test'
import { launcher, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
after(folder.remove)

/** A Node that is too old, where the machine has one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  return existsSync(node) && Number(execFileSync(node, ['-p', 'parseInt(process.versions.node)'])) < 24
})
const skip = oldNode === undefined && 'needs a Node older than 24 at /usr/bin/node or /usr/local/bin/node'

function runOld(file: string, ...args: string[]) {
  return spawnSync(oldNode ?? '', [file, ...args], { encoding: 'utf8' })
}

test('an old Node starts the one of the checkout, with its output and exit code', { skip }, () => {
  const { status, stdout, stderr } = runOld(launcher, '--version')
  assert.deepEqual([status, stdout, stderr], [0, '0.1.0\n', ''])
  assert.equal(runOld(launcher, 'serve').status, 2)
})

test('an old Node without a newer one at hand says what to do', { skip }, () => {
  mkdirSync(folder.path('bin'))
  cpSync(launcher, folder.path('bin', 'opencpns.mjs'))
  const { status, stdout, stderr } = runOld(folder.path('bin', 'opencpns.mjs'), '--version')
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(
    stderr,
    /^opencpns: cannot run on Node \d+\S+: it needs Node 24 or newer\. Install that, or run npm ci .*\n$/,
  )
})
