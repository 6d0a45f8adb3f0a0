// Who is registered where: reports of gateways, each counted once. The reports that many gateways send at a time are counted
// in one transaction, statement by statement for all of them together.
import {
  type Page,
  type PageRequest,
  type RegistrationChange,
  type RegistrationFilter,
  type RegistrationReport,
  type RegistrationRow,
  StoreError,
} from '../contract.ts'
import { page, readCursor } from '../paging.ts'
import type { Change } from './change.ts'
import type { Queries } from './database.ts'
import { Conditions, statements } from './statements.ts'

const sql = statements('registrations', {
  lockGateways: `
    SELECT id, identity, reports FROM gateways WHERE identity = ANY($1::text[]) AND revoked_at IS NULL
    ORDER BY id FOR NO KEY UPDATE`,
  registrants: `
    SELECT k.second_seed AS "secondSeed", p.id, p.pne_id AS "pneId", p.gateway_id AS "gatewayId", u.name AS user
    FROM keys k JOIN pnes p ON p.pne_id = k.pne_id JOIN users u ON u.id = p.user_id
    WHERE k.second_seed = ANY($1::bytea[]) AND k.state IN ('active', 'retired') AND p.state = 'active'
    ORDER BY p.id FOR SHARE OF p`,
  find: `
    SELECT r.gateway_id AS "gatewayId", r.pne_id AS id, r.session_id AS "sessionId"
    FROM unnest($1::bigint[], $2::bigint[]) AS w (gateway_id, pne_id)
    JOIN registrations r ON r.gateway_id = w.gateway_id AND r.pne_id = w.pne_id`,
  remove: `
    DELETE FROM registrations WHERE (gateway_id, pne_id) IN (
      SELECT w.gateway_id, w.pne_id FROM unnest($1::bigint[], $2::bigint[]) AS w (gateway_id, pne_id))`,
  add: `
    INSERT INTO registrations (gateway_id, pne_id, session_id, "case", since)
    SELECT n.gateway_id, n.pne_id, n.session_id, n.which, n.since
    FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::bigint[])
      WITH ORDINALITY AS n (gateway_id, pne_id, session_id, which, since, place)
    ORDER BY n.place`,
  noteReports: `
    UPDATE gateways SET reports = n.reports FROM unnest($1::bigint[], $2::bigint[]) AS n (id, reports)
    WHERE gateways.id = n.id`,
})

/** Reports of one gateway, as it sent them. */
export interface Reported {
  gateway: string
  first: number
  reports: readonly RegistrationReport[]
}

export interface Counted {
  upTo: number
  changes: RegistrationChange[]
}

/** What {@link Store.countReports} does, for several calls at once; each has an outcome of its own. */
export async function countReports(
  change: Change,
  calls: readonly Reported[],
): Promise<PromiseSettledResult<Counted>[]> {
  const gateways = await lockGateways(change, calls)
  const before = new Map([...gateways.values()].map(({ id, reports }) => [id, reports]))
  const outcomes = calls.map((call) => number(gateways.get(call.gateway), call))
  const fresh = outcomes.flatMap((outcome) => outcome.fresh)
  const state = await readState(change, fresh)
  const settled = outcomes.map(({ fresh, settled }) => {
    if (settled.status === 'fulfilled') settled.value.changes.push(...fresh.flatMap((each) => state.apply(each)))
    return settled
  })
  await state.write(change)
  const counted = [...gateways.values()].filter(({ id, reports }) => reports !== before.get(id))
  if (counted.length > 0) {
    await change.run(sql.noteReports, [counted.map(({ id }) => id), counted.map(({ reports }) => reports)])
  }
  return settled
}

interface Gateway {
  id: number
  identity: string
  /** The last number that was counted. */
  reports: number
}

async function lockGateways(change: Change, calls: readonly Reported[]): Promise<Map<string, Gateway>> {
  const identities = [...new Set(calls.map(({ gateway }) => gateway))]
  const found = await change.all<Gateway>(sql.lockGateways, [identities])
  return new Map(found.map((gateway) => [gateway.identity, gateway]))
}

interface Fresh {
  gatewayId: number
  report: RegistrationReport
}

/** Which of the reports are new; notes their numbers. */
function number(
  gateway: Gateway | undefined,
  { first, reports }: Reported,
): { settled: PromiseSettledResult<Counted>; fresh: Fresh[] } {
  if (gateway === undefined) return refused('STORE_UNKNOWN_GATEWAY', 'the gateway is not there, or revoked')
  const { id: gatewayId, reports: counted } = gateway
  if (first > counted + 1) return refused('STORE_GAP', `after report ${counted} came ${first}`)
  const upTo = Math.max(counted, first + reports.length - 1)
  gateway.reports = upTo
  const fresh = upTo === counted ? [] : reports.slice(counted + 1 - first).map((report) => ({ gatewayId, report }))
  return { settled: { status: 'fulfilled', value: { upTo, changes: [] } }, fresh }
}

function refused(code: 'STORE_UNKNOWN_GATEWAY' | 'STORE_GAP', message: string) {
  const settled: PromiseSettledResult<Counted> = { status: 'rejected', reason: new StoreError(code, message) }
  return { settled, fresh: [] }
}

interface Registrant {
  id: number
  pneId: string
  user: string
  /** That assigned it. */
  gatewayId: number
}

interface Registered {
  gatewayId: number
  id: number
  sessionId: Uint8Array
  /** Written in this transaction. */
  began?: RegistrationReport
}

async function readState(change: Change, fresh: readonly Fresh[]): Promise<State> {
  if (fresh.length === 0) return new State([], [])
  const seeds = fresh.map(({ report }) => report.secondSeed)
  const registrants = await change.all<Registrant & { secondSeed: Uint8Array }>(sql.registrants, [seeds])
  const state = new State(registrants, [])
  const wanted = fresh.flatMap(({ gatewayId, report }) => {
    const registrant = state.registrantOf(report)
    return registrant === undefined ? [] : [{ gatewayId, id: registrant.id }]
  })
  if (wanted.length === 0) return state
  const values = [wanted.map(({ gatewayId }) => gatewayId), wanted.map(({ id }) => id)]
  return new State(registrants, await change.all<Registered>(sql.find, values))
}

/** What is registered of those that the reports are about, before and after them. */
class State {
  readonly #registrants: Map<string, Registrant>
  readonly #before: Map<string, Registered>
  readonly #now: Map<string, Registered>

  constructor(registrants: readonly (Registrant & { secondSeed: Uint8Array })[], registered: readonly Registered[]) {
    this.#registrants = new Map(registrants.map((each) => [nameOf(each.secondSeed), each]))
    this.#before = new Map(registered.map((each) => [placeOf(each), each]))
    this.#now = new Map(this.#before)
  }

  registrantOf({ secondSeed }: RegistrationReport): Registrant | undefined {
    return this.#registrants.get(nameOf(secondSeed))
  }

  apply({ gatewayId, report }: Fresh): RegistrationChange[] {
    const { kind, sessionId, case: which } = report
    const registrant = this.registrantOf(report)
    if (registrant === undefined || (which === 'local' && registrant.gatewayId !== gatewayId)) return []
    const { id, pneId, user } = registrant
    const place = placeOf({ gatewayId, id })
    const known = this.#now.get(place)
    if (kind === 'ended' && (known === undefined || Buffer.compare(known.sessionId, sessionId) !== 0)) return []
    this.#now.delete(place) // so that a newer one comes last
    if (kind === 'began') this.#now.set(place, { gatewayId, id, sessionId, began: report })
    return [{ kind, case: which, pneId, user }]
  }

  async write(change: Change): Promise<void> {
    const gone = [...this.#before.values()].filter((each) => this.#now.get(placeOf(each)) !== each)
    const come = [...this.#now.values()].filter(({ began }) => began !== undefined)
    if (gone.length > 0) await change.run(sql.remove, [gone.map((each) => each.gatewayId), gone.map(({ id }) => id)])
    if (come.length > 0) {
      await change.run(sql.add, [
        come.map(({ gatewayId }) => gatewayId),
        come.map(({ id }) => id),
        come.map(({ sessionId }) => sessionId),
        come.map(({ began }) => began?.case),
        come.map(({ began }) => began?.at),
      ])
    }
    change.count({ registered: come.length - gone.length })
  }
}

function nameOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
}

function placeOf({ gatewayId, id }: { gatewayId: number; id: number }): string {
  return `${gatewayId}/${id}`
}

const registration = `
  SELECT r.id, r.session_id AS "sessionId", p.pne_id AS "pneId", p.name, u.name AS user, g.identity AS gateway, r."case",
         r.since
  FROM registrations r
  JOIN pnes p ON p.id = r.pne_id JOIN users u ON u.id = p.user_id JOIN gateways g ON g.id = r.gateway_id`

/** What {@link Store.listRegistrations} gives. */
export async function listRegistrations(
  reads: Queries,
  { gateway, pneId }: RegistrationFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<RegistrationRow>> {
  const [statement, values] = new Conditions()
    .add('before', 'r.id < ?', readCursor(cursor))
    .addGiven('gateway', 'r.gateway_id = (SELECT id FROM gateways WHERE identity = ?)', gateway)
    .addGiven('pne', 'r.pne_id = (SELECT id FROM pnes WHERE pne_id = ?)', pneId)
    .statement(
      'registrations.list',
      (where, last) => `${registration} ${where} ORDER BY r.id DESC LIMIT ${last}`,
      limit + 1,
    )
  const { items, next } = page(
    await reads.all<RegistrationRow & { id: number }>(statement, values),
    limit,
    ({ id }) => `${id}`,
  )
  return { items: items.map(({ id, ...row }) => row), next }
}
