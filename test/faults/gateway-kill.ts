// kill -9 of the gateway at any moment of pairings, and of presences that begin. Each pairing is finished by its ticket, once; each
// presence that the PNE had is counted by the server, once, and its end with it.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Credential, connect, pair } from '@opencpns/pne'
import { until } from '../support/until.ts'
import { type Fault, Promises, skipped, type Trial } from './support/fault.ts'
import { AT_LAST_MS, type FaultTown, type GatewayProcess, openTown } from './support/fault-town.ts'
import { type Attempt, outcomeOf } from './support/load.ts'
import { Mortal } from './support/mortal.ts'

const PAIRED_TOGETHER = 5
const PRESENT_TOGETHER = 25
const PRESENT_FOR_MS = 2500
/** A gateway writes reports 20 ms later, all at once. */
const WRITTEN_AFTER_MS = 50

export const gatewayKill: Fault = {
  name: 'gateway-kill',
  async attempt(trial) {
    const town = await openTown(trial)
    if (typeof town === 'string') return skipped(town)
    await town.server()
    const home = await town.gateway('home')
    const probe = { gateway: home.address, credential: await town.pair(home, 'first') }
    const mortal = new Mortal(home.running, home.again)
    const promises = new Promises()
    const scene = { town, home, probe, mortal, promises, ...trial }
    const pairings = await pairUnderFire(scene)
    const registrations = await registerUnderFire(scene, pairings.credentials)
    const { credentials, ...counts } = pairings
    const cases = await Promise.all(
      credentials.map((credential) => outcomeOf({ gateway: home.address, credential, log: home.log })),
    )
    promises.keep(
      'each paired device is known to its gateway',
      cases.every((of) => of === 'local'),
    )
    const says =
      `${counts.pairings} pairings, the gateway killed ${counts.pairingKills} times with ${counts.struck} of them under way: all finished by their tickets, each one PNE; ` +
      `${registrations.registrations} presences, killed ${registrations.registrationKills} times: ${registrations.noted} had begun before the gateway last served anybody, ` +
      `the server counted ${registrations.began}, all of those among them, none twice, and the end of each`
    return promises.finding(says, { ...counts, ...registrations })
  },
}

interface Scene extends Pick<Trial, 'short' | 'say' | 'hasTime'> {
  readonly town: FaultTown
  readonly home: GatewayProcess
  /** A device that asks whether the gateway goes on. */
  readonly probe: Attempt
  readonly mortal: Mortal
  readonly promises: Promises
}

async function pairUnderFire({ town, home, mortal, promises, short, say, hasTime }: Scene) {
  const count = short ? 25 : 300
  const credentials: Credential[] = []
  const lifeMs = await undisturbedMs({ town, home })
  let struck = 0
  do {
    const names = Array.from({ length: PAIRED_TOGETHER }, (_, index) => `pne-${credentials.length + index}`)
    const asked = names.map(async (name) => pairAtLast(await town.ticket(home, name), town.path(`${name}.json`)))
    let left = names.length
    for (const one of asked) void one.finally(() => left--)
    await mortal.killWithin(lifeMs)
    struck += left
    await mortal.revive()
    credentials.push(...(await Promise.all(asked)))
    if (credentials.length % 50 === 0) say(`${credentials.length} of ${count} paired, killed ${mortal.deaths} times`)
  } while (credentials.length < count && hasTime(0.5))
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
  const deadline = performance.now() + AT_LAST_MS
  for (;;) {
    try {
      return await pair({ uri, credentialFile })
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}

async function registerUnderFire(scene: Scene, credentials: readonly Credential[]) {
  const { town, mortal, promises, short, say, hasTime } = scene
  const count = short ? 100 : 1000
  const present = credentials.slice(0, PRESENT_TOGETHER)
  const before = mortal.deaths
  const noted = new Map<string, number>()
  let rounds = 0
  while (rounds * present.length < count && (rounds === 0 || hasTime(0.9))) {
    rounds++
    for (const pneId of await presenceUnderFire(scene, present)) noted.set(pneId, (noted.get(pneId) ?? 0) + 1)
    say(`${rounds * present.length} of ${count} presences, killed ${mortal.deaths - before} times`)
  }
  await until(async () => (await town.list('/v1/sessions')).length === 0, 'somebody is left registered', AT_LAST_MS)
  const { began, ended } = await countedBy(town)
  const of = (counts: ReadonlyMap<string, number>, { pneId }: Credential) => counts.get(pneId) ?? 0
  const each = (holds: (pne: Credential) => boolean) => present.every(holds)
  promises.keep(
    'no presence is lost that a gateway had the time to note',
    each((pne) => of(began, pne) >= of(noted, pne)),
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
  const counts = { noted: sum(noted), began: sum(began), ended: sum(ended) }
  return { registrations: rounds * present.length, registrationKills: mortal.deaths - before, ...counts }
}

/** All of them are present until the gateway is killed. Gives those whose presence it had the time to note. */
async function presenceUnderFire({ home, probe, mortal }: Scene, present: readonly Credential[]): Promise<string[]> {
  const sessions = present.map(async (credential) => {
    const session = await connect({ ...home.address, credential }).catch(() => undefined)
    return session && { pneId: credential.pneId, session, since: performance.now() }
  })
  const watch = new NotingWatch(probe)
  await mortal.killWithin(PRESENT_FOR_MS)
  const had = (await Promise.all(sessions)).filter((one) => one !== undefined)
  await Promise.all(had.map(({ session }) => session.close()))
  const notedBefore = await watch.stop()
  await mortal.revive()
  return had.filter(({ since }) => since < notedBefore).map(({ pneId }) => pneId)
}

/**
 * Until when a gateway has noted all that had begun: whoever serves a device has done before what was due before that device came.
 * So a gateway on a slow machine may take as long as it likes.
 */
class NotingWatch {
  #notedBefore = 0
  #isStopped = false
  readonly #over: Promise<void>

  constructor(probe: Attempt) {
    this.#over = this.#run(probe)
  }

  /** @returns by `performance.now()` */
  async stop(): Promise<number> {
    this.#isStopped = true
    await this.#over
    return this.#notedBefore
  }

  async #run(probe: Attempt): Promise<void> {
    while (!this.#isStopped) {
      await sleep(WRITTEN_AFTER_MS)
      const begun = performance.now()
      if ((await outcomeOf(probe)) === 'local') this.#notedBefore = begun - WRITTEN_AFTER_MS
    }
  }
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
