// The rotation of one PNE, as a world that a test can break: the real logic of the three parties on stores that outlive them,
// and a network whose messages wait until they are delivered or lost. A party dies at a chosen write or message: what it had
// in memory is gone, and it says and writes nothing more.

import { randomBytes } from 'node:crypto'
import { silent } from '@opencpns/io'
import {
  decode,
  deriveEuKey,
  deriveLocalKey,
  Result,
  RotationConfirmation,
  RotationDone,
  RotationOffer,
  RotationRequest,
} from '@opencpns/protocol'
import { openDatabase } from '../../packages/gateway/src/keystore/database.ts'
import { KeyStore } from '../../packages/gateway/src/keystore/key-store.ts'
import { RotationStore } from '../../packages/gateway/src/keystore/rotation-store.ts'
import { Seal } from '../../packages/gateway/src/keystore/seal.ts'
import { TicketStore } from '../../packages/gateway/src/keystore/ticket-store.ts'
import { type RotationDialogue, Rotations } from '../../packages/gateway/src/rotation.ts'
import type { KeyAssignment, KeyConfirmation } from '../../packages/gateway/src/upstream/upstream.ts'
import { Credential, type CredentialFields, type Key } from '../../packages/pne/src/index.ts'
import { keyToTry, noteAuthenticated } from '../../packages/pne/src/keys.ts'
import { Rotation } from '../../packages/pne/src/rotation.ts'
import { openSqlite, Registry, RegistryError, type Store, Vault } from '../../packages/server/src/index.ts'

export const REALM = 'example.org'
const GATEWAY = 'home-gw@example.org'
const HOUR_MS = 3_600_000
const away = { result: Result.serverUnreachable, reason: 'server-unreachable' } as const
const refused = { result: Result.authenticationFailed, reason: 'server-not-permitted' } as const

export type Party = 'pne' | 'gateway' | 'server'

class Death extends Error {}

/** One run of a party, from its start to its death. */
class Life {
  dead = false
  /** Points that it still passes before it dies; none: it lives. */
  fuse: number | undefined

  /** A moment at which it may die. @throws {Death} */
  point(): void {
    if (this.fuse !== undefined && this.fuse-- === 0) this.dead = true
    if (this.dead) throw new Death('dead')
  }

  /** The same object, whose `writes` may be a death before or after. */
  mortal<T extends object>(object: T, writes: ReadonlySet<string>): T {
    return new Proxy(object, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          if (this.dead) throw new Death('dead')
          if (!writes.has(String(name))) return member.apply(target, args)
          this.point()
          const value = member.apply(target, args)
          if (!(value instanceof Promise)) {
            this.point()
            return value
          }
          return value.then((result) => {
            this.point()
            return result
          })
        }
      },
    })
  }
}

/** A message under way. */
interface Message {
  readonly between: 'pne-gateway' | 'gateway-server'
  deliver(): Promise<void>
  lose(): void
}

interface Presence {
  readonly rotation: Rotation
  readonly dialogue: RotationDialogue
  over: boolean
}

const serverWrites = new Set(['assignKey', 'confirmPne', 'retireKey', 'addFirstSeed', 'removePendingPnes'])
const gatewayWrites = new Set(['begin', 'storeSuccessor', 'activate', 'retireReplacedBy', 'forgetRetired'])

export class World {
  /** How often a party died, and how often a rotation came to its end: a test that breaks nothing proves nothing. */
  readonly counts = { deaths: 0, rotations: 0 }
  readonly #store: Store = openSqlite(':memory:')
  readonly #vault = new Vault(Buffer.alloc(32, 1))
  readonly #db = openDatabase(':memory:')
  readonly #seal = new Seal(Buffer.alloc(32, 2))
  readonly #lives: Record<Party, Life> = { pne: new Life(), gateway: new Life(), server: new Life() }
  /** What the PNE has on its disk. */
  #credentialFile!: CredentialFields & { next?: Key | undefined }
  #credential!: Credential
  #registry!: Registry
  #keys!: KeyStore
  #rotations!: Rotations
  #messages: Message[] = []
  #presence: Presence | undefined
  #generation = 1
  #nowMs = 1_000_000_000
  #firstSeed!: Uint8Array

  static async open(): Promise<World> {
    const world = new World()
    world.#bootServer()
    await world.#registry.addUser('alice')
    await world.#registry.addGateway({ name: 'home-gw', user: 'alice' })
    const secondSeed = randomBytes(32)
    const of = { gatewayIdentity: GATEWAY, secondSeed }
    const { pneId, firstSeed } = await world.#registry.assignPne(of)
    await world.#registry.confirmPne(of)
    const euKey = deriveEuKey({ firstSeed, secondSeed, realm: REALM })
    world.#firstSeed = secondSeed
    world.#credentialFile = { pneId, realm: REALM, gateway: GATEWAY, secondSeed, euKey }
    new KeyStore(world.#db, world.#seal).storePending(secondSeed, { pneId, euKey, generation: 1 })
    world.#db.exec(`UPDATE eu_keys SET state = 'active'`)
    world.#bootGateway()
    world.#bootPne()
    return world
  }

  async close(): Promise<void> {
    this.#rotations.close()
    this.#registry.close()
    this.#db.close()
    await this.#store.close()
  }

  // What may happen

  /** The party dies when it comes to its next `points`-th write or message. */
  light(party: Party, points: number): void {
    this.#lives[party].fuse = points
  }

  kill(party: Party): void {
    this.#lives[party].dead = true
  }

  /** A dead party starts anew, from what is on its disk. */
  restart(party: Party): void {
    const life = this.#lives[party]
    life.fuse = undefined
    if (!life.dead) return
    this.counts.deaths++
    if (party === 'server') this.#cut('gateway-server')
    else this.cutPresence()
    if (party === 'gateway') {
      this.#cut('gateway-server')
      this.#rotations.close()
      this.#bootGateway()
    } else if (party === 'server') {
      this.#registry.close()
      this.#bootServer()
    } else this.#bootPne()
  }

  /** Delivers one of the messages under way, the oldest of its connection first. */
  async deliver(which: number): Promise<void> {
    const between = (['pne-gateway', 'gateway-server'] as const)[which % 2]
    const at = this.#messages.findIndex((message) => message.between === between)
    const [message] = at < 0 ? [] : this.#messages.splice(at, 1)
    if (message) await this.#survive(() => message.deliver())
  }

  async deliverAll(): Promise<void> {
    for (let rounds = 0; rounds < 200; rounds++) {
      await settle()
      if (this.#messages.length === 0) return
      await this.deliver(rounds)
    }
  }

  /** The gateway waits no longer for the server, which may still get what was sent. */
  timeOut(): void {
    for (const message of this.#messages) if (message.between === 'gateway-server') message.lose()
  }

  /** The PNE comes to its gateway. */
  async comeHome(): Promise<void> {
    this.cutPresence()
    await this.#survive(async () => {
      await this.#connect(async (key) => {
        const outcome = await this.#authenticateAtHome(key)
        if (outcome !== 'local') return outcome
        const session = this.#beginPresence(key)
        await noteAuthenticated(this.#credential, key, true).catch(() => {})
        this.#presence = session
        return outcome
      })
    })
  }

  /** The PNE comes to another gateway of the realm. */
  async visit(): Promise<void> {
    await this.#survive(async () => {
      await this.#connect((key) => this.#authenticateElsewhere(key))
    })
  }

  async askForRotation(): Promise<void> {
    const { rotation } = this.#presence ?? {}
    const send = (body: Uint8Array) => this.#toGateway(this.#presence, body)
    void rotation?.ask(send, { timeoutMs: 60_000 }).catch(() => {})
  }

  /** `admin user rotate`: the gateway hears of it. */
  async renewFirstSeed(): Promise<void> {
    await this.#survive(async () => {
      await this.#registry.renewFirstSeed('alice')
      await this.#tellPolicy()
    })
  }

  async reconnectToServer(): Promise<void> {
    await this.#survive(async () => {
      this.#rotations.connected()
      await this.#tellPolicy()
    })
  }

  async #tellPolicy(): Promise<void> {
    if (this.#lives.server.dead) return
    this.#generation = (await this.#store.findUser('alice'))?.generation ?? 0
    this.#rotations.look()
  }

  /** Time passes: what was never confirmed is forgotten. */
  async hourPasses(): Promise<void> {
    this.#nowMs += HOUR_MS + 1
    await this.#survive(async () => {
      await this.#registry.removePending()
      new TicketStore(this.#db, this.#seal).forgetOld(this.#nowMs)
    })
  }

  cutPresence(): void {
    if (!this.#presence) return
    this.#presence.over = true
    this.#presence.dialogue.end()
    this.#presence.rotation.ended()
    this.#presence = undefined
    this.#cut('pne-gateway')
  }

  // What must hold

  /** Whether a key that the PNE has on its disk works at home without the server, and anywhere else. */
  async works(): Promise<{ atHome: boolean; elsewhere: boolean }> {
    const { next, ...current } = this.#credentialFile
    const works = { atHome: false, elsewhere: false }
    for (const key of next ? [next, current] : [current]) {
      const held = new KeyStore(this.#db, this.#seal).find(key.secondSeed)
      if (held && deriveLocalKey(key.euKey).equals(held.localKey)) works.atHome = true
      if (await this.#isGoodAtServer(key)) works.elsewhere = true
    }
    return works
  }

  /** What is left in the stores. */
  async state() {
    const { next, secondSeed } = this.#credentialFile
    const rows = this.#db.prepare('SELECT second_seed, state FROM eu_keys').all()
    const states = await Promise.all(
      rows.map(async (row) => (await this.#store.findPneBySecondSeed(row['second_seed'] as Uint8Array))?.state),
    )
    const generations = await this.#store.listGenerations(1)
    return {
      pneKeys: next ? 2 : 1,
      isNew: Buffer.compare(secondSeed, this.#firstSeed) !== 0,
      gateway: rows.map((row) => String(row['state'])).sort(),
      /** Of the keys that the gateway has as active, those that the server has not. */
      ahead: rows.filter((row, at) => row['state'] === 'active' && states[at] !== 'active').length,
      serverActive: generations.reduce((sum, { keys }) => sum + keys, 0),
      newestGeneration: generations.at(-1)?.keys === 1,
    }
  }

  // The parties

  #bootServer(): void {
    this.#lives.server = new Life()
    const store = this.#lives.server.mortal(this.#store, serverWrites)
    this.#registry = new Registry({ store, vault: this.#vault, realm: REALM, now: () => this.#nowMs })
  }

  #bootGateway(): void {
    const life = new Life()
    this.#lives.gateway = life
    const keys = new KeyStore(this.#db, this.#seal)
    const store = new RotationStore(this.#db, this.#seal, keys, () => this.#nowMs)
    const ask = <T>(request: () => Promise<T>) => this.#askServer(life, request)
    this.#keys = life.mortal(keys, new Set())
    this.#rotations = new Rotations({
      keys: this.#keys,
      store: life.mortal(store, gatewayWrites),
      upstream: {
        renewKey: (secondSeed, replaces) => ask(() => this.#renew(secondSeed, replaces)),
        confirmKey: (secondSeed) => ask(() => this.#change('confirmPne', secondSeed)),
        retireKey: (secondSeed) => ask(() => this.#change('retireKey', secondSeed)),
      },
      generation: () => this.#generation,
      logger: silent,
      now: () => this.#nowMs,
    })
  }

  #bootPne(): void {
    const life = new Life()
    this.#lives.pne = life
    const { next, ...fields } = this.#credentialFile
    const save = async (content: CredentialFields & { next?: Key | undefined }) => {
      life.point()
      this.#credentialFile = content
      life.point()
    }
    this.#credential = new Credential(fields, { next, save })
  }

  async #renew(secondSeed: Uint8Array, replaces: Uint8Array): Promise<KeyAssignment> {
    const of = { gatewayIdentity: GATEWAY, secondSeed, replaces }
    const { firstSeed, ...pne } = await this.#registry.assignPne(of)
    return { result: Result.success, euKey: deriveEuKey({ firstSeed, secondSeed, realm: REALM }), ...pne }
  }

  async #change(act: 'confirmPne' | 'retireKey', secondSeed: Uint8Array): Promise<KeyConfirmation> {
    await this.#registry[act]({ gatewayIdentity: GATEWAY, secondSeed })
    return { result: Result.success }
  }

  // Authentication, without its cryptography: who has the same key

  async #connect(attempt: (key: Key) => Promise<string>): Promise<void> {
    const tried: Key[] = []
    for (;;) {
      this.#lives.pne.point()
      const key = await keyToTry(this.#credential, tried)
      if (!key || (await attempt(key)) !== 'refused') return
      tried.push(key)
    }
  }

  async #authenticateAtHome(key: Key): Promise<'local' | 'remote' | 'refused'> {
    this.#lives.gateway.point()
    const held = this.#keys.find(key.secondSeed)
    if (held) {
      if (!deriveLocalKey(key.euKey).equals(held.localKey)) return 'refused'
      this.#rotations.used(key.secondSeed)
      this.#lives.gateway.point()
      return 'local'
    }
    if ((await this.#authenticateElsewhere(key, false)) === 'refused') return 'refused'
    this.#rotations.vouched(key.secondSeed)
    await noteAuthenticated(this.#credential, key, false).catch(() => {})
    return 'remote'
  }

  async #authenticateElsewhere(key: Key, note = true): Promise<'remote' | 'refused'> {
    if (this.#lives.server.dead || !(await this.#isGoodAtServer(key))) return 'refused'
    if (note) await noteAuthenticated(this.#credential, key, false).catch(() => {})
    return 'remote'
  }

  async #isGoodAtServer({ secondSeed, euKey }: Key): Promise<boolean> {
    const registry = new Registry({ store: this.#store, vault: this.#vault, realm: REALM })
    const peer = await registry.findPeer(secondSeed)
    return peer?.state === 'active' && deriveEuKey({ ...peer, secondSeed, realm: REALM }).equals(euKey)
  }

  // The network

  #beginPresence(used: Key): Presence {
    const onRotated = () => this.counts.rotations++
    const rotation = new Rotation({ credential: this.#credential, used, onRotated })
    const life = this.#lives.gateway
    const presence: { over: boolean; rotation: Rotation; dialogue?: RotationDialogue } = { over: false, rotation }
    const send = (body: Uint8Array) => {
      life.point()
      this.#post('pne-gateway', () => this.#hear(presence as Presence, body))
    }
    presence.dialogue = this.#rotations.begin({ secondSeed: used.secondSeed, send })
    return presence as Presence
  }

  /** The PNE gets a message of the gateway. */
  async #hear(presence: Presence, body: Uint8Array): Promise<void> {
    if (presence.over) return
    this.#lives.pne.point()
    const message = decode(body, RotationOffer, RotationDone)
    if (message.type === 'RotationDone') return presence.rotation.done(message)
    const answer = await presence.rotation.offered(message)
    if (answer) this.#toGateway(presence, answer)
  }

  #toGateway(presence: Presence | undefined, body: Uint8Array): void {
    this.#lives.pne.point()
    this.#post('pne-gateway', async () => {
      if (!presence || presence.over) return
      this.#lives.gateway.point()
      // It answers when the server has answered it: nobody waits for that here.
      void presence.dialogue.receive(decode(body, RotationRequest, RotationConfirmation))
    })
  }

  /** A request of the gateway: it is on its way, then at the server, then its answer is on its way. */
  #askServer<T>(life: Life, request: () => Promise<T>): Promise<T | typeof away | typeof refused> {
    if (life.dead || this.#lives.server.dead) return Promise.resolve(away)
    return new Promise((resolve) => {
      const lose = () => resolve(away)
      const deliver = async () => {
        const answer = await this.#atServer(request)
        this.#post('gateway-server', async () => resolve(life.dead ? away : answer), lose)
      }
      this.#post('gateway-server', deliver, lose)
    })
  }

  async #atServer<T>(request: () => Promise<T>): Promise<T | typeof away | typeof refused> {
    try {
      this.#lives.server.point()
      return await request()
    } catch (error) {
      if (error instanceof RegistryError) return refused
      if (isDeath(error)) return away
      throw error
    }
  }

  #post(between: Message['between'], deliver: () => Promise<void>, lose = () => {}): void {
    this.#messages.push({ between, deliver, lose })
  }

  #cut(between: Message['between']): void {
    const lost = this.#messages.filter((message) => message.between === between)
    this.#messages = this.#messages.filter((message) => message.between !== between)
    for (const message of lost) message.lose()
  }

  /** A death in the middle is no failure of the test. */
  async #survive(act: () => Promise<void>): Promise<void> {
    await act().catch((error) => {
      if (!isDeath(error)) throw error
    })
    await settle()
  }
}

function isDeath(error: unknown): boolean {
  return error instanceof Death || (error instanceof Error && error.cause instanceof Death)
}

/** Until nothing goes on but what waits for a message. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
