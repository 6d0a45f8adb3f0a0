// The measurement that docs/scaling.md is calculated from (npm run measure), in small: it comes to its end, and finds a cost of
// everything. What the costs are is not judged.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measure } from '../bench/costs/costs.ts'
import { Subject } from '../bench/costs/subject.ts'

/** More than one gateway may have, so each needs a gateway of its own. */
const LINKS = 100

for (const store of ['SQLite', 'PostgreSQL'] as const) {
  test(`what things cost a server on ${store} is measured to the end`, async (t) => {
    const subject = await Subject.open(store)
    t.after(() => subject.close())
    const counts = { devices: 64, authentications: 640, links: LINKS, messages: 6400, revocations: 4 }
    const { authentication, assignment, report, ...others } = await measure(subject, counts, () => {})
    for (const cost of [authentication, assignment, report]) assert.ok(cost.server > 0, JSON.stringify(cost))
    for (const [name, cost] of Object.entries(others)) assert.ok(Number.isFinite(cost), `${name}: ${cost}`)
    assert.ok(others.octets > 100, `${others.octets} octets of an authentication on the wire`)
    assert.ok(others.handshake > 0)
  })
}
