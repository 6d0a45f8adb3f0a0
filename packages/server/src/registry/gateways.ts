// Gateways: PN GWs and RADIUS clients, their secrets, and their revocation. Whether they take visitors is in policies.ts, which
// RADIUS client a datagram comes from in radius-clients.ts.
import { randomBytes } from 'node:crypto'
import { gatewayIdentity, KEY_OCTETS } from '@opencpns/protocol'
import type { LookUps } from '../caches/look-ups.ts'
import type { EventLog } from '../events.ts'
import type { GatewayRow, ListedGatewayRow, Store } from '../store/contract.ts'
import type { Vault } from '../vault.ts'
import { checkUser, unlessTaken } from './checks.ts'
import { unknownGateway } from './errors.ts'
import { checkName } from './names.ts'
import { canonicalPrefix } from './prefix.ts'
import { RADIUS_SECRET_OCTETS, type RadiusClients } from './radius-clients.ts'
import type { GatewayCredential, LinkGateway, Tell } from './types.ts'

interface GatewaysOptions {
  store: Store
  /** Where links look up. */
  lookUps: Pick<LookUps, 'findGateway'>
  vault: Vault
  realm: string
  radiusClients: RadiusClients
  events: EventLog | undefined
  tell: Tell
  now: () => number
}

/** What changes something resolves once the change is durable. Each method may reject with {@link StoreError}. */
export class Gateways {
  readonly #options: GatewaysOptions

  constructor(options: GatewaysOptions) {
    this.#options = options
  }

  /**
   * Adds the gateway `name@realm` of a user and makes its secret.
   * @param of.radius  for a RADIUS client: its address, or ADDRESS/PREFIX for all that share its secret
   * @throws {RegistryError} NAME_INVALID, USER_UNKNOWN, GATEWAY_EXISTS, ADDRESS_INVALID, ADDRESS_TAKEN
   */
  async add(of: { name: string; user: string; radius?: string | undefined }): Promise<GatewayCredential> {
    const { store, vault, realm, radiusClients, events, now } = this.#options
    const identity = gatewayIdentity(checkName(of.name), realm)
    const radius = of.radius === undefined ? null : canonicalPrefix(of.radius)
    const { id: userId } = checkUser(await store.findUser(of.user))
    const secret = randomBytes(radius === null ? KEY_OCTETS : RADIUS_SECRET_OCTETS)
    const sealedSecret = vault.seal(radius === null ? 'gateway-secret' : 'radius-secret', identity, secret)
    const adding = store.addGateway({ identity, radius, userId, sealedSecret, createdAt: now() })
    await unlessTaken(adding, 'GATEWAY_EXISTS', `the gateway ${identity} exists already: choose another name`)
    await radiusClients.refresh()
    events?.record({ type: 'admin', result: 'gateway-added', gateway: identity, user: of.user })
    return { identity, radius, secret }
  }

  /** Of a revoked one too. @throws {RegistryError} GATEWAY_UNKNOWN */
  async show(identity: string): Promise<ListedGatewayRow> {
    const { store } = this.#options
    const [gateway, pn] = await Promise.all([store.findGateway(identity), store.findPn(identity)])
    if (gateway === undefined) throw unknownGateway()
    const { sealedSecret, ...row } = gateway
    return { ...row, registered: pn?.registered ?? 0 }
  }

  /** The identity of a gateway that is named with or without the realm. @throws {RegistryError} NAME_INVALID */
  named(name: string): string {
    return name.includes('@') ? name : gatewayIdentity(checkName(name), this.#options.realm)
  }

  /** For ever. The PNEs that it assigned stay as they are. Idempotent. @throws {RegistryError} GATEWAY_UNKNOWN */
  async revoke(identity: string): Promise<GatewayRow> {
    const { store, radiusClients, events, tell, now } = this.#options
    const gateway = await store.revokeGateway(identity, now())
    if (gateway === undefined) throw unknownGateway()
    await radiusClients.refresh()
    events?.record({ type: 'admin', result: 'gateway-revoked', gateway: identity, user: gateway.user })
    await tell((doors) => doors.emit('gatewayRevoked', identity))
    return gateway
  }

  /** What a link with this gateway is authenticated by; undefined when it is unknown, revoked, or a RADIUS client. */
  async findForLink(identity: string): Promise<LinkGateway | undefined> {
    const { lookUps, vault } = this.#options
    const gateway = await lookUps.findGateway(identity)
    if (gateway === undefined || gateway.revokedAt !== null || gateway.radius !== null) return undefined
    const secret = vault.open('gateway-secret', identity, gateway.sealedSecret)
    return { identity, userId: gateway.userId, user: gateway.user, secret }
  }

  /** Whether this is a gateway, of whichever kind, that is not revoked. */
  async isActive(identity: string): Promise<boolean> {
    const gateway = await this.#options.lookUps.findGateway(identity)
    return gateway !== undefined && gateway.revokedAt === null
  }
}
