// Who is registered where: reports of gateways, each counted once.
import {
  type PnRow,
  type RegistrationChange,
  type RegistrationReport,
  type RegistrationRow,
  StoreError,
} from '../contract.ts'
import type { Statements } from './statements.ts'

/** What {@link Store.countReports} does, inside a transaction. */
export function countReports(
  statements: Statements,
  gateway: string,
  first: number,
  reports: readonly RegistrationReport[],
): { upTo: number; changes: RegistrationChange[] } {
  const found = statements.findReports.get(gateway) as { id: number; reports: number } | undefined
  if (found === undefined) throw new StoreError('STORE_UNKNOWN_GATEWAY', 'the gateway is not there, or revoked')
  const { id: gatewayId, reports: counted } = found
  if (first > counted + 1) throw new StoreError('STORE_GAP', `after report ${counted} came ${first}`)
  const upTo = Math.max(counted, first + reports.length - 1)
  if (upTo === counted) return { upTo, changes: [] }
  const changes = reports.slice(counted + 1 - first).flatMap((report) => effectOf(statements, gatewayId, report))
  statements.noteReports.run(upTo, gatewayId)
  return { upTo, changes }
}

function effectOf(statements: Statements, gatewayId: number, report: RegistrationReport): RegistrationChange[] {
  const { kind, sessionId, secondSeed, case: which, at } = report
  const found = statements.findRegistrant.get({ secondSeed, case: which, gatewayId })
  if (found === undefined) return []
  const { id, pneId, user } = found as { id: number; pneId: string; user: string }
  if (kind === 'began') {
    statements.replaceRegistration.run(gatewayId, id)
    statements.register.run(gatewayId, id, sessionId, which, at)
  } else if (statements.deregister.run(gatewayId, id, sessionId).changes === 0) return []
  return [{ kind, case: which, pneId, user }]
}

/** Without the number by which registrations are ordered. */
export function registrationRow({ id, ...registration }: Record<string, unknown>): RegistrationRow {
  return registration as unknown as RegistrationRow
}

export function pnRow(found: Record<string, unknown>): PnRow {
  return { ...(found as unknown as PnRow), visitors: found['visitors'] === 1 }
}
