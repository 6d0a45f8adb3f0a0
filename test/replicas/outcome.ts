// What becomes of authentications, one after another or under load.

import type { Gateway } from '@opencpns/gateway'
import { type Credential, connect, type PneError } from '@opencpns/pne'
import { until } from '../support/until.ts'

/** `success`, or the code of the error. */
export async function outcomeAt({ address }: Pick<Gateway, 'address'>, credential: Credential): Promise<string> {
  try {
    const session = await connect({ ...address, credential })
    await session.close()
    return 'success'
  } catch (error) {
    return (error as PneError).code
  }
}

/** Authenticates again and again, so many at once, until it is told to stop; gives all outcomes. */
export function load(gateway: Pick<Gateway, 'address'>, credential: Credential, atOnce = 6) {
  const outcomes: string[] = []
  let isOver = false
  const one = async () => {
    while (!isOver) outcomes.push(await outcomeAt(gateway, credential))
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
