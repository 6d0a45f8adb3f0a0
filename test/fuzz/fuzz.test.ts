// A short run of the fuzzer, as it is run by hand for longer: npm run fuzz.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

function fuzz(...args: string[]): Promise<{ code: unknown; stdout: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout) => resolve({ code: error?.code ?? 0, stdout }))
  })
}

const PASSED = /^fuzz: passed: (\d+) packets, (\d+) decoded, (\d+) refused, .*--seed (\d+)$/m

test('200,000 packets: nothing but values and errors of the codec, and no growth of memory', async () => {
  const { code, stdout } = await fuzz('--seed', '1', '--count', '200000')
  assert.equal(code, 0, stdout)
  const [, packets, decoded, refused, seed] = PASSED.exec(stdout)?.map(Number) ?? []
  assert.deepEqual([packets, seed], [200_000, 1])
  // Fuzzing that gets nowhere, or nowhere else, would pass for ever.
  assert.ok(decoded && decoded > 20_000 && refused && refused > 20_000, stdout)
})

test('the same seed gives the same packets, another one others', async () => {
  const counts = async (seed: string) =>
    PASSED.exec((await fuzz('--seed', seed, '--count', '5000')).stdout)?.slice(1, 4)
  const [once, again, other] = [await counts('7'), await counts('7'), await counts('8')]
  assert.equal(once?.[0], '5000')
  assert.deepEqual(again, once)
  assert.notDeepEqual(other, once)
})

test('a count that is no number is wrong usage', async () => {
  const { code, stdout } = await fuzz('--count', 'many')
  assert.equal(code, 2)
  assert.match(stdout, /--count takes a whole number, not "many"/)
})
