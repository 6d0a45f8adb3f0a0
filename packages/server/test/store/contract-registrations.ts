// The contract of a store: who is registered where, by reports that each count once.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { PneRow, RegistrationReport, Store } from '../../src/store/contract.ts'
import { activePne, type Contract, furnish, GATEWAY, NOBODY, newPne, OTHER_GATEWAY } from './furnish.ts'

export function registrationContract(contract: Contract): void {
  contract('a report that a session began registers its PNE, and one that it ended takes that back', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const began = report(pne, { at: 70 })
    assert.deepEqual(await store.countReports(GATEWAY, 1, [began]), { upTo: 1, changes: [change(pne, 'began')] })
    const [registered, ...others] = await registrations(store)
    const { pneId, name, user, gateway } = pne
    const expected = { pneId, name, user, gateway, case: 'local', since: 70 }
    assert.deepEqual({ ...registered, sessionId: 0 }, { ...expected, sessionId: 0 })
    assert.deepEqual(Buffer.from(registered?.sessionId ?? []), began.sessionId)
    assert.deepEqual(others, [])
    const ended = { ...began, kind: 'ended' } as const
    assert.deepEqual(await store.countReports(GATEWAY, 2, [ended]), { upTo: 2, changes: [change(pne, 'ended')] })
    assert.deepEqual(await registrations(store), [])
  })

  contract('each number counts once, whatever comes with it again', async (store) => {
    await furnish(store)
    const [one, two, three] = [await activePne(store), await activePne(store), await activePne(store)]
    await store.countReports(GATEWAY, 1, [report(one), report(two)])
    const before = await registrations(store)
    const again = await store.countReports(GATEWAY, 1, [report(one), report(one)])
    assert.deepEqual(again, { upTo: 2, changes: [] })
    assert.deepEqual(await store.countReports(GATEWAY, 0, [report(three)]), { upTo: 2, changes: [] })
    assert.deepEqual(await registrations(store), before)
    const overlapping = await store.countReports(GATEWAY, 2, [report(one), report(three)])
    assert.deepEqual(overlapping, { upTo: 3, changes: [change(three, 'began')] })
    assert.deepEqual(
      await names(store),
      [three, two, one].map(({ pneId }) => pneId),
    )
  })

  contract('numbers that are missing are refused, and nothing changes', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    await assert.rejects(store.countReports(GATEWAY, 2, [report(pne)]), { code: 'STORE_GAP' })
    assert.deepEqual(await registrations(store), [])
    assert.equal((await store.countReports(GATEWAY, 1, [report(pne)])).upTo, 1)
  })

  contract('each gateway has numbers of its own', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const began = report(pne)
    await store.countReports(GATEWAY, 1, [began, { ...began, kind: 'ended' }])
    const visit = report(pne, { case: 'remote' })
    assert.equal((await store.countReports(OTHER_GATEWAY, 1, [visit])).upTo, 1)
    assert.deepEqual(
      (await registrations(store)).map(({ gateway }) => gateway),
      [OTHER_GATEWAY],
    )
  })

  contract('reports that come at once count each once', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    const batch = [report(pne), report(pne, { kind: 'ended' }), report(pne)]
    const counted = await Promise.all(Array.from({ length: 5 }, () => store.countReports(GATEWAY, 1, batch)))
    assert.deepEqual(
      counted.map(({ upTo }) => upTo),
      [3, 3, 3, 3, 3],
    )
    assert.equal((await registrations(store)).length, 1)
  })

  contract(
    'a newer session of a PNE at a gateway replaces the older one, whose end then changes nothing',
    async (store) => {
      await furnish(store)
      const pne = await activePne(store)
      const [older, newer] = [report(pne), report(pne)]
      await store.countReports(GATEWAY, 1, [older, newer])
      const late = await store.countReports(GATEWAY, 3, [{ ...older, kind: 'ended' }])
      assert.deepEqual(late, { upTo: 3, changes: [] })
      const [registered, ...others] = await registrations(store)
      assert.deepEqual([Buffer.from(registered?.sessionId ?? []), others], [newer.sessionId, []])
    },
  )

  contract('what a gateway may not report counts without any effect', async (store) => {
    await furnish(store)
    const [active, revoked] = [await activePne(store), await activePne(store)]
    const pending = newPne()
    await store.assignPne(pending)
    await store.revokePne(revoked.pneId, () => randomBytes(32), 30)
    const unknown = { secondSeed: randomBytes(32) }
    const reports = [report(pending), report(revoked), report(unknown), report(active, { kind: 'ended' })]
    assert.deepEqual(await store.countReports(GATEWAY, 1, reports), { upTo: 4, changes: [] })
    const elsewhere = report(active, { case: 'local' })
    assert.deepEqual(await store.countReports(OTHER_GATEWAY, 1, [elsewhere]), { upTo: 1, changes: [] })
    assert.deepEqual(await registrations(store), [])
  })

  contract('a gateway that is unknown or revoked reports nothing, and nothing is registered there', async (store) => {
    await furnish(store)
    const pne = await activePne(store)
    await store.countReports(GATEWAY, 1, [report(pne)])
    await store.countReports(OTHER_GATEWAY, 1, [report(pne, { case: 'remote' })])
    await store.revokeGateway(GATEWAY, 40)
    assert.deepEqual(
      (await registrations(store)).map(({ gateway }) => gateway),
      [OTHER_GATEWAY],
    )
    for (const gateway of [GATEWAY, NOBODY.gateway]) {
      await assert.rejects(store.countReports(gateway, 1, [report(pne)]), { code: 'STORE_UNKNOWN_GATEWAY' })
    }
  })

  contract('a PNE that is revoked, or whose user is removed, is registered nowhere', async (store) => {
    await furnish(store)
    const [one, two, ofBob] = [await activePne(store), await activePne(store), await activePne(store, OTHER_GATEWAY)]
    await store.countReports(GATEWAY, 1, [report(one), report(two)])
    const visits = [report(one, { case: 'remote' }), report(two, { case: 'remote' }), report(ofBob)]
    await store.countReports(OTHER_GATEWAY, 1, visits)
    await store.revokePne(one.pneId, () => randomBytes(32), 30)
    assert.deepEqual(await names(store), [ofBob.pneId, two.pneId, two.pneId])
    await store.removeUser('alice', () => randomBytes(32), 50)
    assert.deepEqual(await names(store), [ofBob.pneId])
  })

  contract('registrations are listed newest first, by filter and page', async (store) => {
    await furnish(store)
    const pnes = [await activePne(store), await activePne(store), await activePne(store)]
    const [first, second, third] = pnes.map(({ pneId }) => pneId)
    await store.countReports(
      GATEWAY,
      1,
      pnes.map((pne) => report(pne)),
    )
    await store.countReports(OTHER_GATEWAY, 1, [report(pnes[1] as PneRow, { case: 'remote' })])
    assert.deepEqual(await names(store), [second, third, second, first])
    assert.deepEqual(await names(store, { gateway: GATEWAY }), [third, second, first])
    assert.deepEqual(await names(store, { gateway: GATEWAY, pneId: second }), [second])
    assert.deepEqual(await names(store, { pneId: NOBODY.pneId }), [])
    const page = await store.listRegistrations({}, { limit: 3 })
    const rest = await store.listRegistrations({}, { limit: 3, cursor: page.next ?? '' })
    assert.deepEqual([page.items.length, rest.items.map(({ pneId }) => pneId), rest.next], [3, [first], null])
    await assert.rejects(store.listRegistrations({}, { limit: 1, cursor: 'x' }), { code: 'STORE_CURSOR_INVALID' })
  })

  contract('a personal network is that of a gateway which speaks our protocol and is not revoked', async (store) => {
    const { userId } = await furnish(store)
    await store.addGateway({
      identity: 'ap@example.org',
      radius: '192.0.2.1/32',
      userId,
      sealedSecret: Buffer.of(1),
      createdAt: 1,
    })
    await store.countReports(GATEWAY, 1, [report(await activePne(store)), report(await activePne(store))])
    await store.changeVisitors(OTHER_GATEWAY, false)
    const home = { gateway: GATEWAY, user: 'alice', visitors: true, registered: 2 }
    const lobby = { gateway: OTHER_GATEWAY, user: 'bob', visitors: false, registered: 0 }
    assert.deepEqual(await store.listPns({}, { limit: 10 }), { items: [home, lobby], next: null })
    const { items, next } = await store.listPns({}, { limit: 1 })
    assert.deepEqual([items, (await store.listPns({}, { limit: 1, cursor: next ?? '' })).items], [[home], [lobby]])
    assert.deepEqual(await store.findPn(OTHER_GATEWAY), lobby)
    await store.revokeGateway(OTHER_GATEWAY, 20)
    for (const gateway of [OTHER_GATEWAY, 'ap@example.org', NOBODY.gateway]) {
      assert.equal(await store.findPn(gateway), undefined)
    }
  })
}

function report(pne: { secondSeed: Uint8Array }, changes: Partial<RegistrationReport> = {}): RegistrationReport {
  const { secondSeed } = pne
  return { kind: 'began', sessionId: randomBytes(16), secondSeed, case: 'local', at: 60, ...changes }
}

function change({ pneId, user }: PneRow, kind: 'began' | 'ended') {
  return { kind, case: 'local', pneId, user }
}

async function registrations(store: Store) {
  return (await store.listRegistrations({}, { limit: 100 })).items
}

async function names(store: Store, filter: Parameters<Store['listRegistrations']>[0] = {}) {
  return (await store.listRegistrations(filter, { limit: 100 })).items.map(({ pneId }) => pneId)
}
