// The store contract on one SQLite connection; the operator's part of it is in operator.ts.
import type { DatabaseSync } from 'node:sqlite'
import {
  type AdmissionRow,
  type EventFilter,
  type EventRow,
  type FirstSeedRow,
  type GatewayFilter,
  type GatewayRow,
  type GatewaySecretRow,
  type GenerationRetirement,
  type GenerationRow,
  type KeyRow,
  type KeyState,
  type ListedGatewayRow,
  type NewEventRow,
  type NewGateway,
  type NewKey,
  type NewPne,
  type Page,
  type PageRequest,
  type PneFilter,
  type PneKeyRow,
  type PneRow,
  type PnFilter,
  type PnRow,
  type RadiusGatewayRow,
  type RegistrationChange,
  type RegistrationFilter,
  type RegistrationReport,
  type RegistrationRow,
  type Removal,
  type RevocationRow,
  type Store,
  StoreError,
  type UserFilter,
  type UserPolicyChange,
  type UserRow,
} from '../contract.ts'
import { page, readCursor } from '../paging.ts'
import { ChangesPart } from './changes.ts'
import { Connection } from './connection.ts'
import * as events from './events.ts'
import { importPnes } from './import.ts'
import { listPnes } from './inventory.ts'
import * as keys from './keys.ts'
import { countReports, pnRow, registrationRow } from './registrations.ts'
import { beginning, gatewayRow, listedGatewayRow, pneRow, row } from './rows.ts'
import { listGatewaysSql, listPnsSql, listRegistrationsSql } from './statements.ts'
import { changeUserPolicy, checkVersion, findAdmission, forget, removeUser } from './users.ts'

export class SqliteStore extends ChangesPart implements Store {
  constructor(db: DatabaseSync) {
    super(new Connection(db))
    // The hot ones: an array costs less than named columns.
    const { findPneKey, findAdmission } = this.connection.statements
    for (const statement of [findPneKey, findAdmission]) statement.setReturnArrays(true)
  }

  claim(name: string, value: Uint8Array): Promise<Uint8Array> {
    return this.connection.write(({ claim, findClaim }) => {
      claim.run(name, value)
      return row<{ value: Uint8Array }>(findClaim.get(name)).value
    })
  }

  replaceClaim(name: string, from: Uint8Array, to: Uint8Array): Promise<boolean> {
    return this.connection.write(({ replaceClaim }) => replaceClaim.run({ name, from, to }).changes === 1)
  }

  addUser(user: { name: string; sealedFirstSeed: Uint8Array; createdAt: number }): Promise<UserRow> {
    return this.connection.write(({ addUser, addFirstSeed, findUser }) => {
      const { id } = row<{ id: number }>(addUser.get(user.name, user.createdAt))
      addFirstSeed.run({ userId: id, generation: 1, sealed: user.sealedFirstSeed, createdAt: user.createdAt })
      return row<UserRow>(findUser.get(user.name))
    })
  }

  findUser(name: string): Promise<UserRow | undefined> {
    return this.connection.read(({ findUser }) => findUser.get(name) as UserRow | undefined)
  }

  listUsers({ query = '' }: UserFilter, { limit, cursor = '' }: PageRequest): Promise<Page<UserRow>> {
    return this.connection.read(({ listUsers }) => {
      const found = listUsers.all({ ...beginning(query, cursor), limit: limit + 1 })
      return page(found as unknown as UserRow[], limit, ({ name }) => name)
    })
  }

  addFirstSeed(seed: { userId: number; generation: number; sealed: Uint8Array; createdAt: number }): Promise<void> {
    return this.connection.write(({ addFirstSeed, noteUserChange }) => {
      const { changes } = addFirstSeed.run(seed)
      if (changes === 0)
        throw new StoreError('STORE_DUPLICATE', 'another 1st seed was added at the same time: try again')
      noteUserChange.run(seed.userId)
    })
  }

  findFirstSeed(userId: number, generation: number): Promise<FirstSeedRow | undefined> {
    return this.connection.read(
      ({ findFirstSeed }) => findFirstSeed.get(userId, generation) as FirstSeedRow | undefined,
    )
  }

  listGenerations(userId: number): Promise<GenerationRow[]> {
    return this.connection.read(({ listGenerations }) =>
      (listGenerations.all(userId) as unknown as GenerationRow[]).map((found) => ({
        ...found,
        retired: Boolean(found.retired),
      })),
    )
  }

  async retireGeneration(of: Parameters<Store['retireGeneration']>[0]): Promise<GenerationRetirement> {
    const retirement = await this.connection.write((statements) => keys.retireGeneration(statements, of))
    return { ...retirement, erased: retirement.retired && this.#forget() }
  }

  changeUserPolicy(name: string, change: UserPolicyChange, ifVersion?: number): Promise<UserRow | undefined> {
    return this.connection.write((statements) => changeUserPolicy(statements, name, change, ifVersion))
  }

  listedGateways(userId: number): Promise<string[]> {
    return this.connection.read(({ listedGateways }) =>
      listedGateways.all(userId).map(({ identity }) => String(identity)),
    )
  }

  async removeUser(
    name: string,
    tagOf: (secondSeed: Uint8Array) => Uint8Array,
    at: number,
  ): Promise<Removal | undefined> {
    const removal = await this.connection.write((statements) => removeUser(statements, name, tagOf, at))
    return removal && { ...removal, erased: this.#forget() }
  }

  addGateway(gateway: NewGateway): Promise<GatewayRow> {
    return this.connection.write(({ addGateway, findGateway, findRadiusGateway }) => {
      if (gateway.radius !== null && findRadiusGateway.get(gateway.radius) !== undefined) {
        throw new StoreError('STORE_PREFIX_TAKEN', 'another RADIUS client has this address prefix')
      }
      if (addGateway.run({ ...gateway }).changes === 0) {
        throw new StoreError('STORE_UNKNOWN_USER', 'the user is not there, or was removed')
      }
      return row<GatewayRow>(gatewayRow(findGateway.get(gateway.identity)))
    })
  }

  findGateway(identity: string): Promise<GatewaySecretRow | undefined> {
    return this.connection.read(({ findGatewaySecret }) =>
      gatewayRow<GatewaySecretRow>(findGatewaySecret.get(identity)),
    )
  }

  listGateways(filter: GatewayFilter, { limit, cursor = '' }: PageRequest): Promise<Page<ListedGatewayRow>> {
    const { query = '', user, kind, state } = filter
    return this.connection.read(() => {
      const sql = listGatewaysSql({ user: user !== undefined, kind, state })
      const found = this.connection.list(sql, { ...beginning(query, cursor), user, limit: limit + 1 })
      return page(found.map(listedGatewayRow), limit, ({ identity }) => identity)
    })
  }

  changeVisitors(identity: string, visitors: boolean, ifVersion?: number): Promise<GatewayRow | undefined> {
    return this.connection.write(({ changeVisitors, findGateway }) => {
      const gateway = findGateway.get(identity)
      if (gateway === undefined) return undefined
      checkVersion(gateway as { version: number }, ifVersion)
      changeVisitors.run(visitors ? 1 : 0, identity)
      return gatewayRow(findGateway.get(identity))
    })
  }

  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    return this.connection.look((statements) => findAdmission(statements, userId, gateway))
  }

  revokeGateway(identity: string, at: number): Promise<GatewayRow | undefined> {
    return this.connection.write(({ revokeGateway, deregisterAt, findGateway }) => {
      revokeGateway.run(at, identity)
      deregisterAt.run(identity)
      return gatewayRow(findGateway.get(identity))
    })
  }

  listRadiusGateways(): Promise<RadiusGatewayRow[]> {
    return this.connection.read(({ listRadiusGateways }) => listRadiusGateways.all() as unknown as RadiusGatewayRow[])
  }

  radiusGatewayChanges(): Promise<number> {
    return this.connection.read(
      ({ radiusGatewayChanges }) => row<{ changes: number }>(radiusGatewayChanges.get()).changes,
    )
  }

  assignPne(pne: NewPne): Promise<KeyRow | undefined> {
    return this.connection.write((statements) => keys.assignPne(statements, pne))
  }

  assignKey(key: NewKey): Promise<KeyRow | undefined> {
    return this.connection.write((statements) => keys.assignKey(statements, key))
  }

  confirmPne(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.connection.write((statements) => keys.confirmPne(statements, secondSeed, gateway, at))
  }

  retireKey(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.connection.write((statements) => keys.retireKey(statements, secondSeed, gateway, at))
  }

  revokePne(
    pneId: string,
    tagOf: (secondSeed: Uint8Array) => Uint8Array,
    at: number,
  ): Promise<RevocationRow | undefined> {
    return this.connection.write((statements) => {
      keys.revokePne(statements, pneId, tagOf, at)
      return statements.findRevocation.get(pneId) as RevocationRow | undefined
    })
  }

  findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    return this.connection.look(({ findPneKey }) => {
      const found = findPneKey.get(secondSeed) as [string, KeyState, number, number] | undefined
      if (found === undefined) return undefined
      const [pneId, state, userId, generation] = found
      return { pneId, state, userId, generation }
    })
  }

  findPne(pneId: string): Promise<PneRow | undefined> {
    return this.connection.read(({ findPne }) => pneRow(findPne.get(pneId)))
  }

  matchPnes(reference: string, limit: number): Promise<PneRow[]> {
    return this.connection.read(({ matchPnes }) =>
      matchPnes.all({ reference, limit }).map((found) => row<PneRow>(pneRow(found))),
    )
  }

  listKeys(pneId: string): Promise<KeyRow[]> {
    return this.connection.read(({ listKeys }) => listKeys.all(pneId) as unknown as KeyRow[])
  }

  listPnes(filter: PneFilter, page: PageRequest): Promise<Page<PneRow>> {
    return listPnes(this.connection, filter, page)
  }

  removePendingPnes(time: number): Promise<number> {
    return this.connection.write((statements) => keys.removePendingPnes(statements, time))
  }

  removeRetiredKeys(time: number): Promise<number> {
    return this.connection.write(({ removeRetiredKeys }) => Number(removeRetiredKeys.run(time).changes))
  }

  importPnes(pnes: Iterable<NewPne>): Promise<number> {
    return importPnes(this.connection, pnes)
  }

  revocationsSince(seq: number, limit: number): Promise<RevocationRow[]> {
    return this.connection.read(
      ({ revocationsSince }) => revocationsSince.all(seq, limit) as unknown as RevocationRow[],
    )
  }

  newestRevocation(): Promise<number> {
    return this.connection.read(({ newestRevocation }) => row<{ seq: number }>(newestRevocation.get()).seq)
  }

  countReports(
    gateway: string,
    first: number,
    reports: readonly RegistrationReport[],
  ): Promise<{ upTo: number; changes: RegistrationChange[] }> {
    return this.connection.write((statements) => countReports(statements, gateway, first, reports))
  }

  listRegistrations({ gateway, pneId }: RegistrationFilter, { limit, cursor }: PageRequest) {
    return this.connection.read<Page<RegistrationRow>>(() => {
      const sql = listRegistrationsSql({ gateway: gateway !== undefined, pneId: pneId !== undefined })
      const found = this.connection.list(sql, { gateway, pneId, before: readCursor(cursor), limit: limit + 1 })
      const { items, next } = page(found, limit, ({ id }) => String(id))
      return { items: items.map(registrationRow), next }
    })
  }

  listPns({ query = '', user }: PnFilter, { limit, cursor = '' }: PageRequest): Promise<Page<PnRow>> {
    return this.connection.read(() => {
      const sql = listPnsSql({ user: user !== undefined })
      const found = this.connection.list(sql, { ...beginning(query, cursor), user, limit: limit + 1 })
      return page(found.map(pnRow), limit, ({ gateway }) => gateway)
    })
  }

  findPn(gateway: string): Promise<PnRow | undefined> {
    return this.connection.read(({ findPn }) => {
      const found = findPn.get(gateway)
      return found && pnRow(found)
    })
  }

  appendEvents(rows: readonly NewEventRow[], keep: number): Promise<number[]> {
    return this.connection.write((statements) => events.appendEvents(statements, rows, keep))
  }

  findEvent(id: number): Promise<EventRow | undefined> {
    return this.connection.read(({ findEvent }) => findEvent.get(id) as EventRow | undefined)
  }

  listEvents(filter: EventFilter): Promise<EventRow[]> {
    return events.listEvents(this.connection, filter)
  }

  eventsOfSessions(sessions: readonly string[]): Promise<EventRow[]> {
    return events.eventsOfSessions(this.connection, sessions)
  }

  async close(): Promise<void> {
    this.connection.close()
  }

  /** After the last read of this turn: a reader would keep the old pages. */
  #forget(): boolean {
    this.connection.endReads()
    return forget(this.connection.db)
  }
}
