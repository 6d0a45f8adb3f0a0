// What changes a user: the policy, and the removal, which must leave nothing of the 1st seeds.
import type { DatabaseSync } from 'node:sqlite'
import { type AdmissionRow, type Removal, StoreError, type UserPolicyChange, type UserRow } from '../contract.ts'
import { revokePne } from './keys.ts'
import { row } from './rows.ts'
import type { Statements } from './statements.ts'

/** What {@link Store.changeUserPolicy} does, inside a transaction. */
export function changeUserPolicy(
  statements: Statements,
  name: string,
  { roaming, gateways, sessionsMax }: UserPolicyChange,
  ifVersion: number | undefined,
): UserRow | undefined {
  const user = statements.findUser.get(name) as UserRow | undefined
  if (user === undefined || user.removedAt !== null) return undefined
  checkVersion(user, ifVersion)
  if (roaming !== undefined) statements.changeRoaming.run(roaming, user.id)
  if (sessionsMax !== undefined) statements.changeSessionsMax.run(sessionsMax, user.id)
  if (gateways !== undefined) {
    statements.unlistGateways.run(user.id)
    for (const gateway of new Set(gateways)) {
      if (statements.listGateway.run(user.id, gateway).changes === 1) continue
      throw new StoreError('STORE_UNKNOWN_GATEWAY', 'a listed gateway is not there')
    }
  }
  statements.noteUserChange.run(user.id)
  return row<UserRow>(statements.findUser.get(name))
}

/** @throws {StoreError} `STORE_CHANGED` */
export function checkVersion({ version }: { version: number }, ifVersion: number | undefined): void {
  if (ifVersion === undefined || ifVersion === version) return
  throw new StoreError('STORE_CHANGED', `this is version ${version}: look at it, then change that one`)
}

type AdmissionColumns = [
  roaming: AdmissionRow['roaming'],
  sessionsMax: number | null,
  visitors: number,
  gatewayRevoked: number,
  listed: number,
]

export function findAdmission(
  { findAdmission }: Statements,
  userId: number,
  gateway: string,
): AdmissionRow | undefined {
  const found = findAdmission.get(userId, gateway) as unknown as AdmissionColumns | undefined
  if (found === undefined) return undefined
  const [roaming, sessionsMax, visitors, gatewayRevoked, listed] = found
  return { roaming, sessionsMax, visitors: visitors === 1, gatewayRevoked: gatewayRevoked === 1, listed: listed === 1 }
}

/** What {@link Store.removeUser} does, inside a transaction. {@link forget} must follow. */
export function removeUser(
  statements: Statements,
  name: string,
  tagOf: (secondSeed: Uint8Array) => Uint8Array,
  at: number,
): Omit<Removal, 'erased'> | undefined {
  if (statements.removeUser.run(at, name).changes === 0) return undefined
  const user = row<UserRow>(statements.findUser.get(name))
  statements.destroyFirstSeeds.run(user.id)
  const pnes = statements.pnesOfUser.all(user.id)
  for (const { pneId } of pnes) revokePne(statements, String(pneId), tagOf, at)
  const gateways = statements.revokeGatewaysOfUser.all(at, user.id).map(({ identity }) => String(identity))
  for (const identity of gateways) statements.deregisterAt.run(identity)
  statements.unlistGateways.run(user.id)
  const { seq: newestRevocation } = row<{ seq: number }>(statements.newestRevocation.get())
  return { user, pnes: pnes.length, gateways, newestRevocation }
}

/**
 * Empties the write-ahead log, where the pages before the removal still are; those of the database were overwritten, for
 * secure_delete is on. False when another process reads: then they linger until the log is written anew.
 */
export function forget(db: DatabaseSync): boolean {
  return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0
}
