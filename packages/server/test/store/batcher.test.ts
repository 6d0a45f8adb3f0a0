// Small requests as large ones: who goes with whom, and that one's failure is not another's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../../test/support/until.ts'
import { Batcher } from '../../src/store/postgres/batcher.ts'
import { toPostgresError } from '../../src/store/postgres/errors.ts'

/** A batcher whose runs end when they are told to. */
function held(options: { max?: number; parallel?: number } = {}) {
  const runs: { inputs: number[]; end: (outcome?: Error) => void }[] = []
  const run = (inputs: number[]) =>
    new Promise<PromiseSettledResult<number>[]>((resolve, reject) => {
      const end = (outcome?: Error) =>
        outcome ? reject(outcome) : resolve(inputs.map((value) => ({ status: 'fulfilled', value: value * 10 })))
      runs.push({ inputs, end })
    })
  return { runs, batcher: new Batcher({ run, max: 3, parallel: 1, ...options }) }
}

const turn = () => new Promise(setImmediate)
const begun = (runs: unknown[], count: number) => until(() => runs.length === count)

test('what comes in one turn goes together, what comes while that is under way goes next', async () => {
  const { runs, batcher } = held()
  const answers = [batcher.add(1), batcher.add(2)]
  await turn()
  answers.push(batcher.add(3), batcher.add(4))
  await turn()
  assert.deepEqual(
    runs.map(({ inputs }) => inputs),
    [[1, 2]],
  )
  runs[0]?.end()
  assert.deepEqual(await Promise.all(answers.slice(0, 2)), [10, 20])
  await turn()
  runs[1]?.end()
  assert.deepEqual(await Promise.all(answers), [10, 20, 30, 40])
  assert.deepEqual(
    runs.map(({ inputs }) => inputs),
    [
      [1, 2],
      [3, 4],
    ],
  )
})

test('no run has more inputs than it may, and no more runs are under way than may', async () => {
  const { runs, batcher } = held({ parallel: 2 })
  const answers = [1, 2, 3, 4, 5, 6, 7].map((input) => batcher.add(input))
  for (let i = 0; i < 5; i++) await turn()
  assert.deepEqual(
    runs.map(({ inputs }) => inputs),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  )
  runs[1]?.end()
  await answers[3]
  await begun(runs, 3)
  assert.deepEqual(runs[2]?.inputs, [7])
  for (const { end } of runs) end()
  assert.deepEqual(await Promise.all(answers), [10, 20, 30, 40, 50, 60, 70])
})

test('a run that fails fails those in it, and those after it go on', async () => {
  const { runs, batcher } = held()
  const failing = [batcher.add(1), batcher.add(2)]
  await turn()
  const next = batcher.add(3)
  runs[0]?.end(new Error('lost'))
  for (const answer of failing) await assert.rejects(answer, { message: 'lost' })
  await begun(runs, 2)
  runs[1]?.end()
  assert.equal(await next, 30)
})

test('an input may be refused alone', async () => {
  const run = async (inputs: number[]): Promise<PromiseSettledResult<number>[]> =>
    inputs.map((value) =>
      value === 2 ? { status: 'rejected', reason: new Error('two') } : { status: 'fulfilled', value },
    )
  const batcher = new Batcher({ run, max: 10, parallel: 1 })
  const [one, two, three] = await Promise.allSettled([1, 2, 3].map((input) => batcher.add(input)))
  assert.deepEqual([one?.status, two?.status, three?.status], ['fulfilled', 'rejected', 'fulfilled'])
})

test('when what is refused may be one of many, each is tried alone, and none waits for another', async () => {
  const { runs, batcher } = held()
  const answers = [1, 2].map((input) => batcher.add(input))
  await turn()
  runs[0]?.end(toPostgresError(Object.assign(new Error(), { code: '23505' })))
  await begun(runs, 3)
  assert.deepEqual(
    runs.slice(1).map(({ inputs }) => inputs),
    [[1], [2]],
  )
  runs[2]?.end()
  assert.equal(await answers[1], 20)
  const next = batcher.add(3)
  await begun(runs, 4)
  runs[3]?.end()
  assert.equal(await next, 30)
  runs[1]?.end(new Error('one'))
  await assert.rejects(answers[0] ?? next, { message: 'one' })
})

test('what was asked for before the end is answered, what comes later is refused', async () => {
  const { runs, batcher } = held({ max: 1 })
  const answers = [1, 2].map((input) => batcher.add(input))
  let closed = false
  const closing = batcher.close().then(() => {
    closed = true
  })
  await assert.rejects(batcher.add(3), { code: 'STORE_CLOSED' })
  await turn()
  runs[0]?.end()
  await begun(runs, 2)
  assert.equal(closed, false)
  runs[1]?.end()
  assert.deepEqual(await Promise.all(answers), [10, 20])
  await closing
})

test('when too many wait the next one is refused at once', async () => {
  const { runs, batcher } = held({ max: 10_000 })
  void batcher.add(0)
  await turn()
  const waiting = Array.from({ length: 10_000 }, (_, at) => batcher.add(at))
  await assert.rejects(batcher.add(1), { code: 'STORE_BUSY' })
  runs[0]?.end()
  await begun(runs, 2)
  runs[1]?.end()
  assert.equal((await Promise.all(waiting)).length, 10_000)
})
