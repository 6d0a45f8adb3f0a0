// Rotation under crashes: whatever party dies, at whichever write or message, and however messages are delayed or lost, the PNE
// has a key that works at home without the server and one that works anywhere else; and in the end the rotation is complete.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Party, World } from './rotation-world.ts'

const RUNS = 150

type Event =
  | { readonly do: 'light'; readonly party: Party; readonly points: number }
  | { readonly do: 'kill' | 'restart'; readonly party: Party }
  | { readonly do: 'deliver'; readonly which: number }
  | { readonly do: Plain }
type Plain =
  | 'comeHome'
  | 'visit'
  | 'askForRotation'
  | 'renewFirstSeed'
  | 'reconnectToServer'
  | 'hourPasses'
  | 'cutPresence'
  | 'timeOut'
  | 'deliverAll'

const party = fc.constantFrom<Party>('pne', 'gateway', 'server')
const plain = (name: Plain) => fc.constant<Event>({ do: name })
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: fc.constant('deliver' as const), which: fc.nat(1) }) },
  { weight: 5, arbitrary: plain('comeHome') },
  { weight: 4, arbitrary: plain('askForRotation') },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('light' as const), party, points: fc.nat(6) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('restart' as const), party }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), party }) },
  { weight: 2, arbitrary: plain('visit') },
  { weight: 2, arbitrary: plain('deliverAll') },
  { weight: 1, arbitrary: plain('renewFirstSeed') },
  { weight: 1, arbitrary: plain('reconnectToServer') },
  { weight: 1, arbitrary: plain('hourPasses') },
  { weight: 1, arbitrary: plain('cutPresence') },
  { weight: 1, arbitrary: plain('timeOut') },
)

async function happen(world: World, event: Event): Promise<void> {
  switch (event.do) {
    case 'light':
      return world.light(event.party, event.points)
    case 'kill':
    case 'restart':
      return world[event.do](event.party)
    case 'deliver':
      return world.deliver(event.which)
    default:
      return world[event.do]()
  }
}

async function checkWorks(world: World, after: string): Promise<void> {
  assert.deepEqual(await world.works(), { atHome: true, elsewhere: true }, `after ${after}`)
  assert.equal((await world.state()).ahead, 0, `the gateway is never ahead of the server: after ${after}`)
}

/** Everybody lives, every message comes, and the PNE comes home now and then. It asks for a rotation only if none has begun. */
async function recover(world: World): Promise<void> {
  for (const each of ['server', 'gateway', 'pne'] as const) {
    world.light(each, 0)
    world.kill(each)
    world.restart(each)
  }
  const { gateway, isNew } = await world.state()
  const hasBegun = isNew || gateway.length > 1
  for (let days = 0; days < 6; days++) {
    await world.reconnectToServer()
    await world.comeHome()
    if (days === 0 && !hasBegun) await world.askForRotation()
    await world.deliverAll()
    await checkWorks(world, `day ${days} of peace`)
  }
}

async function checkComplete(world: World): Promise<void> {
  const complete = { pneKeys: 1, isNew: true, gateway: ['active'], ahead: 0, serverActive: 1, newestGeneration: true }
  assert.deepEqual(await world.state(), complete)
}

test('a rotation that nobody disturbs is complete when the PNE comes again', async () => {
  const world = await World.open()
  await world.comeHome()
  await world.askForRotation()
  await world.deliverAll()
  assert.deepEqual((await world.state()).gateway, ['active', 'active'])
  await world.comeHome()
  await world.deliverAll()
  await checkComplete(world)
  assert.equal(world.counts.rotations, 1)
  await world.close()
})

for (const victim of ['pne', 'gateway', 'server'] as const) {
  test(`${victim}: killed at each write and each message of a rotation, one after another`, async (t) => {
    let points = 0
    for (let died = true; died; points++) {
      const world = await World.open()
      world.light(victim, points)
      await world.comeHome()
      await world.askForRotation()
      await world.deliverAll()
      await world.comeHome()
      await world.deliverAll()
      await checkWorks(world, `death at point ${points}`)
      world.restart(victim)
      died = world.counts.deaths > 0
      await recover(world)
      await checkComplete(world)
      await world.close()
    }
    t.diagnostic(`${points - 1} points`)
    assert.ok(points > 4)
  })
}

test('property: any crashes, losses and delays leave a key that works, and in the end the rotation is complete', {
  timeout: 400_000,
}, async (t) => {
  const totals = { deaths: 0, rotations: 0 }
  const property = fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 80, size: 'max' }), async (events) => {
    const world = await World.open()
    try {
      await world.comeHome()
      for (const [at, each] of events.entries()) {
        await happen(world, each)
        await checkWorks(world, `event ${at}, ${JSON.stringify(each)}`)
      }
      totals.deaths += world.counts.deaths
      totals.rotations += world.counts.rotations
      await recover(world)
      await checkComplete(world)
    } finally {
      await world.close()
    }
  })
  await fc.assert(property, { numRuns: RUNS })
  t.diagnostic(`${totals.deaths} deaths and ${totals.rotations} rotations in the middle of ${RUNS} runs`)
  assert.ok(totals.deaths > RUNS / 2 && totals.rotations > RUNS / 10)
})
