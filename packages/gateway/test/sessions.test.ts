import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndReason, Result } from '@opencpns/protocol'
import { Sessions } from '../src/sessions.ts'

function connection() {
  const reasons: EndReason[] = []
  return { reasons, end: (reason: EndReason) => void reasons.push(reason) }
}

const presence = (pne: string, max?: number) => ({ pne, presence: true, max })
const service = (pne: string, max?: number) => ({ pne, presence: false, max })
const busy = (reason: string) => ({ name: 'Refusal', result: Result.busy, reason })

test('sessions are counted against the bound for all, each once', () => {
  const sessions = new Sessions(2)
  const close = sessions.begin(service('a'), connection())
  sessions.begin(presence('b'), connection())
  assert.deepEqual([sessions.open, sessions.full], [2, true])
  assert.throws(() => sessions.begin(service('c'), connection()), busy('sessions-full'))
  close()
  close()
  assert.deepEqual([sessions.open, sessions.full], [1, false])
  sessions.begin(service('c'), connection())
})

test('sessions of one PNE are counted against its own bound, and another PNE is not concerned', () => {
  const sessions = new Sessions(100)
  const close = sessions.begin(service('a', 2), connection())
  sessions.begin(presence('a', 2), connection())
  assert.throws(() => sessions.begin(service('a', 2), connection()), busy('pne-sessions-full'))
  sessions.begin(service('b', 2), connection())
  close()
  sessions.begin(service('a', 2), connection())
  assert.equal(sessions.open, 3)
})

test('a presence takes the place of the older one of its PNE, within both bounds, and a service of none', () => {
  const sessions = new Sessions(2)
  const [older, newer, other] = [connection(), connection(), connection()]
  const closeOlder = sessions.begin(presence('a', 1), older)
  sessions.begin(service('b'), other)
  const closeNewer = sessions.begin(presence('a', 1), newer)
  assert.deepEqual([older.reasons, newer.reasons, other.reasons], [[EndReason.replaced], [], []])
  assert.equal(sessions.open, 2)
  closeOlder()
  assert.equal(sessions.open, 2, 'the older one was counted off when it was replaced')
  closeNewer()
  assert.equal(sessions.open, 1)
  sessions.begin(presence('a', 1), connection())
  assert.deepEqual(newer.reasons, [])
})

test('a presence that is refused takes no place', () => {
  const sessions = new Sessions(100)
  const older = connection()
  sessions.begin(presence('a'), older)
  sessions.begin(service('a'), connection())
  assert.throws(() => sessions.begin(presence('a', 1), connection()), busy('pne-sessions-full'))
  assert.deepEqual([older.reasons, sessions.open], [[], 2])
})
