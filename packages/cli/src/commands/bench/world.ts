// What the load needs at the server, and its end: a user, gateways of that user, and with the user all that was assigned to it.
import { randomBytes } from 'node:crypto'
import type { AdminClient } from '../admin/client.ts'
import type { GatewaySecret } from './messages.ts'

const TOGETHER = 8

export interface World {
  readonly user: string
  readonly gateways: readonly GatewaySecret[]
  /** Removes the user: gateways and devices are revoked with it. */
  remove(): Promise<void>
}

/** @throws {CliError} what the admin API answers; then nothing is left */
export async function makeWorld(admin: AdminClient, count: number): Promise<World> {
  const user = `bench-${randomBytes(4).toString('hex')}`
  await admin.post('/v1/users', { name: user })
  const remove = async () => {
    await admin.delete(`/v1/users/${user}`)
  }
  try {
    return { user, gateways: await addGateways(admin, user, count), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function addGateways(admin: AdminClient, user: string, count: number): Promise<GatewaySecret[]> {
  const gateways: GatewaySecret[] = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const name = `${user}-${next++}`
      const { identity, realm, secret } = await admin.post<GatewaySecret>('/v1/gateways', { name, user })
      gateways.push({ identity, realm, secret })
    }
  }
  await Promise.all(Array.from({ length: TOGETHER }, worker))
  return gateways
}
