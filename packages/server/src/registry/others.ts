// What another server of the store has changed, or this one: the doors are told, and what was destroyed is forgotten here too.
import type { Store } from '../store/contract.ts'
import type { ChangeRow } from '../store/contract-changes.ts'
import type { FirstSeeds } from './first-seeds.ts'
import type { RegistryEvents } from './types.ts'

interface OthersOptions {
  store: Store
  firstSeeds: FirstSeeds
  onPolicyChanged: (changed: RegistryEvents['policyChanged'][0]) => void
  /** As {@link RegistryEvents.gatewayRevoked}. */
  onGatewayRevoked: (identity: string, isRemoved: boolean) => Promise<void>
}

export class Others {
  readonly #options: OthersOptions

  constructor(options: OthersOptions) {
    this.#options = options
  }

  /** A line of the log of changes. @throws {StoreError} what it means could not be looked up, and nobody was told */
  async changed({ kind, subject }: Pick<ChangeRow, 'kind' | 'subject'>): Promise<void> {
    if (kind === 'user') await this.#userChanged(subject)
    else if (kind === 'gateway') await this.#gatewayChanged(subject)
  }

  async #userChanged(name: string): Promise<void> {
    const { store, firstSeeds, onPolicyChanged } = this.#options
    onPolicyChanged({ user: name })
    const user = await store.findUser(name)
    if (user === undefined) return
    if (user.removedAt !== null) return firstSeeds.forget(user.id, user.generation)
    for (const { generation, retired } of await store.listGenerations(user.id)) {
      if (retired) firstSeeds.forgetOne(user.id, generation)
    }
  }

  async #gatewayChanged(identity: string): Promise<void> {
    const { store, onPolicyChanged, onGatewayRevoked } = this.#options
    const gateway = await store.findGateway(identity)
    if (gateway?.revokedAt === null) return onPolicyChanged({ gateway: identity })
    const user = gateway && (await store.findUser(gateway.user))
    await onGatewayRevoked(identity, user?.removedAt !== null)
  }
}
