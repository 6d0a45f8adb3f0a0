// How much the first view weighs, and how soon one can use it.

import assert from 'node:assert/strict'
import { availableParallelism, loadavg } from 'node:os'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { inBrowser } from './support/browser.ts'
import { Desk } from './support/operator.ts'

const COMPRESSED_MAX_OCTETS = 64 * 1024
const INTERACTIVE_MAX_MS = 1000
const WORK_MAX_MS = 600
/** The best of five counts, or of more where something else was in the way. */
const ATTEMPTS = 5
const ATTEMPTS_MAX = 20

const LOADED = `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .filter(({ name }) => !name.includes('/v1/')).map(({ name, encodedBodySize }) => [name, encodedBodySize])`

test('the first view is small', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.logIn()
  await page.goto('/')
  await page.getByRole('img', { name: /Authentications a second/ }).waitFor()
  const loaded = (await page.evaluate(LOADED)) as [string, number][]
  const octets = loaded.reduce((all, [, size]) => all + size, 0)
  t.diagnostic(`${loaded.length} files, ${octets} octets compressed`)
  assert.ok(loaded.length >= 3 && octets > 10_000 && octets < COMPRESSED_MAX_OCTETS, JSON.stringify(loaded))
})

test('it can be used within a second, with an empty cache', inBrowser, async (t) => {
  const desk = await Desk.open(t)
  const { page } = await desk.logIn()
  const times: number[] = []
  const works: number[] = []
  const isQuickEnough = () => Math.min(...times) < INTERACTIVE_MAX_MS && Math.min(...works) < WORK_MAX_MS
  for (let attempt = 0; attempt < ATTEMPTS || (attempt < ATTEMPTS_MAX && !isQuickEnough()); attempt++) {
    const { ms, workMs } = await firstClick(desk, page)
    times.push(ms)
    works.push(workMs)
  }
  const [best, work] = [Math.min(...times), Math.min(...works)]
  t.diagnostic(
    `from the address to a second page: ${best.toFixed(0)} ms, ${work.toFixed(0)} ms of them work of the page`,
  )
  assert.ok(work > 1 && work < WORK_MAX_MS, `${work} ms of work`)
  const isQuiet = (loadavg()[0] ?? 0) < availableParallelism()
  if (isQuiet) assert.ok(best < INTERACTIVE_MAX_MS, `${best} ms`)
  else t.diagnostic('the machine is busy with other things: only the work was judged')
})

/** Time until the answer to a first click is there, and how long the page itself worked. */
async function firstClick(desk: Desk, loggedIn: Page): Promise<{ ms: number; workMs: number }> {
  const storageState = await loggedIn.context().storageState()
  const context = await loggedIn.context().browser()?.newContext({ baseURL: desk.system.base, storageState })
  if (!context) throw new Error('the browser has ended')
  const page = await context.newPage()
  const debug = await context.newCDPSession(page)
  await debug.send('Performance.enable', { timeDomain: 'threadTicks' })
  const began = performance.now()
  await page.goto('/')
  await page.getByRole('link', { name: 'PNEs', exact: true }).click()
  await page.getByRole('heading', { name: 'PNEs' }).waitFor()
  const ms = performance.now() - began
  const { metrics } = await debug.send('Performance.getMetrics')
  await context.close()
  return { ms, workMs: 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) }
}
