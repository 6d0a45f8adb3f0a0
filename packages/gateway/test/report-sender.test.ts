// Reports on their way to the server: in order, until they are counted, and from where the server stands.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decode, type MessageOf, RegistrationsRequest, type RegistrationsResponse, Result } from '@opencpns/protocol'
import { UpstreamError } from '../src/upstream/errors.ts'
import { ReportSender } from '../src/upstream/report-sender.ts'

const BATCH = 2

/** A queue of `count` reports, and a server that answers what the test plays. */
function start(t: TestContext, count: number, play: (first: number, reports: number) => Partial<Response> | Error) {
  const asked: [first: number, reports: number][] = []
  const complaints: unknown[] = []
  const queue = {
    onReports: () => {},
    from: 1,
    left: count,
    next() {
      const size = Math.min(this.left, BATCH)
      return size === 0 ? undefined : { first: this.from, reports: Array.from({ length: size }, () => Buffer.of(1)) }
    },
    counted(upTo: number) {
      this.left -= upTo + 1 - this.from
      this.from = upTo + 1
    },
    continueAfter(upTo: number) {
      this.from = upTo + 1
    },
  }
  const request = async (make: (id: number) => Uint8Array): Promise<Response> => {
    const { id, first, reports } = decode(Buffer.from(make(7)), RegistrationsRequest)
    asked.push([first, reports.length])
    const answer = play(first, reports.length)
    if (answer instanceof Error) throw answer
    return { type: 'RegistrationsResponse', id, result: Result.success, ...answer }
  }
  const sender = new ReportSender({ queue, request, complain: (error) => complaints.push(error) })
  t.after(() => sender.close())
  return { sender, queue, asked, complaints }
}
type Response = MessageOf<typeof RegistrationsResponse>

const away = new UpstreamError('SERVER_UNREACHABLE', 'away')

test('sends one request after another until nothing is left', async (t) => {
  const { sender, asked, queue } = start(t, 5, (first, reports) => ({ upTo: first + reports - 1 }))
  await Promise.all([sender.send(), sender.send()])
  assert.deepEqual(asked, [
    [1, 2],
    [3, 2],
    [5, 1],
  ])
  assert.equal(queue.left, 0)
})

test('new reports wake it', async (t) => {
  const { queue, asked } = start(t, 0, (first, reports) => ({ upTo: first + reports - 1 }))
  queue.left = 1
  queue.onReports()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(asked, [[1, 1]])
})

test('without a server it stops, without complaint, and begins again with the first that was not counted', async (t) => {
  let isAway = true
  const { sender, asked, complaints } = start(t, 3, (first, reports) =>
    isAway && first > 1 ? away : { upTo: first + reports - 1 },
  )
  await sender.send()
  isAway = false
  await sender.send()
  assert.deepEqual(asked, [
    [1, 2],
    [3, 1],
    [3, 1],
  ])
  assert.deepEqual(complaints, [])
})

test('a server that is silent, busy, or refuses is asked again in a second', async (t) => {
  for (const trouble of [
    new UpstreamError('SERVER_SILENT', 'silent'),
    { result: Result.busy },
    { result: Result.notPermitted },
    { result: Result.success },
  ] as const) {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let troubled = true
    const { sender, asked, complaints } = start(t, 1, () => (troubled ? trouble : { upTo: 1 }))
    await sender.send()
    assert.equal(complaints.length, 1)
    troubled = false
    t.mock.timers.tick(999)
    assert.equal(asked.length, 1)
    t.mock.timers.tick(1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(asked, [
      [1, 1],
      [1, 1],
    ])
    sender.close()
    t.mock.timers.reset()
  }
})

test('where numbers are missing at the server it asks with the number 0 where the server is, and goes on there', async (t) => {
  const { sender, asked, queue } = start(t, 2, (first, reports) => {
    if (first === 0) return { upTo: 40 }
    return first === 41 ? { upTo: 40 + reports } : { result: Result.malformedMessage }
  })
  queue.from = 90
  await sender.send()
  assert.deepEqual(asked, [
    [90, 2],
    [0, 1],
    [41, 2],
  ])
  assert.equal(queue.left, 0)
})
