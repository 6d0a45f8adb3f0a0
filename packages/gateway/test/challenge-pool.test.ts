import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ChallengePool, type Challenges } from '../src/upstream/challenge-pool.ts'

/** A server that numbers its challenges, answers when told to, and a clock that is moved by hand. */
function poolWithServer(size = 8, lifetimeS = 300) {
  const asked: { count: number; answer(): void; fail(error: Error): void }[] = []
  const clock = { ms: 0 }
  let issued = 0
  const pool = new ChallengePool({
    size,
    now: () => clock.ms,
    fetch: (count) =>
      new Promise<Challenges>((resolve, reject) => {
        const answer = () => resolve({ challenges: Array.from({ length: count }, () => number(issued++)), lifetimeS })
        asked.push({ count, answer, fail: reject })
      }),
  })
  const answerAll = async () => {
    while (asked.length > 0) {
      for (const one of asked.splice(0)) one.answer()
      await turn()
    }
  }
  return { pool, asked, clock, answerAll }
}

function number(n: number): Uint8Array {
  const eap = Buffer.alloc(8)
  eap.writeUInt32BE(n)
  return eap
}

test('an empty pool asks the server, and says so; a filled one answers at once', async (t) => {
  const { pool, answerAll } = poolWithServer()
  t.after(() => pool.close())
  const first = pool.take()
  await answerAll()
  assert.deepEqual(await first, { eap: number(0), fetched: true })
  assert.deepEqual(pool.take(), { eap: number(1), fetched: false })
})

test('no challenge is given out twice, however many ask at once', async (t) => {
  const { pool, answerAll } = poolWithServer(8)
  t.after(() => pool.close())
  const taken = Array.from({ length: 100 }, () => pool.take())
  await answerAll()
  const challenges = (await Promise.all(taken)).map(({ eap }) => Buffer.from(eap).toString('hex'))
  assert.equal(new Set(challenges).size, 100)
})

test('those who wait are all asked for at once, not one round trip after another', (t) => {
  const { pool, asked } = poolWithServer(8)
  t.after(() => pool.close())
  for (let n = 0; n < 32; n++) void pool.take()
  assert.ok(asked.reduce((sum, one) => sum + one.count, 0) >= 32)
  assert.ok(asked.every((one) => one.count <= 8))
})

test('below half it fills itself in the background, once', async (t) => {
  const { pool, asked, answerAll } = poolWithServer(8)
  t.after(() => pool.close())
  pool.fill()
  await answerAll()
  for (let n = 0; n < 4; n++) pool.take()
  assert.equal(asked.length, 0, 'half is enough')
  pool.take()
  assert.deepEqual(
    asked.map((one) => one.count),
    [5],
  )
  pool.take()
  assert.equal(
    asked.reduce((sum, one) => sum + one.count, 0),
    6,
    'what is on its way counts',
  )
  await answerAll()
  assert.equal(pool.available, 8)
})

test('a challenge near the end of its life is not given out', async (t) => {
  const { pool, clock, answerAll } = poolWithServer(8, 300)
  t.after(() => pool.close())
  pool.fill()
  await answerAll()
  clock.ms = 269_999
  assert.equal((await pool.take()).fetched, false)
  clock.ms = 270_000
  const late = pool.take()
  assert.equal(pool.available, 0)
  await answerAll()
  assert.equal((await late).fetched, true)
})

test('a cleared pool gives out nothing of before, neither held nor on its way', async (t) => {
  const { pool, asked, answerAll } = poolWithServer(4)
  t.after(() => pool.close())
  pool.fill()
  await answerAll()
  pool.take()
  pool.take()
  pool.take()
  const onItsWay = asked.splice(0)
  pool.clear()
  assert.equal(pool.available, 0)
  for (const one of onItsWay) one.answer()
  await turn()
  assert.equal(pool.available, 0)
  await answerAll()
  assert.equal(pool.available, 4)
})

test('whoever waits hears of the failure, and the next one asks anew', async (t) => {
  const { pool, asked, answerAll } = poolWithServer()
  t.after(() => pool.close())
  const refused = assert.rejects(Promise.resolve(pool.take()), /away/)
  for (const one of asked.splice(0)) one.fail(new Error('away'))
  await refused
  const next = pool.take()
  await answerAll()
  assert.equal((await next).fetched, true)
})

test('a server that issues none is not asked for ever', async (t) => {
  let asked = 0
  const pool = new ChallengePool({ size: 8, fetch: async () => ({ challenges: [], lifetimeS: asked++ }) })
  t.after(() => pool.close())
  await assert.rejects(Promise.resolve(pool.take()), /no challenge/)
  assert.ok(asked <= 2)
})
