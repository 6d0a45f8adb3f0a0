// kill -9 of the server at any moment of key assignments. What it has acknowledged is there afterwards; what it has not is there
// wholly or not at all. One assignment in five is then given up by its gateway, so that halves would stay.

import { randomBytes } from 'node:crypto'
import { Result } from '@opencpns/protocol'
import type { Fault, Finding, Trial } from './support/fault.ts'
import { Promises, skipped } from './support/fault.ts'
import { type FaultTown, openTown, type StoreKind, stores } from './support/fault-town.ts'
import { GivenUp, type LinkedGateway } from './support/linked-gateway.ts'
import { Mortal } from './support/mortal.ts'

const TOGETHER = 5
const GIVEN_UP = 1 / 5

export const assignmentKill: Fault = {
  name: 'assignment-kill',
  async attempt(trial) {
    const findings: [StoreKind, Finding][] = []
    for (const [at, kind] of stores.entries()) {
      const isOver = () => !trial.hasTime((at + 1) / 4)
      findings.push([kind, await attemptOn(kind, trial, isOver)])
    }
    const says = findings.map(([kind, finding]) => `${kind}: ${finding.says}`).join('; ')
    const broken = findings.flatMap(([kind, { broken = [] }]) => broken.map((promise) => `${kind}: ${promise}`))
    return { ok: broken.length === 0, ...(broken.length > 0 && { broken }), says, ...Object.fromEntries(findings) }
  },
}

/** What a gateway knows of an assignment. */
interface Assignment {
  readonly secondSeed: Buffer
  readonly name: string
  /** As the server told them. */
  key?: { readonly pneId: string; readonly euKey: Uint8Array }
  confirmed: boolean
}

async function attemptOn(kind: StoreKind, trial: Trial, isOver: () => boolean): Promise<Finding> {
  const town = await openTown(trial, kind)
  if (typeof town === 'string') return skipped(town)
  const count = trial.short ? 45 : 300
  const server = await town.server()
  const gateway = await town.linkedGateway('hub')
  const mortal = new Mortal(server, () => town.serverAgain())
  const assignments: Assignment[] = []
  const newOnes = () => {
    const some = Array.from({ length: TOGETHER }, (_, index) => newAssignment(assignments.length + index))
    assignments.push(...some)
    return some
  }
  await mortal.killWithin(0)
  await mortal.revive()
  const begun = performance.now()
  await Promise.all(newOnes().map((assignment) => assign(assignment, gateway)))
  const undisturbedMs = performance.now() - begun
  let struck = 0
  do {
    struck += await underFire(newOnes(), gateway, mortal, undisturbedMs)
    if (assignments.length % 50 === 0)
      trial.say(`${kind}: ${assignments.length} of ${count}, killed ${mortal.deaths} times`)
  } while (assignments.length < count && !isOver())
  return await judge(assignments, town, gateway, { kills: mortal.deaths, struck })
}

function newAssignment(number: number): Assignment {
  return { secondSeed: randomBytes(32), name: `device-${number}`, confirmed: false }
}

/** Assigns them all while the server dies and comes back. Gives how many were under way when it died. */
async function underFire(
  assignments: readonly Assignment[],
  gateway: LinkedGateway,
  mortal: Mortal,
  withinMs: number,
): Promise<number> {
  const givingUp = new AbortController()
  const asked = assignments.map((assignment) =>
    assign(assignment, gateway, Math.random() < GIVEN_UP ? givingUp.signal : undefined),
  )
  await mortal.killWithin(withinMs)
  const struck = assignments.filter(({ confirmed }) => !confirmed).length
  givingUp.abort()
  await mortal.revive()
  await Promise.all(asked)
  return struck
}

async function assign(assignment: Assignment, gateway: LinkedGateway, signal?: AbortSignal): Promise<void> {
  const { secondSeed, name } = assignment
  try {
    const { euKey, pneId } = await gateway.assign(secondSeed, name, signal)
    if (!euKey || !pneId) throw new Error(`${name} was not assigned`)
    assignment.key = { euKey, pneId }
    await gateway.confirm(secondSeed, signal)
    assignment.confirmed = true
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error
  }
}

async function judge(
  assignments: readonly Assignment[],
  town: FaultTown,
  gateway: LinkedGateway,
  { kills, struck }: { readonly kills: number; readonly struck: number },
): Promise<Finding> {
  const promises = new Promises()
  const known = new Map((await town.pnes()).map((pne) => [pne.name, pne]))
  const counts = { confirmed: 0, whole: 0, absent: 0 }
  for (const { secondSeed, name, key, confirmed } of assignments) {
    const pne = known.get(name)
    const works = key && (await gateway.authenticate(secondSeed, key.euKey)) === Result.success
    if (confirmed) counts.confirmed++
    else if (pne) counts.whole++
    else counts.absent++
    promises.keep('what was acknowledged is there', !key || pne?.id === key.pneId)
    promises.keep('a confirmed key authenticates', !confirmed || (works === true && pne?.state === 'active'))
    promises.keep('a key authenticates where it is active, and only there', !key || works === (pne?.state === 'active'))
    promises.keep('asked again, the key is the same', !key || (await isSame(secondSeed, name, key, gateway)))
  }
  promises.keep('there is one PNE for each assignment, and no other', known.size === assignments.length - counts.absent)
  const says =
    `${assignments.length} assignments, the server killed ${kills} times with ${struck} of them under way: ${counts.confirmed} ` +
    `acknowledged and there; of those given up ${counts.whole} there as a whole, ${counts.absent} not at all`
  return promises.finding(says, { assignments: assignments.length, kills, struck, ...counts })
}

async function isSame(
  secondSeed: Uint8Array,
  name: string,
  key: { readonly pneId: string; readonly euKey: Uint8Array },
  gateway: LinkedGateway,
): Promise<boolean> {
  const { pneId, euKey } = await gateway.assign(secondSeed, name)
  return pneId === key.pneId && euKey !== undefined && Buffer.compare(euKey, key.euKey) === 0
}
