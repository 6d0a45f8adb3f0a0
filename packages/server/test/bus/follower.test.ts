// A server hears of what others change, by a message at once, and without one by its poll: nothing is lost.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { Follower } from '../../src/bus/follower.ts'
import { Hub } from '../../src/bus/hub.ts'
import { type Store, StoreError } from '../../src/store/contract.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { activePne, furnish, GATEWAY } from '../store/furnish.ts'

const tagOf = (secondSeed: Uint8Array) => Uint8Array.from(secondSeed).reverse()

/** A store with what `furnish` puts there, and a server that follows it. Its poll waits for the test. */
async function follow(t: TestContext, { before }: { before?: (store: Store) => Promise<unknown> } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const store = openSqlite(':memory:')
  await furnish(store)
  await before?.(store)
  const hub = new Hub()
  const others = hub.join()
  const clock = { ms: 0 }
  const trouble: { error?: Error | undefined; asked: number } = { asked: 0 }
  const asked: Pick<Store, 'newestLines' | 'revocationsSince' | 'changesSince'> = {
    newestLines: async () => {
      trouble.asked++
      if (trouble.error) throw trouble.error
      return store.newestLines()
    },
    revocationsSince: (seq, limit) => store.revocationsSince(seq, limit),
    changesSince: (seq, limit) => store.changesSince(seq, limit),
  }
  const follower = new Follower({ store: asked, bus: hub.join(), logger: silent, now: () => clock.ms })
  const heard: string[] = []
  follower.on('revoked', ({ seq, pneIds }) => heard.push(`revoked ${seq} ${pneIds.join()}`))
  follower.on('changed', ({ kind, subject }) => heard.push(`${kind} ${subject}`))
  follower.on('lost', () => heard.push('lost'))
  follower.on('unsure', () => heard.push('unsure'))
  await follower.start()
  t.after(async () => {
    follower.close()
    await store.close()
  })
  return { store, follower, others, heard, clock, trouble }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await turn()
  assert.ok(condition())
}

test('what was there before it began is not told', async (t) => {
  const { heard, follower } = await follow(t, { before: (store) => store.changeVisitors(GATEWAY, false) })
  await follower.look()
  assert.deepEqual(heard, [])
})

test('changes are told in their order, each once, revocations by their PNEs', async (t) => {
  const { store, follower, heard } = await follow(t)
  const { pneId } = await activePne(store)
  await store.changeUserPolicy('alice', { roaming: 'none' })
  await store.changeVisitors(GATEWAY, false)
  await store.revokePne(pneId, tagOf, 1)
  await follower.look()
  await follower.look()
  assert.deepEqual(heard, [`revoked 1 ${pneId}`, 'user alice', `gateway ${GATEWAY}`])
})

test('a message makes it look at once; one that is lost is made up for by the poll', async (t) => {
  const { store, others, heard } = await follow(t)
  await store.changeVisitors(GATEWAY, false)
  others.publish({ type: 'changed' })
  await until(() => heard.length === 1)
  await store.changeVisitors(GATEWAY, true)
  await turn()
  assert.equal(heard.length, 1, 'nobody said anything')
  t.mock.timers.tick(499)
  await turn()
  assert.equal(heard.length, 1)
  t.mock.timers.tick(1)
  await until(() => heard.length === 2)
})

test('a look that began before a change is no answer to who asks after it', async (t) => {
  const { store, follower, heard } = await follow(t)
  const before = follower.look()
  await store.changeVisitors(GATEWAY, false)
  await Promise.all([before, follower.look(), follower.look()])
  assert.deepEqual(heard, [`gateway ${GATEWAY}`])
})

test('many who ask at once share a look', async (t) => {
  const { follower, trouble } = await follow(t)
  const asked = trouble.asked
  await Promise.all(Array.from({ length: 100 }, () => follower.look()))
  assert.ok(trouble.asked - asked <= 2, `${trouble.asked - asked} looks`)
})

test('when lines are missing it says so, and goes on behind them', async (t) => {
  const { store, follower, heard } = await follow(t)
  for (let done = 0; done <= 10_000; done += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, at) => store.changeVisitors(GATEWAY, at % 2 === 0)))
  }
  await follower.look()
  assert.deepEqual(heard, ['lost'])
  await store.changeVisitors(GATEWAY, true)
  await follower.look()
  assert.deepEqual(heard, ['lost', `gateway ${GATEWAY}`])
})

test('what it knows is fresh for a second after its last look, and the store away after a little more', async (t) => {
  const { follower, clock, trouble } = await follow(t)
  clock.ms = 1000
  assert.deepEqual([follower.isFresh, follower.isAway], [true, false])
  clock.ms = 1001
  assert.deepEqual([follower.isFresh, follower.isAway], [false, false])
  trouble.error = new StoreError('STORE_BUSY', 'away')
  await assert.rejects(follower.look(), { code: 'STORE_BUSY' })
  clock.ms = 1501
  assert.deepEqual([follower.isFresh, follower.isAway, follower.checkedAt], [false, true, 0])
  trouble.error = undefined
  await follower.look()
  assert.deepEqual([follower.isFresh, follower.isAway, follower.checkedAt], [true, false, 1501])
})

test('a change that was heard of, and that the store does not tell, leaves it unsure; what it was comes later', async (t) => {
  const { store, others, heard, follower, trouble } = await follow(t)
  await store.changeVisitors(GATEWAY, false)
  trouble.error = new StoreError('STORE_BUSY', 'away')
  others.publish({ type: 'changed' })
  await until(() => heard.length > 0)
  assert.deepEqual(heard, ['unsure'])
  trouble.error = undefined
  await follower.look()
  assert.deepEqual(heard, ['unsure', `gateway ${GATEWAY}`])
})

test('announcing tells the others, and never fails for the store', async (t) => {
  const { others, follower, trouble } = await follow(t)
  const messages: string[] = []
  others.subscribe(({ type }) => messages.push(type))
  trouble.error = new StoreError('STORE_BUSY', 'away')
  await follower.announce()
  await turn()
  assert.deepEqual(messages, ['changed'])
})
