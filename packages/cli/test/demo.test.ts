import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { after, type TestContext, test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { widthOf } from '../src/terminal/text.ts'
import { opencpns, outcome, start, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
process.env['TMPDIR'] = folder.path()
after(folder.remove)

/** What a demo left behind in its temporary folder; Node's compile cache is no trace of it. */
const leftovers = () => readdirSync(folder.path()).filter((name) => name.startsWith('opencpns-'))

test('demo --json: three sessions, measured', async () => {
  const { code, stdout, stderr } = await opencpns('demo', '--json')
  assert.equal(code, 0, stderr)
  const story = JSON.parse(stdout)
  assert.deepEqual(Object.keys(story), ['local', 'remote', 'offline'])
  const expected = {
    local: ['local', 0, 'home-gw'],
    remote: ['remote', 1, 'visited-gw'],
    offline: ['local', 0, 'home-gw'],
  }
  for (const [name, [theCase, roundTrips, gateway]] of Object.entries(expected)) {
    const session = story[name]
    assert.equal(session.result, 'success')
    assert.equal(session.case, theCase)
    assert.equal(session.gateway, `${gateway}@example.org`)
    assert.equal(session.serverRoundTrips, roundTrips)
    assert.equal(session.bytesEchoed, 1048576)
    assert.match(session.sha256, /^[0-9a-f]{64}$/)
    assert.match(session.sessionId, /^[\w-]{22}$/)
    assert.equal(session.tls.version, 'TLSv1.3')
    assertSteps(session.steps, theCase === 'local' ? [1, 2, 7, 8] : [1, 2, 3, 4, 5, 6, 7, 8])
  }
  assert.equal(new Set([story.local, story.remote, story.offline].map(({ sessionId }) => sessionId)).size, 3)
  assert.deepEqual(leftovers(), [])
})

function assertSteps(steps: Record<string, unknown>[], numbers: number[]): void {
  assert.deepEqual(
    steps.map(({ step }) => step),
    numbers,
  )
  let before = 0
  for (const { from, to, message, ms, atMs } of steps) {
    for (const text of [from, to, message]) assert.equal(typeof text, 'string')
    assert.ok(typeof ms === 'number' && ms >= 0)
    assert.ok(typeof atMs === 'number' && atMs >= before && atMs < 3_600_000) // since the beginning, not since the epoch
    before = atMs
  }
}

test('demo for people: three diagrams on stdout, progress on stderr, nothing left behind', async () => {
  const { code, stdout, stderr } = await opencpns('demo')
  assert.equal(code, 0, stderr)
  assert.equal(stdout.match(/│ CPNS Server │/g)?.length, 3)
  assert.equal(stdout.match(/1 MiB echoed, SHA-256 equal/g)?.length, 3)
  assert.match(stdout, /1 round trip to the server, at visited-gw@example\.org/)
  for (const line of stdout.split('\n')) assert.ok(widthOf(line) <= 100, line)
  assert.doesNotMatch(stdout, new RegExp(String.fromCharCode(27)))
  assert.match(stderr, /starting a CPNS Server\n.*starting two gateways/)
  assert.deepEqual(leftovers(), [])
})

test('a demo that is interrupted cleans up and says by its exit code that it did not finish', async (t) => {
  const { child, over } = await heldWhenItSays(t, 'starting two gateways')
  assert.equal(leftovers().length, 1)
  child.kill('SIGINT')
  child.kill('SIGCONT')
  assert.equal((await over).code, 130)
  assert.deepEqual(leftovers(), [])
})

/** A demo that stops itself (SIGSTOP) as soon as it has said `what`, so that it is there and nowhere else. */
async function heldWhenItSays(t: TestContext, what: string) {
  const hold = `const { write } = process.stderr
    process.stderr.write = function (text, ...more) {
      const isWritten = write.call(this, text, ...more)
      if (String(text).includes('${what}')) process.kill(process.pid, 'SIGSTOP')
      return isWritten
    }`
  const before = process.env['NODE_OPTIONS']
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(hold)}`
  const child = start('demo')
  if (before === undefined) delete process.env['NODE_OPTIONS']
  else process.env['NODE_OPTIONS'] = before
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
  })
  const over = outcome(child)
  await until(() => said.includes(what) && stateOf(child.pid) === 'T', `it never said ${what}`, 120_000)
  return { child, over }
}

/** As `ps` tells it: T for one that is stopped. */
function stateOf(pid = 0): string {
  return execFileSync('ps', ['-o', 'state=', '-p', String(pid)])
    .toString()
    .trim()
}

const noProc = !existsSync('/proc/self/cmdline') && 'finds processes by /proc'

test('a demo that is killed leaves no process behind', { skip: noProc }, async (t) => {
  const { child, over } = await heldWhenItSays(t, 'pairing a device')
  assert.equal(childrenOfDemos().length, 3)
  child.kill('SIGKILL')
  await until(() => childrenOfDemos().length === 0)
  assert.equal((await over).code, null)
})

/** Processes that were started with a path in this test's temporary folder. */
function childrenOfDemos(): string[] {
  const commandLines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLineOf)
  return commandLines.filter((line) => line.includes(folder.path('opencpns-demo-')))
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended meanwhile
  }
}
