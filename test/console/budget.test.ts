// How much the first view weighs, and how soon one can use it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noBrowser } from './support/browser.ts'
import { Desk } from './support/operator.ts'

const COMPRESSED_MAX_OCTETS = 64 * 1024
const INTERACTIVE_MAX_MS = 1000

const LOADED = `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .filter(({ name }) => !name.includes('/v1/')).map(({ name, encodedBodySize }) => [name, encodedBodySize])`

test('the first view is small, and can be used within a second', { skip: noBrowser }, async (t) => {
  const desk = await Desk.open(t)
  // The first of all requests has the sources bundled, in a checkout.
  await fetch(desk.base)
  const { page } = await desk.logIn()
  await page.goto('/')
  await page.getByRole('img', { name: /Authentications a second/ }).waitFor()
  const loaded = (await page.evaluate(LOADED)) as [string, number][]
  const octets = loaded.reduce((all, [, size]) => all + size, 0)
  t.diagnostic(`first view: ${loaded.length} files, ${octets} octets compressed`)
  assert.ok(loaded.length >= 3 && octets > 10_000 && octets < COMPRESSED_MAX_OCTETS, JSON.stringify(loaded))

  const times: number[] = []
  for (let attempt = 0; attempt < 5; attempt++) {
    const context = await page
      .context()
      .browser()
      ?.newContext({ baseURL: desk.base, storageState: await page.context().storageState() })
    const fresh = await context?.newPage()
    const began = performance.now()
    await fresh?.goto('/')
    await fresh?.getByRole('link', { name: 'PNEs', exact: true }).click()
    await fresh?.getByRole('heading', { name: 'PNEs' }).waitFor()
    times.push(performance.now() - began)
    await context?.close()
  }
  const median = times.sort((a, b) => a - b)[2] ?? Number.POSITIVE_INFINITY
  t.diagnostic(`from the address to the second page, with an empty cache: ${median.toFixed(0)} ms (median of 5)`)
  assert.ok(median < INTERACTIVE_MAX_MS, `${median} ms`)
})
