// Tabs that share: one leads, the others hear; a leader that falls silent is replaced, and one that is closed too.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type Shared, share } from '../../../packages/console/src/page/api/tabs.ts'
import { until } from '../../support/until.ts'

const SILENCE_MS = 50_000

const turn = () => new Promise(setImmediate)

/** Timers may stand still meanwhile. */
async function when({ signal }: TestContext, condition: () => boolean): Promise<void> {
  while (!condition()) {
    signal.throwIfAborted()
    await turn()
  }
}

interface Tab {
  readonly shared: Shared<string>
  readonly heard: string[]
  /** Whether it leads, and how often it has begun to. */
  isLeading: boolean
  begun: number
}

function openTab(t: TestContext, name: string): Tab {
  const heard: string[] = []
  const lead = async (stopping: AbortSignal) => {
    tab.isLeading = true
    tab.begun++
    if (!stopping.aborted) await once(stopping, 'abort')
    tab.isLeading = false
  }
  const shared = share<string>(name, { lead, hear: (message) => heard.push(message) })
  const tab: Tab = { shared, heard, isLeading: false, begun: 0 }
  t.after(() => shared.stop())
  return tab
}

/** One that leads, and one that waits. */
async function openTwo(t: TestContext): Promise<readonly [Tab, Tab]> {
  const first = openTab(t, t.name)
  await when(t, () => first.isLeading)
  return [first, openTab(t, t.name)]
}

test('one leads, and what it tells the other hears', async (t) => {
  const [first, second] = await openTwo(t)
  first.shared.tell('one')
  first.shared.tell('two')
  await until(() => second.heard.length === 2)
  assert.deepEqual(second.heard, ['one', 'two'])
  assert.deepEqual(first.heard, [])
  assert.equal(second.begun, 0)
})

test('when the one that leads is closed, the other goes on', async (t) => {
  const [first, second] = await openTwo(t)
  first.shared.stop()
  await until(() => second.isLeading)
  assert.equal(first.isLeading, false)
})

test('one that says nothing for 50 s has the lead taken from it, and gets it back when the other is closed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [first, second] = await openTwo(t)
  await turn()
  t.mock.timers.tick(SILENCE_MS - 1)
  first.shared.tell('still here')
  await when(t, () => second.heard.length > 0)
  t.mock.timers.tick(SILENCE_MS - 1)
  await turn()
  assert.deepEqual([first.isLeading, second.begun], [true, 0])
  t.mock.timers.tick(1)
  await when(t, () => second.isLeading && !first.isLeading)
  second.shared.stop()
  await when(t, () => first.isLeading)
  assert.deepEqual([first.begun, second.begun], [2, 1])
})
