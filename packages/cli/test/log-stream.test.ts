import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const module = JSON.stringify(new URL('../src/log-stream.ts', import.meta.url).href)

/** A process that does `body` with a LogStream `log` on its stderr. */
function writer(body: string, env: NodeJS.ProcessEnv = {}) {
  const program = `const { LogStream } = await import(${module}); const log = new LogStream(2); ${body}`
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
}

async function linesOf(stream: NodeJS.ReadableStream): Promise<string[]> {
  let text = ''
  for await (const piece of stream) text += piece
  return text.split('\n').slice(0, -1)
}

test('every line arrives, in order, also those of the last moment before an exit', { timeout: 60_000 }, async () => {
  const child = writer(`
    for (let i = 0; i < 2000; i++) log.write(i + '\\n')
    setTimeout(() => { for (let i = 2000; i < 3000; i++) log.write(i + '\\n'); process.exit(3) }, 100)`)
  const [lines, [code]] = await Promise.all([linesOf(child.stderr), once(child, 'exit')])
  assert.deepEqual(
    lines,
    Array.from({ length: 3000 }, (_, i) => String(i)),
  )
  assert.equal(code, 3)
})

test('a line that is written while one before it is under way comes after it, and no exit overtakes them', {
  timeout: 60_000,
}, async () => {
  const pool = { UV_THREADPOOL_SIZE: '1' }
  const child = writer(
    `
    const { pbkdf2 } = await import('node:crypto')
    log.write('first\\n')
    pbkdf2('a long way', 'ahead of the first line', 300_000, 32, 'sha256', () => {})
    setTimeout(async () => { log.write('last\\n'); await log.written(); process.exit(3) }, 40)`,
    pool,
  )
  const [lines, [code]] = await Promise.all([linesOf(child.stderr), once(child, 'exit')])
  assert.deepEqual([lines, code], [['first', 'last'], 3])
})

test('lines come while the process goes on, not only at its end', { timeout: 60_000 }, async () => {
  const child = writer(`log.write('now\\n'); setTimeout(() => {}, 60_000)`)
  const [first] = await once(child.stderr, 'data')
  assert.equal(String(first), 'now\n')
  child.kill()
  await once(child, 'exit')
})

test('a reader that went away neither ends the process nor keeps it from ending', { timeout: 60_000 }, async () => {
  const child = writer(`
    setInterval(() => log.write('x'.repeat(1000) + '\\n'), 1)
    setTimeout(() => { console.log('still here'); process.exit(0) }, 500)`)
  child.stderr.destroy()
  const [lines, [code, signal]] = await Promise.all([linesOf(child.stdout), once(child, 'exit')])
  assert.deepEqual([lines, code, signal], [['still here'], 0, null])
})

test('of what a slow reader leaves lying, whole lines are dropped and their number is told', {
  timeout: 60_000,
}, async () => {
  const child = writer(`
    const line = JSON.stringify({ n: 'x'.repeat(65_000) }) + '\\n'
    for (let i = 0; i < 200; i++) log.write(line)
    console.log('written')
    process.stdin.once('data', async () => {
      for (let i = 0; i < 10; i++) await log.written() // each waits for a second at most
      log.write('{"last":true}\\n')
      await log.written()
      process.exit(0)
    })`)
  await once(child.stdout, 'data')
  const lines: { n?: string; event?: string; lines?: number; last?: true }[] = []
  for await (const text of createInterface({ input: child.stderr })) {
    lines.push(JSON.parse(text))
    if (lines.length === 1) child.stdin.write('the reader has begun')
  }
  const dropped = lines.filter((line) => line.event === 'log-dropped').reduce((sum, { lines = 0 }) => sum + lines, 0)
  assert.ok(dropped > 100, `${dropped} were dropped`)
  assert.equal(lines.filter((line) => line.n).length + dropped, 200)
  assert.deepEqual(lines.at(-1), { last: true })
})

test('processes that share a pipe do not write into each other’s lines', { timeout: 60_000 }, async () => {
  const program = (letter: string) => `
    const { LogStream } = await import(${module}); const log = new LogStream(1, { isShared: true })
    const write = (i) => { for (let n = 0; n < 100; n++) log.write('${letter}'.repeat(700) + '\\n'); if (i < 20) setTimeout(write, 1, i + 1); else void rest() }
    const rest = async () => { for (let i = 0; i < 10; i++) await log.written() } // each waits for a second at most
    write(0)`
  const env = { ...process.env, A: program('a'), B: program('b'), NODE: process.execPath }
  const both = '"$NODE" --input-type=module -e "$A" & "$NODE" --input-type=module -e "$B" & wait'
  const shell = spawn('sh', ['-c', `( ${both} ) | cat`], { stdio: ['ignore', 'pipe', 'inherit'], env })
  const lines = await linesOf(shell.stdout)
  assert.equal(lines.length, 2 * 21 * 100)
  for (const line of lines) assert.match(line, /^(a{700}|b{700})$/)
})
