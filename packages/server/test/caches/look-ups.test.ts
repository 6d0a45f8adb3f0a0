// What authentication looks up is remembered only for as long as it is right; while the store is away, for a bounded time.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Follower, FollowerEvents } from '../../src/bus/follower.ts'
import { CachedLookUps } from '../../src/caches/look-ups.ts'
import {
  type AdmissionRow,
  type GatewaySecretRow,
  type PneKeyRow,
  StoreError,
  type UserRow,
} from '../../src/store/contract.ts'

const away = new StoreError('STORE_BUSY', 'the database is away')
const key: PneKeyRow = { pneId: 'pne-1', state: 'active', userId: 1, generation: 1 }
const admission: AdmissionRow = {
  roaming: 'any',
  sessionsMax: null,
  listed: false,
  visitors: true,
  gatewayRevoked: false,
}
const seed = randomBytes(32)
const home = 'home@example.org'
const gateway: GatewaySecretRow = {
  identity: home,
  version: 1,
  radius: null,
  visitors: true,
  userId: 1,
  user: 'alice',
  createdAt: 0,
  revokedAt: null,
  sealedSecret: randomBytes(61),
}
const alice: UserRow = {
  id: 1,
  version: 1,
  name: 'alice',
  generation: 1,
  roaming: 'any',
  sessionsMax: null,
  createdAt: 0,
  removedAt: null,
}

/** A store that answers as the test says, and a follower that is as the test says. */
function remembering({ maxStaleMs }: { maxStaleMs?: number } = {}) {
  const state = { ms: 0, isFresh: true, isAway: false, checkedAt: 0, newestRevocation: 0 }
  const follower = new EventEmitter<FollowerEvents>() as unknown as Follower
  Object.defineProperties(follower, {
    isFresh: { get: () => state.isFresh },
    isAway: { get: () => state.isAway },
    checkedAt: { get: () => state.checkedAt },
    newestRevocation: { get: () => state.newestRevocation },
  })
  const store = {
    asked: 0,
    key: (): Promise<PneKeyRow | undefined> => Promise.resolve(key),
    admission: (): Promise<AdmissionRow | undefined> => Promise.resolve(admission),
    gateway: (): Promise<GatewaySecretRow | undefined> => Promise.resolve(gateway),
    user: (): Promise<UserRow | undefined> => Promise.resolve(alice),
    newest: () => Promise.resolve(7),
    findGateway: () => {
      store.asked++
      return store.gateway()
    },
    findUser: () => {
      store.asked++
      return store.user()
    },
    newestRevocation: () => {
      store.asked++
      return store.newest()
    },
    findPneBySecondSeed: () => {
      store.asked++
      return store.key()
    },
    findAdmission: () => {
      store.asked++
      return store.admission()
    },
  }
  const lookUps = new CachedLookUps({ store, follower, maxStaleMs, now: () => state.ms })
  const outage = () => {
    store.key = () => Promise.reject(away)
    store.admission = () => Promise.reject(away)
    store.gateway = () => Promise.reject(away)
    store.user = () => Promise.reject(away)
    store.newest = () => Promise.reject(away)
    state.isFresh = false
    state.isAway = true
  }
  return { lookUps, store, state, follower, outage }
}

test('an active key and an admission are asked for once', async () => {
  const { lookUps, store } = remembering()
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await lookUps.findPneBySecondSeed(seed), key)
    assert.equal(await lookUps.findAdmission(1, 'home@example.org'), admission)
  }
  assert.equal(store.asked, 2)
  await lookUps.findAdmission(1, 'lobby@example.org')
  await lookUps.findAdmission(2, 'home@example.org')
  await lookUps.findPneBySecondSeed(randomBytes(32))
  assert.equal(store.asked, 5)
})

test('a key that is not active, or an admission of a revoked gateway, is asked for each time', async () => {
  const { lookUps, store } = remembering()
  for (const state of ['pending', 'retired', 'revoked'] as const) {
    store.key = async () => ({ ...key, state })
    for (let i = 0; i < 2; i++) assert.equal((await lookUps.findPneBySecondSeed(seed))?.state, state)
  }
  store.admission = async () => ({ ...admission, gatewayRevoked: true })
  for (let i = 0; i < 2; i++) await lookUps.findAdmission(1, 'home@example.org')
  assert.equal(store.asked, 8)
})

test('a 2nd seed that nobody has is asked for once a second, and a thousand of them are kept', async () => {
  const { lookUps, store, state } = remembering()
  store.key = async () => undefined
  for (let i = 0; i < 3; i++) assert.equal(await lookUps.findPneBySecondSeed(seed), undefined)
  assert.equal(store.asked, 1)
  state.ms = 1000
  store.key = async () => key
  assert.equal(await lookUps.findPneBySecondSeed(seed), key, 'it was assigned meanwhile')
  store.key = async () => undefined
  const first = randomBytes(32)
  await lookUps.findPneBySecondSeed(first)
  for (let i = 0; i < 1000; i++) await lookUps.findPneBySecondSeed(randomBytes(32))
  const asked = store.asked
  await lookUps.findPneBySecondSeed(first)
  assert.equal(store.asked, asked + 1, 'the first was forgotten')
})

test('what was changed is asked for anew: a revoked PNE, a retired key, a policy', async () => {
  const { lookUps, store, follower } = remembering()
  const askedBy = async (act: () => void) => {
    await lookUps.findPneBySecondSeed(seed)
    await lookUps.findAdmission(1, 'home@example.org')
    const before = store.asked
    act()
    await lookUps.findPneBySecondSeed(seed)
    await lookUps.findAdmission(1, 'home@example.org')
    return store.asked - before
  }
  const hex = seed.toString('hex')
  assert.equal(await askedBy(() => follower.emit('revoked', { seq: 1, pneIds: ['pne-2', 'pne-1'] })), 1)
  assert.equal(await askedBy(() => follower.emit('revoked', { seq: 2, pneIds: ['pne-2'] })), 0)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'key', subject: hex })), 1)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'user', subject: 'alice' })), 1)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'gateway', subject: 'home@example.org' })), 1)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'gateway', subject: 'lobby@example.org' })), 0)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'gateway', subject: 'me@example.org' })), 0)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'token', subject: 't1' })), 0)
  assert.equal(await askedBy(() => follower.emit('lost')), 2)
  assert.equal(await askedBy(() => follower.emit('unsure')), 2)
})

test('an answer that was on its way when something changed is not remembered', async () => {
  const { lookUps, store, follower } = remembering()
  const { promise, resolve } = Promise.withResolvers<PneKeyRow>()
  store.key = () => promise
  const asked = lookUps.findPneBySecondSeed(seed)
  follower.emit('revoked', { seq: 1, pneIds: ['pne-1'] })
  resolve(key)
  await asked
  store.key = async () => ({ ...key, state: 'revoked' })
  assert.equal((await lookUps.findPneBySecondSeed(seed))?.state, 'revoked')
})

test('when the logs were not read for a second the store is asked, though it is remembered', async () => {
  const { lookUps, store, state } = remembering()
  await lookUps.findPneBySecondSeed(seed)
  state.isFresh = false
  store.key = async () => ({ ...key, state: 'revoked' })
  assert.equal((await lookUps.findPneBySecondSeed(seed))?.state, 'revoked')
})

test('while the store is away, what is remembered serves, at once, for five minutes and no longer', async () => {
  const { lookUps, store, state, outage } = remembering()
  await lookUps.findPneBySecondSeed(seed)
  await lookUps.findAdmission(1, 'home@example.org')
  const asked = store.asked
  outage()
  state.ms = 300_000
  assert.deepEqual(await lookUps.findPneBySecondSeed(seed), key)
  assert.equal(await lookUps.findAdmission(1, 'home@example.org'), admission)
  assert.equal(store.asked, asked, 'nobody waits for it')
  await assert.rejects(lookUps.findPneBySecondSeed(randomBytes(32)), { code: 'STORE_BUSY' }, 'a stranger')
  state.ms = 300_001
  await assert.rejects(lookUps.findPneBySecondSeed(seed), { code: 'STORE_BUSY' })
})

test('while the store is away, no PNE whose revocation was heard is served, nor any when it was not heard whose', async () => {
  const { lookUps, follower, outage } = remembering()
  const other = randomBytes(32)
  await lookUps.findPneBySecondSeed(seed)
  outage()
  follower.emit('revoked', { seq: 1, pneIds: ['pne-1'] })
  await assert.rejects(lookUps.findPneBySecondSeed(seed), { code: 'STORE_BUSY' })

  const second = remembering()
  await second.lookUps.findPneBySecondSeed(other)
  second.outage()
  assert.deepEqual(await second.lookUps.findPneBySecondSeed(other), key)
  second.follower.emit('unsure')
  await assert.rejects(second.lookUps.findPneBySecondSeed(other), { code: 'STORE_BUSY' })
})

test('with no tolerance nothing is served while the store is away', async () => {
  const { lookUps, state, outage } = remembering({ maxStaleMs: 0 })
  await lookUps.findPneBySecondSeed(seed)
  outage()
  state.ms = 2000
  await assert.rejects(lookUps.findPneBySecondSeed(seed), { code: 'STORE_BUSY' })
})

test('a store that has just stopped to answer gives way within a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lookUps, store, state } = remembering()
  await lookUps.findPneBySecondSeed(seed)
  state.isFresh = false
  store.key = () => new Promise(() => {})
  const asked = lookUps.findPneBySecondSeed(seed)
  t.mock.timers.tick(1000)
  assert.deepEqual(await asked, key)
})

test('an error that is not the store’s is no reason to trust the memory', async () => {
  const { lookUps, store, state } = remembering()
  await lookUps.findPneBySecondSeed(seed)
  state.isFresh = false
  store.key = () => Promise.reject(new TypeError('a bug'))
  await assert.rejects(lookUps.findPneBySecondSeed(seed), TypeError)
})

test('a gateway and its user are asked for once, a revoked gateway, a removed user and an unknown one each time', async () => {
  const { lookUps, store } = remembering()
  for (let i = 0; i < 3; i++) {
    assert.equal(await lookUps.findGateway(home), gateway)
    assert.equal(await lookUps.findUser('alice'), alice)
  }
  assert.equal(store.asked, 2)
  store.gateway = async () => ({ ...gateway, revokedAt: 1 })
  store.user = async () => ({ ...alice, removedAt: 1 })
  for (let i = 0; i < 2; i++) {
    await lookUps.findGateway('lobby@example.org')
    await lookUps.findUser('bob')
  }
  assert.equal(store.asked, 6)
  store.gateway = async () => undefined
  for (let i = 0; i < 2; i++) assert.equal(await lookUps.findGateway('none@example.org'), undefined)
  assert.equal(store.asked, 8)
})

test('a gateway that was changed or revoked is asked for anew, and a user who was', async () => {
  const { lookUps, store, follower } = remembering()
  const askedBy = async (act: () => void) => {
    await lookUps.findGateway(home)
    await lookUps.findUser('alice')
    const before = store.asked
    act()
    await lookUps.findGateway(home)
    await lookUps.findUser('alice')
    return store.asked - before
  }
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'gateway', subject: home })), 1)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'gateway', subject: 'lobby@example.org' })), 0)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'user', subject: 'alice' })), 1)
  assert.equal(await askedBy(() => follower.emit('changed', { kind: 'user', subject: 'bob' })), 0)
  assert.equal(await askedBy(() => follower.emit('lost')), 2)
  assert.equal(await askedBy(() => follower.emit('unsure')), 2)
  store.gateway = async () => ({ ...gateway, revokedAt: 1 })
  follower.emit('changed', { kind: 'gateway', subject: home })
  assert.equal((await lookUps.findGateway(home))?.revokedAt, 1)
})

test('while the store is away a gateway that was seen is remembered, but none whose revocation was heard, and no stranger', async () => {
  const { lookUps, follower, state, outage } = remembering()
  const lobby = 'lobby@example.org'
  for (const one of [home, lobby]) await lookUps.findGateway(one)
  await lookUps.findUser('alice')
  outage()
  state.ms = 300_000
  assert.equal(await lookUps.findGateway(home), gateway)
  assert.equal(await lookUps.findUser('alice'), alice)
  follower.emit('changed', { kind: 'gateway', subject: lobby })
  for (const one of [lobby, 'none@example.org'])
    await assert.rejects(lookUps.findGateway(one), { code: 'STORE_BUSY' }, one)
  state.ms = 300_001
  await assert.rejects(lookUps.findGateway(home), { code: 'STORE_BUSY' })
})

test('the newest revocation is what the store says, and while it is away what was read last, for five minutes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lookUps, store, state, outage } = remembering()
  state.newestRevocation = 6
  assert.equal(await lookUps.newestRevocation(), 7)
  store.newest = () => new Promise(() => {})
  const asked = lookUps.newestRevocation()
  t.mock.timers.tick(1000)
  assert.equal(await asked, 6, 'it takes too long')
  outage()
  assert.equal(await lookUps.newestRevocation(), 6)
  store.newest = () => Promise.reject(new TypeError('a bug'))
  state.isAway = false
  await assert.rejects(lookUps.newestRevocation(), TypeError)
  outage()
  state.ms = 300_001
  await assert.rejects(lookUps.newestRevocation(), { code: 'STORE_BUSY' })
})
