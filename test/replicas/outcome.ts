// What becomes of authentications, one after another or under load.

import type { Gateway } from '@opencpns/gateway'
import { type Credential, connect, type PneError } from '@opencpns/pne'
import { comingAgain, slowness } from '../support/turned-away.ts'
import { until } from '../support/until.ts'

/** A gateway in this process. Of one whose log is not here, every refusal counts. */
type Place = Pick<Gateway, 'address'> & Partial<Pick<Gateway, 'identity'>>

/** What a gateway has logged. */
type Lines = readonly Readonly<Record<string, unknown>>[]

/**
 * `success`, or the code of the error. Whom the gateway turns away because this machine has too much to do comes again.
 * @param lines where the gateway logs
 */
export async function outcomeAt(gateway: Place, credential: Credential, lines: Lines = []): Promise<string> {
  let before = 0
  const attempt = () => {
    before = lines.length
    return outcomeOnce(gateway, credential)
  }
  const tells = ({ reason, gateway: of }: Lines[number]) => slowness.includes(String(reason)) && of === gateway.identity
  return comingAgain(attempt, (outcome) => outcome !== 'success' && lines.slice(before).some(tells))
}

async function outcomeOnce({ address }: Place, credential: Credential): Promise<string> {
  try {
    const session = await connect({ ...address, credential })
    await session.close()
    return 'success'
  } catch (error) {
    return (error as PneError).code
  }
}

/** Authenticates again and again, so many at once, until it is told to stop; gives all outcomes. */
export function load(gateway: Place, credential: Credential, lines: Lines, atOnce = 6) {
  const outcomes: string[] = []
  let isOver = false
  const one = async () => {
    while (!isOver) outcomes.push(await outcomeAt(gateway, credential, lines))
  }
  const all = Promise.all(Array.from({ length: atOnce }, one))
  return {
    outcomes,
    /** Resolves when so many more are done. */
    more: (count: number) => {
      const enough = outcomes.length + count
      return until(() => outcomes.length >= enough, 'the load stands still', 60_000)
    },
    stop: async () => {
      isOver = true
      await all
    },
  }
}
