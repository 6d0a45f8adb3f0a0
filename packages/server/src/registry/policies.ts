// What end users allow their PNEs, and whether gateways take visitors. Kept here; held to by authentication and by gateways.
import type { LookUps } from '../caches/look-ups.ts'
import type { EventLog } from '../events.ts'
import type { AdmissionRow, GatewayRow, Store, UserPolicyChange, UserRow } from '../store/contract.ts'
import { StoreError } from '../store/contract.ts'
import { changedMeanwhile, RegistryError, unknownGateway, unknownUser } from './errors.ts'
import type { GatewayPolicy, RegistryEvents } from './types.ts'

/** A user, and the identities of the gateways where the PNEs of this user may roam. */
export interface UserPolicy extends UserRow {
  gateways: string[]
}

interface PoliciesOptions {
  store: Store
  events: EventLog | undefined
  /** Where authentication and links look up. */
  lookUps: Pick<LookUps, 'findAdmission' | 'findGateway' | 'findUser'>
  onChange: (changed: RegistryEvents['policyChanged'][0]) => Promise<void>
}

/** What changes something resolves once the change is durable. Each method may reject with {@link StoreError}. */
export class Policies {
  readonly #store: Store
  readonly #events: EventLog | undefined
  readonly #lookUps: PoliciesOptions['lookUps']
  readonly #onChange: PoliciesOptions['onChange']

  constructor({ store, lookUps, events, onChange }: PoliciesOptions) {
    this.#lookUps = lookUps
    this.#store = store
    this.#events = events
    this.#onChange = onChange
  }

  /** Of a removed user too. @throws {RegistryError} USER_UNKNOWN */
  async ofUser(name: string): Promise<UserPolicy> {
    const user = await this.#store.findUser(name)
    if (user === undefined) throw unknownUser()
    return { ...user, gateways: await this.#store.listedGateways(user.id) }
  }

  /**
   * Changes what is given, if the user is still of the version `ifVersion`, where that is given.
   * @throws {RegistryError} USER_UNKNOWN, GATEWAY_UNKNOWN, CHANGED_MEANWHILE
   */
  async changeUser(name: string, change: UserPolicyChange, ifVersion?: number): Promise<UserPolicy> {
    const user = await this.#store.changeUserPolicy(name, change, ifVersion).catch(asRegistryError)
    if (user === undefined) throw unknownUser()
    this.#events?.record({ type: 'admin', result: 'policy-changed', user: name })
    await this.#onChange({ user: name })
    return { ...user, gateways: await this.#store.listedGateways(user.id) }
  }

  /** @throws {RegistryError} GATEWAY_UNKNOWN, CHANGED_MEANWHILE: it is not of the version `ifVersion` */
  async changeVisitors(identity: string, visitors: boolean, ifVersion?: number): Promise<GatewayRow> {
    const gateway = await this.#store.changeVisitors(identity, visitors, ifVersion).catch(asRegistryError)
    if (gateway === undefined) throw unknownGateway()
    this.#events?.record({ type: 'admin', result: 'policy-changed', gateway: identity, user: gateway.user })
    await this.#onChange({ gateway: identity })
    return gateway
  }

  /** What a gateway must hold to. @throws {RegistryError} GATEWAY_UNKNOWN */
  async ofGateway(identity: string): Promise<GatewayPolicy> {
    const gateway = await this.#lookUps.findGateway(identity)
    const user = gateway && (await this.#lookUps.findUser(gateway.user))
    if (gateway === undefined || user === undefined) throw unknownGateway()
    return { generation: user.generation, visitors: gateway.visitors, sessionsMax: user.sessionsMax }
  }

  /** What decides whether a PNE of this user may be in the remote case at this gateway. */
  admission(userId: number, gateway: string): Promise<AdmissionRow | undefined> {
    return this.#lookUps.findAdmission(userId, gateway)
  }
}

function asRegistryError(cause: unknown): never {
  if (!(cause instanceof StoreError)) throw cause
  if (cause.code === 'STORE_CHANGED') throw changedMeanwhile(cause)
  if (cause.code !== 'STORE_UNKNOWN_GATEWAY') throw cause
  throw new RegistryError('GATEWAY_UNKNOWN', 'one of the gateways does not exist: list the gateways', { cause })
}
