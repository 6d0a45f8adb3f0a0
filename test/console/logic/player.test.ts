import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  COMPLETION_MS,
  idle,
  isAtEnd,
  lengthOf,
  type Player,
  type PlayerAction,
  pauseMs,
  play,
  QUEUE_MAX,
} from '../../../packages/console/src/page/logic/player.ts'
import { authentication, step } from './support.ts'

const after = (...actions: PlayerAction[]) => actions.reduce(play, idle)
const arrive = (id: number, now = 0, complete = true): PlayerAction => ({
  do: 'arrive',
  authentication: authentication({ id, complete }),
  now,
})
const tick = (now = 0): PlayerAction => ({ do: 'tick', now })
const times = (count: number, action: PlayerAction) => Array.from({ length: count }, () => action)

test('nothing plays, and nothing is waited for, until one arrives', () => {
  assert.equal(pauseMs(idle), undefined)
  assert.equal(after(tick()).shown, undefined)
})

test('one that arrives plays row by row to its end, rests there, and then waits for the next', () => {
  const begun = after(arrive(1), tick())
  assert.deepEqual([begun.shown?.id, begun.position, lengthOf(begun)], [1, 0, 9])
  const ended = times(9, tick()).reduce(play, begun)
  assert.ok(isAtEnd(ended) && !ended.isRested)
  const rested = play(ended, tick())
  assert.ok(rested.isRested)
  assert.equal(pauseMs(rested), undefined)
})

test('the newest win: of more than the queue holds, the oldest are passed over and counted', () => {
  const arrivals = Array.from({ length: QUEUE_MAX + 3 }, (_, i) => arrive(i + 1))
  const { queue, passedOver } = after(...arrivals)
  assert.deepEqual(
    queue.map((one) => one.authentication.id),
    [4, 5, 6, 7, 8, 9],
  )
  assert.equal(passedOver, 3)
})

test('one whose second part comes is completed where it is: shown or waiting, once', () => {
  const waiting = after(arrive(1, 0, false), arrive(1, 1, true))
  assert.deepEqual([waiting.queue.length, waiting.queue[0]?.authentication.complete], [1, true])
  const shown = after(arrive(1, 0, false), tick(COMPLETION_MS), tick(), arrive(1, COMPLETION_MS, true))
  assert.deepEqual([shown.shown?.complete, shown.position, shown.queue.length], [true, 1, 0])
})

test('one that lacks a part waits for it, but not for ever, and does not hold up a whole one', () => {
  const waiting = after(arrive(1, 0, false))
  assert.equal(play(waiting, tick(COMPLETION_MS - 1)).shown, undefined)
  assert.equal(play(waiting, tick(COMPLETION_MS)).shown?.id, 1)
  assert.equal(play(play(waiting, arrive(2, 1)), tick(2)).shown?.id, 2)
})

test('pause keeps everything, play goes on; a step pauses', () => {
  const paused = after(arrive(1), tick(), tick(), { do: 'toggle' })
  assert.equal(pauseMs(paused), undefined)
  assert.equal(play(paused, tick()).position, 1)
  assert.equal(play(play(paused, { do: 'toggle' }), tick()).position, 2)
  const stepped = after(arrive(1), tick(), { do: 'forward' })
  assert.deepEqual([stepped.position, stepped.isPlaying], [1, false])
})

test('no step leads before the beginning or beyond the end', () => {
  const shown = after({ do: 'open', authentication: authentication() })
  assert.equal(play(shown, { do: 'back' }).position, 0)
  assert.equal(times(20, { do: 'forward' }).reduce(play, shown).position, lengthOf(shown))
})

test('a replay takes up nothing that arrives, stops at its end, and plays again from the beginning', () => {
  const opened = after({ do: 'open', authentication: authentication({ id: 7 }) }, arrive(8))
  assert.deepEqual([opened.mode, opened.shown?.id, opened.queue.length], ['replay', 7, 0])
  const ended = times(10, tick()).reduce(play, opened)
  assert.deepEqual([isAtEnd(ended), ended.isPlaying], [true, false])
  const again = play(ended, { do: 'toggle' })
  assert.deepEqual([again.isPlaying, again.position], [true, 0])
  const live = play(ended, { do: 'live' })
  assert.deepEqual([live.mode, play(play(live, arrive(9)), tick()).shown?.id], ['live', 9])
})

test('a refused one ends where it was refused: what did not happen is not played', () => {
  const steps = [step(1), step(2)]
  const refused = authentication({ case: 'local', result: 'refused', stoppedAt: 7, steps })
  assert.equal(lengthOf({ shown: refused }), 5)
})

test('the more wait, the faster it goes', () => {
  const pauses = [0, 2, 4].map((waiting) => {
    const more = Array.from({ length: waiting }, (_, i) => arrive(i + 2))
    return pauseMs([...more].reduce(play, after(arrive(1), tick()))) ?? 0
  })
  assert.ok(pauses[0] && pauses[1] && pauses[2] && pauses[0] > pauses[1] && pauses[1] > pauses[2], `${pauses}`)
})

test('whatever happens in whatever order, the position stays within what is shown, and the queue within its bound', () => {
  const plain = (['forward', 'back', 'restart', 'finish', 'toggle', 'live'] as const).map((one) =>
    fc.constant<PlayerAction>({ do: one }),
  )
  const id = fc.integer({ min: 1, max: 12 })
  const action = fc.oneof(
    ...plain,
    fc.integer({ min: 0, max: 5000 }).map((now): PlayerAction => tick(now)),
    fc.tuple(id, fc.boolean()).map(([one, complete]): PlayerAction => arrive(one, 0, complete)),
    id.map((one): PlayerAction => ({ do: 'open', authentication: authentication({ id: one }) })),
    id.map((one): PlayerAction => ({ do: 'show', authentication: authentication({ id: one }) })),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      let player: Player = idle
      for (const one of actions) {
        player = play(player, one)
        assert.ok(player.position >= 0 && player.position <= lengthOf(player))
        assert.ok(player.queue.length <= QUEUE_MAX)
        assert.ok(!player.queue.some(({ authentication: { id: waiting } }) => waiting === player.shown?.id))
      }
    }),
  )
})
