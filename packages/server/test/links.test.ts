import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { Links } from '../src/links.ts'
import { StoreError } from '../src/registry.ts'
import { openSqlite } from '../src/store/sqlite/open.ts'

const [HOME, LOBBY] = ['home@example.org', 'lobby@example.org'] as const

/** Replicas on one store, and a clock that beats for all of them. */
function replicas(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = openSqlite(':memory:')
  t.after(() => store.close())
  let time = 1_000_000
  const now = () => time
  const open = async () => {
    const links = new Links({ store, logger: silent, now })
    await links.start()
    return links
  }
  /** Lets so many ms pass, by steps in which the store answers. */
  const pass = async (ms: number) => {
    for (const end = time + ms; time < end; ) {
      time += 100
      t.mock.timers.tick(100)
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      await new Promise(setImmediate)
    }
  }
  return { store, open, pass, now }
}

test('a gateway is seen connected at once where it is, and at other replicas within a second', async (t) => {
  const { open, pass, now } = replicas(t)
  const [here, there] = [await open(), await open()]
  const since = now()
  here.came(HOME)
  assert.deepEqual([...(await here.connectedSince([HOME, LOBBY]))], [[HOME, since]])
  await pass(300)
  assert.deepEqual([...(await there.connectedSince([HOME, LOBBY]))], [[HOME, since]])
  assert.deepEqual([await here.count(), await there.count()], [1, 1])
  here.went(HOME)
  assert.equal((await here.connectedSince([HOME])).size, 0)
  await pass(300)
  assert.deepEqual([(await there.connectedSince([HOME])).size, await there.count()], [0, 0])
})

test('many links that come at once are told at once', async (t) => {
  const { store, open, pass } = replicas(t)
  const links = await open()
  const beats = t.mock.method(store, 'beat')
  for (let i = 0; i < 500; i++) links.came(`gateway-${i}@example.org`)
  await pass(1000)
  assert.deepEqual([beats.mock.callCount(), await store.countLinks(0)], [1, 500])
})

test('a replica that dies takes its links along after fifteen seconds, one that lives never', async (t) => {
  const { store, open, pass } = replicas(t)
  const [dies, lives] = [await open(), await open()]
  dies.came(HOME)
  lives.came(LOBBY)
  await pass(300)
  const beat = store.beat.bind(store)
  t.mock.method(store, 'beat', (of: Parameters<typeof beat>[0]) =>
    of.replica === dies.replica ? Promise.reject(new StoreError('STORE_BUSY', 'away')) : beat(of),
  )
  await pass(14_000)
  assert.equal(await lives.count(), 2)
  await pass(3000)
  assert.deepEqual([...(await lives.connectedSince([HOME, LOBBY])).keys()], [LOBBY])
})

test('a replica that goes takes its links along at once', async (t) => {
  const { open, pass } = replicas(t)
  const [goes, stays] = [await open(), await open()]
  goes.came(HOME)
  await pass(300)
  await goes.close()
  assert.equal(await stays.count(), 0)
})

test('links that the store did not take are told again, and those that went meanwhile are not', async (t) => {
  const { store, open, pass } = replicas(t)
  const links = await open()
  const beat = store.beat.bind(store)
  let isAway = true
  t.mock.method(store, 'beat', (of: Parameters<typeof beat>[0]) =>
    isAway ? Promise.reject(new StoreError('STORE_BUSY', 'away')) : beat(of),
  )
  links.came(HOME)
  links.came(LOBBY)
  await pass(1000)
  links.went(LOBBY)
  await pass(1000)
  assert.equal(await store.countLinks(0), 0)
  isAway = false
  await pass(1000)
  assert.deepEqual(
    (await store.listLinks(0)).map(({ gateway }) => gateway),
    [HOME],
  )
})

test('a gateway that goes while the store does not answer is told to have gone', async (t) => {
  const { store, open, pass } = replicas(t)
  const links = await open()
  links.came(HOME)
  await pass(300)
  assert.equal(await store.countLinks(0), 1)
  const beat = store.beat.bind(store)
  const answer = Promise.withResolvers<never>()
  const mock = t.mock.method(store, 'beat', () => answer.promise)
  links.came(LOBBY)
  await pass(300)
  links.went(HOME)
  links.went(LOBBY)
  mock.mock.mockImplementation(beat)
  answer.reject(new StoreError('STORE_BUSY', 'away'))
  await pass(1000)
  assert.equal(await store.countLinks(0), 0)
})

test('a gateway that comes and goes without end while the store is away leaves one change to tell', async (t) => {
  const { store, open, pass } = replicas(t)
  const links = await open()
  const beat = store.beat.bind(store)
  const told: number[] = []
  let isAway = true
  t.mock.method(store, 'beat', (of: Parameters<typeof beat>[0]) => {
    told.push(of.changes.length)
    return isAway ? Promise.reject(new StoreError('STORE_BUSY', 'away')) : beat(of)
  })
  for (let n = 0; n < 100; n++) {
    links.came(HOME)
    links.went(HOME)
    if (n % 10 === 0) await pass(300)
  }
  isAway = false
  await pass(1000)
  assert.equal(Math.max(...told), 1)
  assert.equal(await store.countLinks(0), 0)
})

test('a replica that was forgotten tells all its links anew', async (t) => {
  const { store, open, pass } = replicas(t)
  const links = await open()
  links.came(HOME)
  await pass(300)
  await store.dropReplica(links.replica)
  await pass(5300)
  assert.equal(await store.countLinks(0), 1)
})

test('a gateway at two replicas is one gateway, connected since the first', async (t) => {
  const { open, pass, now } = replicas(t)
  const [first, second] = [await open(), await open()]
  const since = now()
  first.came(HOME)
  await pass(1000)
  second.came(HOME)
  await pass(1000)
  assert.deepEqual([...(await second.connectedSince([HOME]))], [[HOME, since]])
  assert.equal(await second.count(), 1)
  first.went(HOME)
  await pass(1000)
  assert.equal((await first.connectedSince([HOME])).get(HOME), since + 1000)
})
