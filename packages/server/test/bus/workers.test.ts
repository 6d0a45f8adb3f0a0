// Between the processes of a server: one that has just died must not take the others along.
import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PrimaryBus } from '../../src/bus/workers.ts'

/** All its threads have ended, and with them its end of the channel. */
function isGone(pid: number): boolean {
  const [state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? ''
  return state === 'Z' && readdirSync(`/proc/${pid}/task`).length === 1
}

test('what is said to a worker that was killed a moment ago is lost, and nothing else', async () => {
  cluster.setupPrimary({ exec: fileURLToPath(new URL('idle-process.ts', import.meta.url)) })
  const worker = cluster.fork()
  await once(worker, 'online')
  process.kill(worker.process.pid as number, 'SIGKILL')
  while (!isGone(worker.process.pid as number)); // while this process is busy it hears nothing
  const bus = new PrimaryBus(() => [worker])
  assert.ok(worker.isConnected())
  for (let n = 0; n < 3; n++) bus.publish({ type: 'changed' })
  const [, signal] = await once(worker, 'exit')
  assert.equal(signal, 'SIGKILL')
  bus.publish({ type: 'changed' })
  await bus.close()
})
