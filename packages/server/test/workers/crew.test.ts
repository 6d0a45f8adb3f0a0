// The workers of a server, as its primary keeps them: one that neither serves nor ends is not waited for for ever.
import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Logger, silent } from '@opencpns/io'
import { PrimaryBus } from '../../src/bus/workers.ts'
import { Crew } from '../../src/workers/crew.ts'

const READY_MS = 60_000
/** The longest pause before a worker is replaced. */
const PAUSE_MS = 10_000

/** A crew whose workers say what the test tells them to, while time stands still. */
function crewOf(t: TestContext, count: number, error: Logger['error'] = () => {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  cluster.setupPrimary({ exec: fileURLToPath(new URL('scripted-worker.ts', import.meta.url)) })
  const bus = new PrimaryBus(() => [])
  const crew = new Crew({ count, bus, logger: { ...silent, error } })
  const ended: (string | undefined)[] = []
  const forked: Worker[] = []
  const note = (worker: Worker) => {
    forked.push(worker)
    worker.once('exit', (_code, signal) => ended.push(signal))
  }
  cluster.on('fork', note)
  t.after(async () => {
    const stopped = crew.stop(0)
    t.mock.timers.tick(2000)
    await stopped
    cluster.off('fork', note)
  })
  return { crew, forked, ended }
}

async function turns(condition: () => boolean, each = () => {}): Promise<void> {
  while (!condition()) {
    each()
    await new Promise(setImmediate)
  }
}

/** The worker is there, and has said this. */
async function says(worker: Worker | undefined, message: object): Promise<void> {
  assert.ok(worker)
  const heard = once(worker, 'message')
  worker.send({ say: message })
  await heard
}

const ready = { opencpns: 'ready', addresses: {} }

test('a worker that does not serve within a minute ends the start, and is ended', async (t) => {
  const { crew, forked, ended } = crewOf(t, 2)
  const started = crew.start()
  const refused = assert.rejects(started, { code: 'WORKER_SILENT', message: /did not serve within 60 s/ })
  await turns(() => forked.length === 1) // alone at first
  await says(forked[0], ready)
  await turns(() => forked.length === 2)
  await says(forked[1], { opencpns: 'nothing of interest' })
  t.mock.timers.tick(READY_MS - 1)
  await new Promise(setImmediate)
  assert.equal(forked[1]?.process.killed, false, 'it has the whole minute')
  t.mock.timers.tick(1)
  await refused
  await turns(() => ended.length === 1)
  assert.deepEqual(ended, ['SIGKILL'])
  assert.equal(crew.ready, 1)
})

test('a replacement that does not serve, or fails and does not end, is replaced itself', async (t) => {
  const errors: unknown[] = []
  const { crew, forked, ended } = crewOf(t, 1, (facts) => errors.push(facts))
  const started = crew.start()
  await turns(() => forked.length === 1)
  await says(forked[0], ready)
  await started
  const replaced = async (): Promise<Worker | undefined> => {
    const count = forked.length
    await turns(
      () => forked.length > count,
      () => t.mock.timers.tick(PAUSE_MS),
    )
    return forked.at(-1)
  }
  forked[0]?.process.kill('SIGKILL')
  await turns(() => ended.length === 1)
  for (const last of [
    { opencpns: 'nothing of interest' },
    { opencpns: 'failed', code: 'STORE_BUSY', message: 'busy' },
  ]) {
    const worker = await replaced()
    await says(worker, last)
    const before = ended.length
    t.mock.timers.tick(READY_MS)
    await turns(() => ended.length > before)
    assert.equal(crew.ready, 0)
  }
  const last = await replaced()
  await says(last, ready)
  t.mock.timers.tick(READY_MS)
  assert.equal(crew.ready, 1)
  assert.equal(last?.process.killed, false)
  const codes = errors.map((facts) => (facts as { err?: { code: string } }).err?.code).filter(Boolean)
  assert.deepEqual(codes, ['WORKER_SILENT', 'STORE_BUSY'])
})

test('a worker that is late counts with what it said last; of one that is gone its sums stay', async (t) => {
  const { crew, forked, ended } = crewOf(t, 1)
  const started = crew.start()
  await turns(() => forked.length === 1)
  const [worker] = forked
  await says(worker, ready)
  await started
  /** What is known when its time is over. @param answer  what it says meanwhile, to which question */
  const metrics = async (answer?: { id: number; metrics: object[] }, by = worker) => {
    const counted = crew.metrics()
    if (answer) await says(by, { opencpns: 'metrics', ...answer })
    else t.mock.timers.tick(2000)
    return counted
  }
  assert.deepEqual(await metrics(), [], 'it has said nothing yet')
  assert.deepEqual(await metrics({ id: 2, metrics: [{ value: 1 }] }), [[{ value: 1 }]])
  assert.deepEqual(await metrics(), [[{ value: 1 }]])
  await says(worker, { opencpns: 'metrics', id: 3, metrics: [{ value: 2 }] })
  assert.deepEqual(await metrics(), [[{ value: 2 }]], 'an answer that comes too late is not lost')
  const row = (name: string, type: string, value: number, labels = {}) => ({
    ...{ name, type, help: name, aggregator: 'sum' },
    values: [{ value, labels }],
  })
  const rows = [row('seen', 'counter', 5, { by: 'one' }), row('open', 'gauge', 7)]
  await metrics({ id: 5, metrics: rows })
  for (const [count, value] of [5, 8].entries()) {
    forked[count]?.process.kill('SIGKILL')
    await turns(() => ended.length === count + 1)
    const [sums, ...others] = await metrics()
    assert.deepEqual(others, [])
    assert.deepEqual(JSON.parse(JSON.stringify(sums)), [row('seen', 'counter', value, { by: 'one' })])
    await turns(
      () => forked.length === count + 2,
      () => t.mock.timers.tick(PAUSE_MS),
    )
    await says(forked[count + 1], ready)
    const id = 7 + 2 * count
    assert.equal(
      (await metrics({ id, metrics: [row('seen', 'counter', 3, { by: 'one' })] }, forked[count + 1])).length,
      2,
    )
  }
})
