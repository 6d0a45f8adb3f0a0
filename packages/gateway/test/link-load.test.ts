// Which of two links is given the next request, and how many are brought to a second server because the first is late.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MessageOf, Pong, Result } from '@opencpns/protocol'
import { Balancer } from '../src/upstream/balancer.ts'
import { compareLoad, LinkLoad } from '../src/upstream/link-load.ts'
import type { ResponseMessage, ServerLink } from '../src/upstream/server-link.ts'

function loadOf({ inFlight = 0, answers = 0, latencyMs = 0 } = {}): LinkLoad {
  const load = new LinkLoad(1024)
  for (let i = 0; i < answers; i++) {
    load.began()
    load.answered(1000 - latencyMs, 1000)
  }
  for (let i = 0; i < inFlight; i++) load.began()
  return load
}

test('fewer requests in flight come before a shorter latency', () => {
  const [few, fast] = [
    loadOf({ inFlight: 1, answers: 50, latencyMs: 40 }),
    loadOf({ inFlight: 2, answers: 50, latencyMs: 1 }),
  ]
  assert.ok(compareLoad(few, fast, 1000) < 0)
  assert.ok(compareLoad(fast, few, 1000) > 0)
})

test('with as many in flight the one that answers sooner comes first; what was slow once is tried again', () => {
  const [slow, fast] = [loadOf({ answers: 50, latencyMs: 40 }), loadOf({ answers: 50, latencyMs: 1 })]
  assert.ok(compareLoad(slow, fast, 1000) > 0)
  fast.began()
  fast.answered(91_000 - 1, 91_000)
  assert.ok(compareLoad(slow, fast, 91_000) < 0)
})

test('a new link has room for 8, and for one more with each answer, up to as many as it may have', () => {
  const load = loadOf({ inFlight: 8 })
  assert.equal(load.hasRoom, false)
  load.answered(0, 1)
  assert.equal(load.hasRoom, true)
  load.began()
  load.began()
  assert.equal(load.hasRoom, false)
  const [full, new_] = [loadOf({ inFlight: 8 }), loadOf({ inFlight: 9, answers: 10 })]
  assert.ok(compareLoad(full, new_, 1) > 0, 'room counts before requests in flight')
  const bounded = loadOf({ answers: 5000 })
  for (let i = 0; i < 1024; i++) bounded.began()
  assert.equal(bounded.hasRoom, false)
})

/** A link that never answers; says of a request that it is late when the test does. */
function silentLink() {
  const load = new LinkLoad(1024)
  const late: (() => void)[] = []
  const link: Pick<ServerLink, 'load' | 'isResponsive' | 'request'> = {
    load,
    isResponsive: true,
    request: (_make, _expected, { onLate = () => {} } = {}) => {
      load.began()
      late.push(onLate)
      return new Promise(() => {})
    },
  }
  return { link: link as ServerLink, late }
}

test('when servers are slow, at most a quarter of the requests are brought to a second one', () => {
  const [one, other] = [silentLink(), silentLink()]
  const servers = { links: [one.link, other.link], isExpecting: false, changed: () => new Promise<void>(() => {}) }
  const balancer = new Balancer(servers)
  for (let i = 0; i < 400; i++) void balancer.request(() => new Uint8Array(), Pong as unknown as ResponseMessage)
  assert.deepEqual([one.late.length, other.late.length], [200, 200])
  for (const onLate of [...one.late, ...other.late]) onLate()
  assert.equal(one.late.length + other.late.length, 500)
})

test('when one of two copies of a request fails, the answer to the other counts', async () => {
  const [one, other] = [silentLink(), silentLink()]
  const answer = { type: 'Pong', result: Result.success } as unknown as MessageOf<ResponseMessage>
  let fail = (_error: Error) => {}
  let succeed = (_answer: unknown) => {}
  const servers = { links: [one.link], isExpecting: false, changed: () => new Promise<void>(() => {}) }
  one.link.request = (_make, _expected, { onLate = () => {} } = {}) => {
    one.late.push(onLate)
    return new Promise((_resolve, reject) => {
      fail = reject
    })
  }
  other.link.request = () =>
    new Promise((resolve) => {
      succeed = resolve as (answer: unknown) => void
    })
  const asked = new Balancer(servers).request(() => new Uint8Array(), Pong as unknown as ResponseMessage)
  servers.links.push(other.link)
  one.late[0]?.()
  fail(new Error('the connection was lost'))
  await new Promise(setImmediate)
  succeed(answer)
  assert.equal(await asked, answer)
})
