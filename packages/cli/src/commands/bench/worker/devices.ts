// The devices of a worker: it makes their 2nd seeds, as the gateways that assign keys do, and keeps the keys for itself.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Upstream } from '@opencpns/gateway'
import { Credential } from '@opencpns/pne'
import { Result, SEED_OCTETS } from '@opencpns/protocol'
import { CliError } from '../../../errors.ts'
import type { GatewaySecret } from '../messages.ts'

const TOGETHER = 32
const TRIES = 20
const RETRY_MS = 250

/** A gateway of this worker, as its server sees it. */
export interface Link {
  readonly gateway: GatewaySecret
  readonly upstream: Upstream
}

/** Has so many keys assigned, evenly by all gateways, and confirms them. @throws {CliError} BENCH_FAILED */
export async function addDevices(links: readonly Link[], count: number): Promise<Credential[]> {
  const devices: Credential[] = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const link = links[next++ % links.length] as Link
      devices.push(await addDevice(link))
    }
  }
  await Promise.all(Array.from({ length: TOGETHER }, worker))
  return devices
}

async function addDevice({ gateway: { identity, realm }, upstream }: Link): Promise<Credential> {
  const secondSeed = randomBytes(SEED_OCTETS)
  const { pneId, euKey } = await atLast(() => upstream.assignKey(secondSeed))
  await atLast(() => upstream.confirmKey(secondSeed))
  return new Credential({ pneId, realm, gateway: identity, secondSeed, euKey })
}

/** Asks again while the server is busy, or not there yet. */
async function atLast<T extends { readonly result: Result }>(
  ask: () => Promise<T>,
): Promise<Extract<T, { readonly result: typeof Result.success }>> {
  let answer = await ask()
  for (let tries = 1; answer.result !== Result.success && tries < TRIES; tries++) {
    await sleep(RETRY_MS)
    answer = await ask()
  }
  if (answer.result === Result.success) return answer as Extract<T, { readonly result: typeof Result.success }>
  const reason = 'reason' in answer ? String(answer.reason) : 'no reason'
  throw new CliError(
    'BENCH_FAILED',
    `no keys can be assigned: ${reason}. Check that the server runs where --server says`,
  )
}
