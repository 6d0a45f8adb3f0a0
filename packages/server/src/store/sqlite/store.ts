// The store contract on one SQLite connection. Reads run at once; writes go through the group commit.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type AdmissionRow,
  type EventFilter,
  type EventRow,
  type FirstSeedRow,
  type GatewayRow,
  type GatewaySecretRow,
  type GenerationRetirement,
  type GenerationRow,
  type KeyRow,
  type KeyState,
  type NewEventRow,
  type NewGateway,
  type NewKey,
  type NewPne,
  type Page,
  type PageRequest,
  type PneFilter,
  type PneKeyRow,
  type PneRow,
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
  type UserPolicyChange,
  type UserRow,
} from '../contract.ts'
import { toStoreError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import * as keys from './keys.ts'
import { ReadTurn } from './read-turn.ts'
import { countReports, pnRow, registrationRow } from './registrations.ts'
import { gatewayRow, inBatches, page, pneRow, readCursor, row } from './rows.ts'
import { listEventsSql, listPnesSql, listRegistrationsSql, prepareAll, type Statements } from './statements.ts'
import { changeUserPolicy, findAdmission, forget, removeUser } from './users.ts'

/** Assignments that {@link SqliteStore.importPnes} writes in one transaction: other writers wait that long. */
const IMPORT_BATCH = 5000

export class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #commits: GroupCommit
  readonly #turn: ReadTurn
  readonly #statements: Statements
  /** Statements made to measure for a filter: as many as there are combinations of conditions. */
  readonly #lists = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#turn = new ReadTurn(db)
    this.#commits = new GroupCommit(db, this.#turn)
    this.#statements = prepareAll(db)
    this.#statements.findPneKey.setReturnArrays(true) // the hot one: an array costs less than named columns
  }

  claim(name: string, value: Uint8Array): Promise<Uint8Array> {
    return this.#write(({ claim, findClaim }) => {
      claim.run(name, value)
      return row<{ value: Uint8Array }>(findClaim.get(name)).value
    })
  }

  replaceClaim(name: string, from: Uint8Array, to: Uint8Array): Promise<boolean> {
    return this.#write(({ replaceClaim }) => replaceClaim.run({ name, from, to }).changes === 1)
  }

  addUser(user: { name: string; sealedFirstSeed: Uint8Array; createdAt: number }): Promise<UserRow> {
    return this.#write(({ addUser, addFirstSeed, findUser }) => {
      const { id } = row<{ id: number }>(addUser.get(user.name, user.createdAt))
      addFirstSeed.run({ userId: id, generation: 1, sealed: user.sealedFirstSeed, createdAt: user.createdAt })
      return row<UserRow>(findUser.get(user.name))
    })
  }

  findUser(name: string): Promise<UserRow | undefined> {
    return this.#read(({ findUser }) => findUser.get(name) as UserRow | undefined)
  }

  listUsers({ limit, cursor = '' }: PageRequest): Promise<Page<UserRow>> {
    return this.#read(({ listUsers }) =>
      page(listUsers.all(cursor, limit + 1) as unknown as UserRow[], limit, (user) => user.name),
    )
  }

  addFirstSeed(seed: { userId: number; generation: number; sealed: Uint8Array; createdAt: number }): Promise<void> {
    return this.#write(({ addFirstSeed }) => {
      const { changes } = addFirstSeed.run(seed)
      if (changes === 0)
        throw new StoreError('STORE_DUPLICATE', 'another 1st seed was added at the same time: try again')
    })
  }

  findFirstSeed(userId: number, generation: number): Promise<FirstSeedRow | undefined> {
    return this.#read(({ findFirstSeed }) => findFirstSeed.get(userId, generation) as FirstSeedRow | undefined)
  }

  listGenerations(userId: number): Promise<GenerationRow[]> {
    return this.#read(({ listGenerations }) =>
      (listGenerations.all(userId) as unknown as GenerationRow[]).map((found) => ({
        ...found,
        retired: Boolean(found.retired),
      })),
    )
  }

  async retireGeneration(of: Parameters<Store['retireGeneration']>[0]): Promise<GenerationRetirement> {
    const retirement = await this.#write((statements) => keys.retireGeneration(statements, of))
    return { ...retirement, erased: retirement.retired && this.#forget() }
  }

  changeUserPolicy(name: string, change: UserPolicyChange): Promise<UserRow | undefined> {
    return this.#write((statements) => changeUserPolicy(statements, name, change))
  }

  listedGateways(userId: number): Promise<string[]> {
    return this.#read(({ listedGateways }) => listedGateways.all(userId).map(({ identity }) => String(identity)))
  }

  async removeUser(
    name: string,
    tagOf: (secondSeed: Uint8Array) => Uint8Array,
    at: number,
  ): Promise<Removal | undefined> {
    const removal = await this.#write((statements) => removeUser(statements, name, tagOf, at))
    return removal && { ...removal, erased: this.#forget() }
  }

  addGateway(gateway: NewGateway): Promise<GatewayRow> {
    return this.#write(({ addGateway, findGateway, findRadiusGateway }) => {
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
    return this.#read(({ findGatewaySecret }) => gatewayRow<GatewaySecretRow>(findGatewaySecret.get(identity)))
  }

  listGateways({ limit, cursor = '' }: PageRequest): Promise<Page<GatewayRow>> {
    return this.#read(({ listGateways }) => {
      const found = listGateways.all(cursor, limit + 1).map((each) => row<GatewayRow>(gatewayRow(each)))
      return page(found, limit, (gateway) => gateway.identity)
    })
  }

  changeVisitors(identity: string, visitors: boolean): Promise<GatewayRow | undefined> {
    return this.#write(({ changeVisitors, findGateway }) => {
      changeVisitors.run(visitors ? 1 : 0, identity)
      return gatewayRow(findGateway.get(identity))
    })
  }

  findAdmission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    return this.#look((statements) => findAdmission(statements, userId, gateway))
  }

  revokeGateway(identity: string, at: number): Promise<GatewayRow | undefined> {
    return this.#write(({ revokeGateway, deregisterAt, findGateway }) => {
      revokeGateway.run(at, identity)
      deregisterAt.run(identity)
      return gatewayRow(findGateway.get(identity))
    })
  }

  listRadiusGateways(): Promise<RadiusGatewayRow[]> {
    return this.#read(({ listRadiusGateways }) => listRadiusGateways.all() as unknown as RadiusGatewayRow[])
  }

  radiusGatewayChanges(): Promise<number> {
    return this.#read(({ radiusGatewayChanges }) => row<{ changes: number }>(radiusGatewayChanges.get()).changes)
  }

  assignPne(pne: NewPne): Promise<KeyRow | undefined> {
    return this.#write((statements) => keys.assignPne(statements, pne))
  }

  assignKey(key: NewKey): Promise<KeyRow | undefined> {
    return this.#write((statements) => keys.assignKey(statements, key))
  }

  confirmPne(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.#write((statements) => keys.confirmPne(statements, secondSeed, gateway, at))
  }

  retireKey(secondSeed: Uint8Array, gateway: string, at: number): Promise<KeyRow | undefined> {
    return this.#write((statements) => keys.retireKey(statements, secondSeed, gateway, at))
  }

  revokePne(
    pneId: string,
    tagOf: (secondSeed: Uint8Array) => Uint8Array,
    at: number,
  ): Promise<RevocationRow | undefined> {
    return this.#write((statements) => {
      keys.revokePne(statements, pneId, tagOf, at)
      return statements.findRevocation.get(pneId) as RevocationRow | undefined
    })
  }

  findPneBySecondSeed(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    return this.#look(({ findPneKey }) => {
      const found = findPneKey.get(secondSeed) as [string, KeyState, number, number] | undefined
      if (found === undefined) return undefined
      const [pneId, state, userId, generation] = found
      return { pneId, state, userId, generation }
    })
  }

  findPne(pneId: string): Promise<PneRow | undefined> {
    return this.#read(({ findPne }) => pneRow(findPne.get(pneId)))
  }

  matchPnes(reference: string, limit: number): Promise<PneRow[]> {
    return this.#read(({ matchPnes }) => matchPnes.all({ reference, limit }).map((found) => row<PneRow>(pneRow(found))))
  }

  listPnes({ state, user, query }: PneFilter, { limit, cursor }: PageRequest): Promise<Page<PneRow>> {
    return this.#read(() => {
      const sql = listPnesSql({ state: state !== undefined, user: user !== undefined, query: query !== undefined })
      const found = this.#list(sql, { state, user, query, before: readCursor(cursor), limit: limit + 1 })
      const { items, next } = page(found, limit, ({ id }) => String(id))
      return { items: items.map((item) => row<PneRow>(pneRow(item))), next }
    })
  }

  removePendingPnes(time: number): Promise<number> {
    return this.#write((statements) => keys.removePendingPnes(statements, time))
  }

  removeRetiredKeys(time: number): Promise<number> {
    return this.#write(({ removeRetiredKeys }) => Number(removeRetiredKeys.run(time).changes))
  }

  async importPnes(pnes: Iterable<NewPne>): Promise<number> {
    let count = 0
    for (const batch of inBatches(pnes, IMPORT_BATCH)) {
      await this.#write((statements) => {
        for (const pne of batch) {
          const added = keys.addPne(statements, { ...pne, state: 'active', confirmedAt: pne.createdAt })
          if (!added) throw new StoreError('STORE_UNKNOWN_GATEWAY', 'a PNE names a gateway that is not there')
        }
      })
      count += batch.length
    }
    return count
  }

  revocationsSince(seq: number, limit: number): Promise<RevocationRow[]> {
    return this.#read(({ revocationsSince }) => revocationsSince.all(seq, limit) as unknown as RevocationRow[])
  }

  newestRevocation(): Promise<number> {
    return this.#read(({ newestRevocation }) => row<{ seq: number }>(newestRevocation.get()).seq)
  }

  countReports(
    gateway: string,
    first: number,
    reports: readonly RegistrationReport[],
  ): Promise<{ upTo: number; changes: RegistrationChange[] }> {
    return this.#write((statements) => countReports(statements, gateway, first, reports))
  }

  listRegistrations({ gateway, pneId }: RegistrationFilter, { limit, cursor }: PageRequest) {
    return this.#read<Page<RegistrationRow>>(() => {
      const sql = listRegistrationsSql({ gateway: gateway !== undefined, pneId: pneId !== undefined })
      const found = this.#list(sql, { gateway, pneId, before: readCursor(cursor), limit: limit + 1 })
      const { items, next } = page(found, limit, ({ id }) => String(id))
      return { items: items.map(registrationRow), next }
    })
  }

  listPns({ limit, cursor = '' }: PageRequest): Promise<Page<PnRow>> {
    return this.#read(({ listPns }) => page(listPns.all(cursor, limit + 1).map(pnRow), limit, ({ gateway }) => gateway))
  }

  findPn(gateway: string): Promise<PnRow | undefined> {
    return this.#read(({ findPn }) => {
      const found = findPn.get(gateway)
      return found && pnRow(found)
    })
  }

  appendEvents(events: readonly NewEventRow[], keep: number): Promise<void> {
    return this.#write(({ appendEvent, trimEvents }) => {
      for (const { at, type, result, reason, pneId, gateway, user, case: which, ms } of events) {
        appendEvent.run(at, type, result, reason, pneId, gateway, user, which, ms)
      }
      trimEvents.run(keep)
    })
  }

  listEvents({ limit, before = Number.MAX_SAFE_INTEGER, type, pneId }: EventFilter): Promise<EventRow[]> {
    return this.#read(() => {
      const kind = type === undefined ? 'any' : type === 'authentication' ? type : 'rare'
      const sql = listEventsSql({ type: kind, pneId: pneId !== undefined })
      return this.#list(sql, { type, pneId, before, limit }) as unknown as EventRow[]
    })
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return
    this.#commits.flush()
    this.#turn.end()
    this.#db.close()
  }

  /** An async function, so that what it throws rejects. */
  async #read<T>(query: (statements: Statements) => T): Promise<T> {
    this.#checkOpen()
    try {
      return query(this.#statements)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  /** A read that an authentication makes: it shares the transaction of its turn. */
  #look<T>(query: (statements: Statements) => T): Promise<T> {
    return this.#read((statements) => {
      this.#turn.enter()
      return query(statements)
    })
  }

  #forget(): boolean {
    this.#turn.end()
    return forget(this.#db)
  }

  async #write<T>(change: (statements: Statements) => T): Promise<T> {
    this.#checkOpen()
    return this.#commits.run(() => change(this.#statements))
  }

  #checkOpen(): void {
    if (!this.#db.isOpen) throw new StoreError('STORE_CLOSED', 'the store is closed')
  }

  /** Runs a statement that was made to measure; parameters that it does not use are undefined. */
  #list(sql: string, parameters: Record<string, SQLInputValue | undefined>): Record<string, unknown>[] {
    let statement = this.#lists.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#lists.set(sql, statement)
    }
    const used = Object.entries(parameters).filter((entry): entry is [string, SQLInputValue] => entry[1] !== undefined)
    return statement.all(Object.fromEntries(used))
  }
}
