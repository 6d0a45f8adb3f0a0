// Who is registered in which personal network, as the gateways report it (docs/protocol.md section 4.4).
import type { EventLog } from '../events.ts'
import type {
  Page,
  PageRequest,
  PnFilter,
  PnRow,
  RegistrationFilter,
  RegistrationReport,
  RegistrationRow,
  Store,
} from '../store/contract.ts'
import { StoreError } from '../store/contract.ts'
import { RegistryError, unknownGateway } from './errors.ts'

/** Each method may reject with {@link StoreError}. */
export class Registrations {
  readonly #store: Store
  readonly #events: EventLog | undefined

  constructor(store: Store, events: EventLog | undefined) {
    this.#store = store
    this.#events = events
  }

  /**
   * Counts the reports of a gateway, numbered from `first`, each number once. Gives the last number that is durable.
   * @throws {RegistryError} REPORTS_MISSING, GATEWAY_UNKNOWN: nothing was counted
   */
  async count(gateway: string, first: number, reports: readonly RegistrationReport[]): Promise<number> {
    const { upTo, changes } = await this.#store.countReports(gateway, first, reports).catch(asRegistryError)
    for (const { kind, ...of } of changes) this.#events?.record({ type: 'registration', result: kind, gateway, ...of })
    return upTo
  }

  /** Newest first. */
  list(filter: RegistrationFilter, page: PageRequest): Promise<Page<RegistrationRow>> {
    return this.#store.listRegistrations(filter, page)
  }

  /** By gateway. */
  listPns(filter: PnFilter, page: PageRequest): Promise<Page<PnRow>> {
    return this.#store.listPns(filter, page)
  }

  /** The personal network of a gateway. @throws {RegistryError} GATEWAY_UNKNOWN */
  async showPn(gateway: string): Promise<PnRow> {
    const pn = await this.#store.findPn(gateway)
    if (pn === undefined) throw unknownGateway()
    return pn
  }
}

function asRegistryError(cause: unknown): never {
  if (!(cause instanceof StoreError)) throw cause
  if (cause.code === 'STORE_UNKNOWN_GATEWAY') throw unknownGateway()
  if (cause.code !== 'STORE_GAP') throw cause
  throw new RegistryError('REPORTS_MISSING', 'reports are missing before these: send them first', { cause })
}
