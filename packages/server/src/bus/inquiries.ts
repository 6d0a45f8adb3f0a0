// Asks the other servers of the store for something that one of them has, as a link with a gateway: the question goes to all, and
// whoever has it answers; the others say that they do not have it, so that nobody waits for an answer that cannot come. What is said is
// sealed under the master key that they share, for the database carries it.
import { randomBytes } from 'node:crypto'
import type { Vault } from '../vault.ts'
import type { Bus, BusMessage } from './bus.ts'

const UNDER_WAY_MAX = 200
/** A question that is older is not answered: somebody may have kept it. */
const AGE_MAX_MS = 10_000

/** Gives the answer, or undefined for what is not here. What it throws is told to whoever asked. */
export type Answerer = (question: unknown) => Promise<unknown> | undefined

interface InquiriesOptions {
  readonly bus: Bus
  readonly vault: Pick<Vault, 'seal' | 'open'>
  /** How many other servers there are: at least as many as hear the question. */
  readonly others: () => Promise<number>
  /** ms since the epoch */
  readonly now: () => number
}

type Kind = 'ask' | 'answer' | 'absent'

interface UnderWay {
  /** Servers that do not have it, by name. */
  readonly absent: Set<string>
  /** How many others there are, once that is known. */
  others?: number
  readonly timer: NodeJS.Timeout
  readonly resolve: (answer: unknown) => void
}

export class Inquiries {
  readonly #options: InquiriesOptions
  readonly #underWay = new Map<string, UnderWay>()
  readonly #unsubscribe: () => void
  readonly #name = randomBytes(9).toString('base64url')
  #answerer: Answerer | undefined

  constructor(options: InquiriesOptions) {
    this.#options = options
    this.#unsubscribe = options.bus.subscribe((message) => this.#receive(message))
  }

  /** Answers what others ask; before that nothing is answered, for nothing is known. */
  answerWith(answerer: Answerer): void {
    this.#answerer = answerer
  }

  /** The first answer; undefined when no server has what is asked for, no answer comes in time, or too much is asked at once. */
  ask(question: unknown, timeoutMs: number): Promise<unknown> {
    if (this.#underWay.size >= UNDER_WAY_MAX) return Promise.resolve(undefined)
    const id = randomBytes(12).toString('base64url')
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => this.#take(id)?.resolve(undefined), timeoutMs)
    this.#underWay.set(id, { timer, resolve, absent: new Set() })
    this.#send('ask', id, question)
    void this.#countOthers(id)
    return promise
  }

  close(): void {
    this.#unsubscribe()
    for (const id of [...this.#underWay.keys()]) this.#take(id)?.resolve(undefined)
  }

  #receive(message: BusMessage): void {
    if (message.type === 'ask') void this.#answer(message.id, message.sealed)
    else if (message.type === 'answer') this.#answered(message.id, message.sealed)
    else if (message.type === 'absent') this.#absent(message.id, message.sealed)
  }

  /** Without a count, as while the store is away, the time of the question decides. */
  async #countOthers(id: string): Promise<void> {
    const others = await this.#options.others().catch(() => Number.POSITIVE_INFINITY)
    const asked = this.#underWay.get(id)
    if (!asked) return
    asked.others = others
    this.#endIfNowhere(id, asked)
  }

  async #answer(id: string, sealed: string): Promise<void> {
    const question = this.#opened('ask', id, sealed)
    if (question === undefined || this.#answerer === undefined) return
    const answer = await this.#answerer(question)
    if (answer === undefined) this.#send('absent', id, this.#name)
    else this.#send('answer', id, answer)
  }

  #answered(id: string, sealed: string): void {
    if (!this.#underWay.has(id)) return
    const answer = this.#opened('answer', id, sealed)
    if (answer !== undefined) this.#take(id)?.resolve(answer)
  }

  #absent(id: string, sealed: string): void {
    const asked = this.#underWay.get(id)
    if (!asked) return
    const name = this.#opened('absent', id, sealed)
    if (typeof name !== 'string') return
    asked.absent.add(name)
    this.#endIfNowhere(id, asked)
  }

  #endIfNowhere(id: string, { absent, others = Number.POSITIVE_INFINITY }: UnderWay): void {
    if (absent.size >= others) this.#take(id)?.resolve(undefined)
  }

  #send(type: Kind, id: string, content: unknown): void {
    const { bus, vault, now } = this.#options
    const plaintext = Buffer.from(JSON.stringify({ at: now(), content }))
    bus.publish({ type, id, sealed: vault.seal('message', `${type} ${id}`, plaintext).toString('base64') })
  }

  /** Undefined for what is not of a server of ours, or old. */
  #opened(type: Kind, id: string, sealed: string): unknown {
    const { vault, now } = this.#options
    try {
      const { at, content } = JSON.parse(
        vault.open('message', `${type} ${id}`, Buffer.from(sealed, 'base64')).toString(),
      )
      return Math.abs(now() - at) <= AGE_MAX_MS ? content : undefined
    } catch {
      return undefined
    }
  }

  #take(id: string): UnderWay | undefined {
    const asked = this.#underWay.get(id)
    clearTimeout(asked?.timer)
    this.#underWay.delete(id)
    return asked
  }
}
