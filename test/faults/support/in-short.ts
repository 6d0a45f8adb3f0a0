// A fault as a test: its short form.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attempt, type Fault } from './fault.ts'

/** Ten times what it needs: what passes on a quick machine passes on a slow one. */
const TIMEOUT_MS = 400_000

export function inShort(fault: Fault): void {
  test(`${fault.name}: what is promised holds`, { timeout: TIMEOUT_MS }, async (t) => {
    const { broken, skipped, says } = await attempt(fault, { short: true, say: () => {} })
    if (skipped !== undefined) return t.skip(skipped)
    t.diagnostic(says)
    assert.deepEqual(broken ?? [], [], says)
  })
}
