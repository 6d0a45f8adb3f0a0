// kill -9 of the gateway at any moment of pairings, and of presences that begin. Each pairing is finished by its ticket, once; each
// presence that the PNE had is counted by the server, once, and its end with it.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Credential, connect, pair } from '@opencpns/pne'
import { until } from '../support/until.ts'
import { type Fault, Promises, skipped, type Trial } from './support/fault.ts'
import { type FaultTown, type GatewayProcess, openTown } from './support/fault-town.ts'
import { outcomeOf } from './support/load.ts'
import { Mortal } from './support/mortal.ts'

const PAIRED_TOGETHER = 5
const PRESENT_TOGETHER = 25
/** Reports of what began in the last 20 ms may be lost, with the sessions; a slow machine takes longer to write them. */
const COUNTED_AFTER_MS = 1000
const FINISH_MS = 30_000
/** In short, a slow machine does fewer, of each. */
const SHORT_MS = 8000

export const gatewayKill: Fault = {
  name: 'gateway-kill',
  async attempt(trial) {
    const town = await openTown(trial)
    if (typeof town === 'string') return skipped(town)
    await town.server()
    const home = await town.gateway('home')
    await town.pair(home, 'first')
    const mortal = new Mortal(home.running, home.again)
    const promises = new Promises()
    const pairings = await pairUnderFire({ town, home, mortal, promises, ...trial })
    const registrations = await registerUnderFire({ town, home, mortal, promises, ...trial }, pairings.credentials)
    const { credentials, ...counts } = pairings
    const cases = await Promise.all(credentials.map((credential) => outcomeOf({ gateway: home.address, credential })))
    promises.keep(
      'each paired device is known to its gateway',
      cases.every((of) => of === 'local'),
    )
    const says =
      `${counts.pairings} pairings, the gateway killed ${counts.pairingKills} times with ${counts.struck} of them under way: all finished by their tickets, each one PNE; ` +
      `${registrations.registrations} presences, killed ${registrations.registrationKills} times: ${registrations.lasted} lasted for ` +
      `${COUNTED_AFTER_MS} ms or more, the server counted ${registrations.began}, none twice, and the end of each`
    return promises.finding(says, { ...counts, ...registrations })
  },
}

interface Scene extends Pick<Trial, 'short' | 'say'> {
  readonly town: FaultTown
  readonly home: GatewayProcess
  readonly mortal: Mortal
  readonly promises: Promises
}

async function pairUnderFire({ town, home, mortal, promises, short, say }: Scene) {
  const count = short ? 25 : 300
  const credentials: Credential[] = []
  const lifeMs = await undisturbedMs({ town, home })
  let struck = 0
  const endsAt = short ? performance.now() + SHORT_MS : Number.POSITIVE_INFINITY
  while (credentials.length < count && performance.now() < endsAt) {
    const names = Array.from({ length: PAIRED_TOGETHER }, (_, index) => `pne-${credentials.length + index}`)
    const asked = names.map(async (name) => pairAtLast(await town.ticket(home, name), town.path(`${name}.json`)))
    let left = names.length
    for (const one of asked) void one.finally(() => left--)
    await mortal.killWithin(lifeMs)
    struck += left
    await mortal.revive()
    credentials.push(...(await Promise.all(asked)))
    if (credentials.length % 50 === 0) say(`${credentials.length} of ${count} paired, killed ${mortal.deaths} times`)
  }
  const pairings = credentials.length
  const pnes = (await town.pnes()).filter(({ name }) => name.startsWith('pne-'))
  const ids = new Set(pnes.filter(({ state }) => state === 'active').map(({ id }) => id))
  promises.keep(
    'no pairing is lost',
    credentials.every(({ pneId }) => ids.has(pneId)),
  )
  promises.keep(
    'no device is there twice',
    pnes.length === pairings && new Set(pnes.map(({ name }) => name)).size === pairings,
  )
  return { pairings, pairingKills: mortal.deaths, struck, credentials }
}

/** How long pairings take that nobody disturbs. */
async function undisturbedMs({ town, home }: Pick<Scene, 'town' | 'home'>): Promise<number> {
  const uris = await Promise.all(
    Array.from({ length: PAIRED_TOGETHER }, (_, index) => town.ticket(home, `quiet-${index}`)),
  )
  const begun = performance.now()
  await Promise.all(uris.map((uri, index) => pairAtLast(uri, town.path(`quiet-${index}.json`))))
  return performance.now() - begun
}

/** Pairs again with the same ticket and file, as a person would, until it is done. */
async function pairAtLast(uri: string, credentialFile: string): Promise<Credential> {
  const deadline = performance.now() + FINISH_MS
  for (;;) {
    try {
      return await pair({ uri, credentialFile, timeoutMs: 5000 })
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}

async function registerUnderFire(scene: Scene, credentials: readonly Credential[]) {
  const { town, home, mortal, promises, short, say } = scene
  const count = short ? 100 : 1000
  const present = credentials.slice(0, PRESENT_TOGETHER)
  const before = mortal.deaths
  const lasted = new Map<string, number>()
  let rounds = 0
  const endsAt = short ? performance.now() + SHORT_MS : Number.POSITIVE_INFINITY
  for (; rounds * present.length < count && performance.now() < endsAt; rounds++) {
    for (const { pneId, ms } of await presenceUnderFire(home, present, mortal)) {
      if (ms > COUNTED_AFTER_MS) lasted.set(pneId, (lasted.get(pneId) ?? 0) + 1)
    }
    say(`${(rounds + 1) * present.length} of ${count} presences, killed ${mortal.deaths - before} times`)
  }
  await until(async () => (await town.list('/v1/sessions')).length === 0, 'somebody is left registered', FINISH_MS)
  const { began, ended } = await countedBy(town)
  const of = (counts: ReadonlyMap<string, number>, { pneId }: Credential) => counts.get(pneId) ?? 0
  const each = (holds: (pne: Credential) => boolean) => present.every(holds)
  promises.keep(
    'no presence that lasted is lost',
    each((pne) => of(began, pne) >= of(lasted, pne)),
  )
  promises.keep(
    'no presence is counted twice',
    each((pne) => of(began, pne) <= rounds),
  )
  promises.keep(
    'whatever began has ended, once',
    each((pne) => of(ended, pne) === of(began, pne)),
  )
  const sum = (counts: ReadonlyMap<string, number>) => present.reduce((all, pne) => all + of(counts, pne), 0)
  const counts = { lasted: sum(lasted), began: sum(began), ended: sum(ended) }
  return { registrations: rounds * present.length, registrationKills: mortal.deaths - before, ...counts }
}

/** All of them are present until the gateway is killed. Gives how long each was; those who had no session are left out. */
async function presenceUnderFire(home: GatewayProcess, present: readonly Credential[], mortal: Mortal) {
  const sessions = present.map(async (credential) => {
    const session = await connect({ ...home.address, credential }).catch(() => undefined)
    return session && { pneId: credential.pneId, session, since: performance.now() }
  })
  await mortal.killWithin(2.5 * COUNTED_AFTER_MS)
  const killedAt = performance.now()
  const had = (await Promise.all(sessions)).filter((one) => one !== undefined)
  await Promise.all(had.map(({ session }) => session.close()))
  await mortal.revive()
  return had.map(({ pneId, since }) => ({ pneId, ms: killedAt - since }))
}

interface RegistrationEvent {
  readonly id: string | number
  readonly result: string
  readonly pne: string
}

/** Presences that the server has counted since the beginning, by PNE. */
async function countedBy(town: FaultTown): Promise<{ began: Map<string, number>; ended: Map<string, number> }> {
  const counts = { began: new Map<string, number>(), ended: new Map<string, number>() }
  let before = ''
  for (;;) {
    const { items } = await town.town.admin<{ items: RegistrationEvent[] }>(
      `/v1/events?type=registration&limit=1000${before}`,
    )
    for (const { result, pne } of items) {
      const of = counts[result as keyof typeof counts]
      of.set(pne, (of.get(pne) ?? 0) + 1)
    }
    if (items.length < 1000) return counts
    before = `&before=${items.at(-1)?.id}`
  }
}
