// The contract of lists: filters, the search for PNEs by words, events by what they are about, and versions of what is edited.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { KeyRow, NewPne, PneFilter, Store } from '../../src/store/contract.ts'
import {
  activePne,
  addGateway,
  addUser,
  type Contract,
  furnish,
  GATEWAY,
  ids,
  newEvent,
  newPne,
  OTHER_GATEWAY,
} from './furnish.ts'

export function listContract(contract: Contract): void {
  contract('users are found by the beginning of their name', async (store) => {
    for (const name of ['al', 'alice', 'alma', 'bob']) await addUser(store, name)
    const list = async (query: string, page: { limit: number; cursor?: string } = { limit: 10 }) => {
      const { items, next } = await store.listUsers({ query }, page)
      return [...items.map(({ name }) => name), next]
    }
    assert.deepEqual(await list('al'), ['al', 'alice', 'alma', null])
    assert.deepEqual(await list('ali'), ['alice', null])
    assert.deepEqual(await list('lice'), [null])
    assert.deepEqual(await list('%'), [null])
    assert.deepEqual(await list('al', { limit: 2 }), ['al', 'alice', 'alice'])
    assert.deepEqual(await list('al', { limit: 2, cursor: 'alice' }), ['alma', null])
  })

  contract('gateways are listed by every condition, with the number of PNEs that are registered', async (store) => {
    const { userId } = await furnish(store)
    await addGateway(store, 'ap@example.org', userId, '192.0.2.1/32')
    await addGateway(store, 'harbour@example.org', userId)
    await store.revokeGateway('harbour@example.org', 5)
    const session = { kind: 'began', sessionId: randomBytes(16), case: 'local', at: 60 } as const
    await store.countReports(GATEWAY, 1, [{ ...session, secondSeed: (await activePne(store)).secondSeed }])
    const list = async (filter: Parameters<Store['listGateways']>[0]) =>
      (await store.listGateways(filter, { limit: 10 })).items.map(({ identity }) => identity.replace(/@.*/, ''))
    assert.deepEqual(await list({}), ['ap', 'harbour', 'home', 'lobby'])
    assert.deepEqual(await list({ query: 'h' }), ['harbour', 'home'])
    assert.deepEqual(await list({ user: 'alice', kind: 'cpns' }), ['harbour', 'home'])
    assert.deepEqual(await list({ kind: 'radius' }), ['ap'])
    assert.deepEqual(await list({ state: 'revoked' }), ['harbour'])
    assert.deepEqual(await list({ state: 'active', user: 'alice' }), ['ap', 'home'])
    assert.deepEqual(await list({ state: 'revoked', kind: 'radius' }), [])
    assert.deepEqual(await list({ user: 'nobody' }), [])
    const { items } = await store.listGateways({}, { limit: 10 })
    assert.deepEqual(
      items.map(({ registered }) => registered),
      [0, 0, 1, 0],
    )
    const first = await store.listGateways({ user: 'alice' }, { limit: 2 })
    const second = await store.listGateways({ user: 'alice' }, { limit: 2, cursor: first.next ?? '' })
    assert.deepEqual([first.items.length, second.items.map(({ identity }) => identity)], [2, [GATEWAY]])
  })

  contract('personal networks are listed by user and beginning', async (store) => {
    await furnish(store)
    const list = async (filter: Parameters<Store['listPns']>[0]) =>
      (await store.listPns(filter, { limit: 10 })).items.map(({ gateway }) => gateway)
    assert.deepEqual(await list({ user: 'bob' }), [OTHER_GATEWAY])
    assert.deepEqual(await list({ query: 'ho' }), [GATEWAY])
    assert.deepEqual(await list({ query: 'ho', user: 'bob' }), [])
  })

  contract('a change is made for a version, and refused for another', async (store) => {
    await furnish(store)
    const first = await store.findUser('alice')
    assert.equal(first?.version, 1)
    const both = await Promise.allSettled([
      store.changeUserPolicy('alice', { sessionsMax: 2 }, 1),
      store.changeUserPolicy('alice', { sessionsMax: 3 }, 1),
    ])
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    const late = store.changeUserPolicy('alice', { sessionsMax: 3, gateways: [GATEWAY] }, 1)
    await assert.rejects(late, { code: 'STORE_CHANGED' })
    assert.deepEqual(await store.listedGateways(first.id), [])
    const second = await store.findUser('alice')
    assert.deepEqual([second?.version, second?.sessionsMax], [2, 2])
    assert.equal((await store.changeUserPolicy('alice', { sessionsMax: 3 }, 2))?.version, 3)
    assert.equal((await store.changeUserPolicy('alice', { sessionsMax: 4 }))?.version, 4)
    await store.addFirstSeed({ userId: first.id, generation: 2, sealed: Buffer.of(1), createdAt: 1 })
    assert.equal((await store.findUser('alice'))?.version, 5)
    await store.removeUser('alice', (seed) => seed, 5)
    assert.equal((await store.findUser('alice'))?.version, 6)
  })

  contract('a gateway has versions too, and a revocation is one', async (store) => {
    await furnish(store)
    assert.equal((await store.changeVisitors(GATEWAY, false, 1))?.version, 2)
    await assert.rejects(store.changeVisitors(GATEWAY, true, 1), { code: 'STORE_CHANGED' })
    assert.equal((await store.findGateway(GATEWAY))?.visitors, false)
    assert.equal((await store.revokeGateway(GATEWAY, 5))?.version, 3)
    assert.equal((await store.revokeGateway(GATEWAY, 6))?.version, 3)
    assert.equal(await store.changeVisitors('none@example.org', true, 1), undefined)
  })

  contract('the keys of a PNE are listed newest first', async (store) => {
    const { userId } = await furnish(store)
    const pne = await activePne(store)
    await store.addFirstSeed({ userId, generation: 2, sealed: Buffer.of(1), createdAt: 1 })
    const next = { secondSeed: new Uint8Array(randomBytes(32)), replaces: pne.secondSeed, gateway: GATEWAY }
    await store.assignKey({ ...next, createdAt: 30 })
    const keys = await store.listKeys(pne.pneId)
    assert.deepEqual(
      keys.map(({ generation, state, createdAt }) => [generation, state, createdAt]),
      [
        [2, 'pending', 30],
        [1, 'active', 10],
      ],
    )
    assert.deepEqual(keys[0]?.secondSeed, next.secondSeed)
    assert.deepEqual(await store.listKeys('pne-none'), [])
  })

  contract('a PNE is found by the beginning of any word of its name, whatever the case', async (store) => {
    const search = await furnished(store, {
      a: 'Kitchen lamp',
      b: 'lamp-2, Küche',
      c: 'LAMPPOST',
      d: 'Straße ΟΔΟΣ',
      e: null,
      f: 'clamp',
      g: 'ｗａｔｃｈ', // full width
    })
    assert.deepEqual(await search('lamp'), ['a', 'b', 'c'])
    assert.deepEqual(await search('LAMP'), ['a', 'b', 'c'])
    assert.deepEqual(await search('l'), ['a', 'b', 'c'])
    assert.deepEqual(await search('2'), ['b'])
    assert.deepEqual(await search('KÜ'), ['b'])
    assert.deepEqual(await search('strasse'), ['d'])
    assert.deepEqual(await search('οδός'.normalize('NFD').replace(/\u0301/, '')), ['d'])
    assert.deepEqual(await search('οδ'), ['d'])
    assert.deepEqual(await search('watch'), ['g'])
    assert.deepEqual(await search('amp'), [])
    assert.deepEqual(await search('lampe'), [])
  })

  contract('several words must each begin a word of the name, in any order', async (store) => {
    const search = await furnished(store, { a: 'Kitchen lamp', b: 'Porch lamp', c: 'Kitchen' })
    assert.deepEqual(await search('la ki'), ['a'])
    assert.deepEqual(await search('lamp lamp'), ['a', 'b'])
    assert.deepEqual(await search('kitchen sink'), [])
  })

  contract('a PNE is found by the beginning of its pneId, after those with such a name', async (store) => {
    const search = await furnished(store, { aa: null, ab: 'lamp', c: 'pne-a' })
    assert.deepEqual(await search('pne-a'), ['c', 'aa', 'ab'])
    assert.deepEqual(await search('pne-aa'), ['aa'])
    assert.deepEqual(await search('PNE-AB'), ['ab'])
    assert.deepEqual(await search('pne'), ['c', 'aa', 'ab'])
    assert.deepEqual(await search('ab'), [])
  })

  contract('a search takes every sign as itself, and finds nothing by none', async (store) => {
    const search = await furnished(store, { a: 'lamp', b: "100% o'clock" })
    for (const query of ['%', '_', '*', "'", '"', '-', ' ', '\\', 'la_p', '\u{10ffff}']) {
      assert.deepEqual(await search(query), [], query)
    }
    assert.deepEqual(await search('100%'), ['b'])
    assert.deepEqual(await search("o'clock"), ['b'])
  })

  contract('a word that is longer than what is kept of it is found, wherever it is cut', async (store) => {
    const name = `a${'\u{10330}'.repeat(60)}` // in letters of two UTF-16 code units: the 64th would be half a letter
    const search = await furnished(store, { a: name })
    for (const query of ['a', name.slice(0, 21), name]) assert.deepEqual(await search(query), ['a'])
  })

  contract('a PNE with several words that fit is listed once, over all pages', async (store) => {
    await furnish(store)
    const count = 25
    for (let i = 0; i < count; i++)
      await store.assignPne(newPne({ name: `lamp living ${i % 3 ? 'light' : 'lounge'} ${i}` }))
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.listPnes({ query: 'l' }, { limit: 4, cursor })
      assert.ok(page.items.length <= 4)
      found.push(...ids(page.items))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual([found.length, new Set(found).size], [count, count])
  })

  contract('a search goes on where it was, whatever comes and goes meanwhile', async (store) => {
    await furnish(store)
    const add = (pneId: string, name: string) => store.assignPne(newPne({ pneId, name, createdAt: 99 }))
    for (const id of ['a', 'b', 'c', 'd']) await add(`pne-${id}`, `lamp ${id}`)
    const first = await store.listPnes({ query: 'lamp' }, { limit: 2 })
    assert.deepEqual(ids(first.items), ['pne-a', 'pne-b'])
    await store.assignPne(newPne({ pneId: 'pne-0', name: 'aaa lamp' }))
    await store.removePendingPnes(50)
    const second = await store.listPnes({ query: 'lamp' }, { limit: 2, cursor: first.next ?? '' })
    assert.deepEqual(ids(second.items), ['pne-c', 'pne-d'])
  })

  contract('a search keeps to state, user and gateway', async (store) => {
    await furnish(store)
    await addGateway(store, 'second@example.org', (await store.findUser('alice'))?.id ?? 0)
    const add = async (pneId: string, changes: Partial<NewPne>) =>
      (await store.assignPne(newPne({ pneId, name: `lamp ${pneId}`, ...changes }))) as KeyRow
    await add('pne-a', {})
    const { secondSeed } = await add('pne-b', { gateway: 'second@example.org' })
    await store.confirmPne(secondSeed, 'second@example.org', 5)
    await add('pne-c', { gateway: OTHER_GATEWAY })
    await add('pne-d', { gateway: OTHER_GATEWAY, name: 'watch' })
    await store.revokePne('pne-c', (seed) => seed, 6)
    const list = async (filter: PneFilter) => ids((await store.listPnes(filter, { limit: 10 })).items).sort()
    assert.deepEqual(await list({ query: 'lamp', user: 'alice' }), ['pne-a', 'pne-b'])
    assert.deepEqual(await list({ query: 'lamp', gateway: 'second@example.org' }), ['pne-b'])
    assert.deepEqual(await list({ query: 'lamp', state: 'revoked' }), ['pne-c'])
    assert.deepEqual(await list({ query: 'lamp', state: 'active', user: 'alice', gateway: GATEWAY }), [])
    assert.deepEqual(await list({ gateway: OTHER_GATEWAY }), ['pne-c', 'pne-d'])
    assert.deepEqual(await list({ gateway: OTHER_GATEWAY, state: 'pending' }), ['pne-d'])
    assert.deepEqual(await list({ query: 'lamp', gateway: 'none@example.org' }), [])
  })

  contract('a PNE that was never confirmed is not found when it is gone', async (store) => {
    await furnish(store)
    await store.assignPne(newPne({ name: 'lamp', createdAt: 10 }))
    await store.removePendingPnes(11)
    await store.assignPne(newPne({ pneId: 'pne-new', name: 'lamp', createdAt: 12 }))
    assert.deepEqual(ids((await store.listPnes({ query: 'lamp' }, { limit: 10 })).items), ['pne-new'])
  })

  contract('an import is found by its words', async (store) => {
    await furnish(store)
    await store.importPnes([newPne({ pneId: 'pne-a', name: 'Porch lamp' })])
    assert.deepEqual(ids((await store.listPnes({ query: 'por' }, { limit: 10 })).items), ['pne-a'])
  })

  contract('a cursor of a search that no page gave is refused', async (store) => {
    await furnish(store)
    const forged = ['w1.AA', 'w1.bGFtcAA', 'w1.JQ', `w1.${'bGFt'.repeat(64)}`] // a NUL, one in a word, no word, too long
    const cursors = ['', 'w', 'w1', 'wx.bGFtcA', 'i/', 'w1.b*', `w1.${'x'.repeat(999)}`, `i${'x'.repeat(99)}`]
    for (const cursor of [...cursors, ...forged]) {
      await assert.rejects(
        store.listPnes({ query: 'l' }, { limit: 1, cursor }),
        { code: 'STORE_CURSOR_INVALID' },
        cursor,
      )
    }
  })

  contract('of PNEs that do not fit a call looks at a bounded number, and says that it may go on', async (store) => {
    await furnish(store)
    const many = Array.from({ length: 10_500 }, (_, i) => newPne({ pneId: `pne-${i}`, name: 'lamp' }))
    await store.importPnes([...many, newPne({ pneId: 'pne-x', name: 'lamp', gateway: OTHER_GATEWAY })])
    await store.revokePne('pne-0', (seed) => seed, 5)
    const filter = { user: 'alice', state: 'active', gateway: GATEWAY, query: 'lamp lamps' } as const
    const first = await store.listPnes(filter, { limit: 10 })
    let [pages, page] = [1, first]
    while (page.next !== null) {
      page = await store.listPnes(filter, { limit: 10, cursor: page.next })
      pages++
    }
    assert.deepEqual([first.items.length, page.items.length], [0, 0])
    assert.ok(pages <= 10, `${pages} pages`)
    assert.deepEqual(ids((await store.listPnes({ query: 'lamp', user: 'bob' }, { limit: 10 })).items), ['pne-x'])
    assert.deepEqual(ids((await store.listPnes({ user: 'alice', state: 'revoked' }, { limit: 10 })).items), ['pne-0'])
  })

  contract('events are told apart by what they are about and by time', async (store) => {
    const about = [
      { pneId: 'pne-a', gateway: GATEWAY, result: 'refused', session: 's1', at: 100 },
      { pneId: 'pne-a', gateway: OTHER_GATEWAY, case: 'local', at: 200 },
      { pneId: 'pne-b', gateway: GATEWAY, case: 'remote', session: 's2', at: 300, type: 'admin' },
    ]
    const numbers = await store.appendEvents(about.map(newEvent), 100)
    const [first = 0, second = 0, third = 0] = numbers
    assert.ok(first < second && second < third)
    const list = async (filter: object) => (await store.listEvents({ limit: 10, ...filter })).map(({ id }) => id)
    assert.deepEqual(await list({}), [third, second, first])
    assert.deepEqual(await list({ gateway: GATEWAY }), [third, first])
    assert.deepEqual(await list({ gateway: GATEWAY, type: 'authentication' }), [first])
    assert.deepEqual(await list({ result: 'refused' }), [first])
    assert.deepEqual(await list({ case: 'local' }), [second])
    assert.deepEqual(await list({ session: 's2' }), [third])
    assert.deepEqual(await list({ pneId: 'pne-a', session: 's2' }), [])
    assert.deepEqual(await list({ since: 200 }), [third, second])
    assert.deepEqual(await list({ since: 301 }), [])
    assert.deepEqual(await list({ above: first }), [third, second])
    assert.deepEqual(await list({ above: first, before: third }), [second])
    assert.deepEqual(await list({ above: third }), [])
    assert.deepEqual(await list({ before: first }), [])
  })

  contract('an event keeps its steps and facts as they are, and is found by its number', async (store) => {
    const event = newEvent({ session: 's1', steps: '[1,2]', facts: '{"key":"EUKey"}' })
    const [id = 0, plain = 0] = await store.appendEvents([event, newEvent({})], 100)
    assert.deepEqual({ ...(await store.findEvent(id)) }, { ...event, id })
    assert.deepEqual({ ...(await store.findEvent(plain)) }, { ...newEvent({}), id: plain })
    assert.equal((await store.listEvents({ limit: 1, session: 's1' }))[0]?.steps, '[1,2]')
    assert.equal(await store.findEvent(plain + 1), undefined)
    const [newest = 0] = await store.appendEvents([event], 1)
    assert.equal(await store.findEvent(id), undefined)
    assert.equal((await store.findEvent(newest))?.facts, event.facts)
  })

  contract('events of sessions come together, oldest first', async (store) => {
    assert.deepEqual(await store.eventsOfSessions(['s1']), [])
    const sessions = ['s1', 's2', 's3', 's1', null]
    const numbers = await store.appendEvents(
      sessions.map((session) => newEvent({ session })),
      100,
    )
    const found = await store.eventsOfSessions(['s1', 's3', 'none'])
    assert.deepEqual(
      found.map(({ id, session }) => [id, session]),
      [
        [numbers[0], 's1'],
        [numbers[2], 's3'],
        [numbers[3], 's1'],
      ],
    )
    assert.deepEqual(await store.eventsOfSessions([]), [])
  })

  contract(
    'of a session that a gateway names again and again the first events are given, and those of others all',
    async (store) => {
      const rogue = Array.from({ length: 6000 }, (_, at) => newEvent({ at, gateway: GATEWAY, session: 's1' }))
      const other = newEvent({ at: 7000, gateway: 'other@example.org', session: 's1' })
      await store.appendEvents([...rogue, other], 10_000)
      const found = await store.eventsOfSessions(['s1'])
      assert.deepEqual(
        found.map(({ at }) => at),
        [0, 1, 2, 3, 4, 5, 6, 7, 7000],
      )
    },
  )

  contract('a log that is longer than one look is read to its end', async (store) => {
    const many = Array.from({ length: 11_000 }, (_, at) => newEvent({ at, session: at === 3 ? 's1' : null }))
    await store.appendEvents(many, 10_998)
    const oldest = await store.listEvents({ limit: 5, session: 's1' })
    assert.deepEqual(
      oldest.map(({ at }) => at),
      [3],
    )
    assert.equal((await store.eventsOfSessions(['s1'])).length, 1)
    assert.equal((await store.listEvents({ limit: 20_000 })).length, 10_998)
    assert.equal((await store.listEvents({ limit: 20_000, since: 0 })).at(-1)?.at, 2)
  })
}

/** PNEs by the ends of their pneIds, with their names; gives how to search them, in the order of the store. */
async function furnished(store: Store, names: Record<string, string | null>) {
  await furnish(store)
  for (const [id, name] of Object.entries(names)) await store.assignPne(newPne({ pneId: `pne-${id}`, name }))
  return async (query: string) =>
    ids((await store.listPnes({ query }, { limit: 10 })).items).map((id) => id.slice('pne-'.length))
}
