// Server-sent events (WHATWG HTML section 9.2) for those who watch: each batch is written out once for all of them. Bounded:
// so many watchers, so much that one may leave unread. A stream ends with the server, and when its token is no longer good.
import type { Writable } from 'node:stream'
import type { Logger } from '@opencpns/io'
import type { Authentications } from '../../live/authentications.ts'
import type { Batch } from '../../live/broadcast.ts'
import type { Live } from '../../live/live.ts'
import type { Change } from '../../live/messages.ts'
import type { Known } from '../../live/parts.ts'
import type { Totals } from '../../live/totals.ts'
import { time } from './forms.ts'
import { second } from './live-forms.ts'
import type { topics as allTopics } from './schemas/live.ts'

export type Topic = (typeof allTopics)[number]

const WATCHERS_MAX = 200
/** With one token, sessions in browsers included: whoever opens streams and forgets them keeps nobody else out. */
const OF_ONE_TOKEN_MAX = 64
const RESUMED_MAX = 500
/** What a watcher may leave unread before it is cut off. */
const UNREAD_MAX_OCTETS = 512 * 1024
const HEARTBEAT_MS = 15_000
const CHECK_MS = 1000
/** How old a count may be that is told with a registration. */
const COUNT_FRESH_MS = 200
/** A browser waits so long before it connects again. */
const RETRY_MS = 2000

interface Watcher {
  /** Id of the token. */
  readonly token: string
  /** Its role may not read the audit log. */
  readonly isViewer: boolean
  readonly response: Pick<Writable, 'write' | 'end' | 'destroy' | 'once' | 'writableLength' | 'writableEnded'>
  readonly topics: ReadonlySet<Topic>
  /** Whether its token is still good. */
  readonly isAllowed: () => boolean | Promise<boolean>
  /** While it is given what it missed, the rest waits. */
  held: string[] | undefined
}

interface EventStreamOptions {
  readonly live: Live
  readonly totals: Totals
  readonly authentications: Authentications
  readonly logger?: Logger | undefined
}

export class EventStream {
  readonly #options: EventStreamOptions
  readonly #watchers = new Set<Watcher>()
  #unwatch: (() => void) | undefined
  #timers: NodeJS.Timeout[] = []
  /** Authentications that were not told one by one, since the last overview. */
  #unshown = 0

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** Whether all places are taken. */
  get isFull(): boolean {
    return this.#watchers.size >= WATCHERS_MAX
  }

  /** Whether all places that one token may have are taken. */
  isFullFor(token: string): boolean {
    let taken = 0
    for (const watcher of this.#watchers) if (watcher.token === token) taken++
    return taken >= OF_ONE_TOKEN_MAX
  }

  get watchers(): number {
    return this.#watchers.size
  }

  /**
   * Writes events to a response whose head has been sent, until it closes or the stream ends.
   * @param after  the id of the last event that the watcher has
   */
  add(of: Omit<Watcher, 'held'> & { readonly after: number | undefined }): void {
    const { after, ...facts } = of
    const { response } = facts
    const watcher: Watcher = { ...facts, held: after === undefined ? undefined : [] }
    this.#watchers.add(watcher)
    response.once('close', () => this.#remove(watcher))
    response.write(`retry: ${RETRY_MS}\n\n`)
    if (this.#watchers.size === 1) this.#start()
    if (after !== undefined) void this.#resume(watcher, after)
  }

  /** Ends all streams. */
  close(): void {
    for (const watcher of this.#watchers) end(watcher)
    this.#watchers.clear()
    this.#stop()
  }

  async #resume(watcher: Watcher, after: number): Promise<void> {
    try {
      const wanted = watcher.topics.has('authentications')
      const missed = wanted ? await this.#options.authentications.since(after, RESUMED_MAX) : []
      write(watcher, await this.#authentications(missed))
      for (const text of watcher.held ?? []) write(watcher, text)
      watcher.held = undefined
    } catch (error) {
      this.#options.logger?.warn({ event: 'stream-not-resumed', err: error }, 'a stream could not be resumed')
      watcher.response.destroy()
    }
  }

  /** Writes a batch to all; a failing store costs the batch. */
  async #take(batch: Batch): Promise<void> {
    try {
      const texts = await this.#texts(batch)
      const forViewers = changes(batch.changes.flatMap(seenByViewers))
      const made = new Map<string, string>()
      for (const watcher of this.#watchers) {
        const { topics, isViewer } = watcher
        const key = `${isViewer} ${[...topics]}`
        const of = ([topic, text]: [Topic, string]) => (isViewer && topic === 'changes' ? forViewers : text)
        const isWanted = ([topic]: [Topic, string]) => topics.has(topic)
        const text = made.get(key) ?? texts.filter(isWanted).map(of).join('')
        made.set(key, text)
        send(watcher, text)
      }
    } catch (error) {
      this.#options.logger?.warn({ event: 'stream-failed', err: error }, 'what goes on could not be told')
    }
  }

  async #texts(batch: Batch): Promise<[Topic, string][]> {
    const wanted = new Set([...this.#watchers].flatMap(({ topics }) => [...topics]))
    const makers: [Topic, () => string | Promise<string>][] = [
      [
        'gateways',
        () =>
          lines(
            'gateway',
            batch.links.map((link) => ({ ...link, at: time(link.at) })),
          ),
      ],
      ['registrations', () => this.#registrations(batch)],
      ['changes', () => changes(batch.changes)],
      ['authentications', () => this.#authentications(batch.authentications)],
      ['overview', () => this.#overview(batch)],
    ]
    const chosen = makers.filter(([topic]) => wanted.has(topic))
    return Promise.all(chosen.map(async ([topic, make]) => [topic, await make()] as [Topic, string]))
  }

  async #registrations({ registrations }: Batch): Promise<string> {
    if (registrations.length === 0) return ''
    const { live, totals } = this.#options
    const { registered } = await totals.get(COUNT_FRESH_MS)
    const named = registrations.map(async ({ pne, gateway, kind }) => {
      const name = (await live.devices.find(pne))?.name ?? null
      return { pne, name, gateway, kind, registered }
    })
    return lines('registration', await Promise.all(named))
  }

  async #authentications(told: readonly { line: number; known: Known }[]): Promise<string> {
    const shown = await this.#options.authentications.show(told.map(({ known }) => known))
    return shown.map((one, at) => `id: ${told[at]?.line}\n${lines('authentication', [one])}`).join('')
  }

  async #overview({ seconds, unshown }: Batch): Promise<string> {
    this.#unshown += unshown
    if (seconds.length === 0) return ''
    const { live, totals } = this.#options
    const { registered, connected } = await totals.get()
    const more = { registered, connected, unshown: this.#unshown }
    this.#unshown = 0
    return lines(
      'overview',
      seconds.map((at) => ({ ...second(live.second(at)), ...more })),
    )
  }

  #start(): void {
    this.#unwatch = this.#options.live.watch({ take: (batch) => this.#take(batch) })
    this.#timers = [
      setInterval(() => this.#beat(), HEARTBEAT_MS).unref(),
      setInterval(() => void this.#check(), CHECK_MS).unref(),
    ]
  }

  #beat(): void {
    for (const watcher of this.#watchers) send(watcher, ': here\n\n')
  }

  /** A revoked token watches no longer. */
  async #check(): Promise<void> {
    for (const watcher of [...this.#watchers]) {
      const isAllowed = await Promise.resolve(watcher.isAllowed()).catch(() => true)
      if (isAllowed) continue
      this.#remove(watcher)
      end(watcher)
    }
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size === 0) this.#stop()
  }

  #stop(): void {
    this.#unwatch?.()
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }
}

function send(watcher: Watcher, text: string): void {
  if (text === '') return
  if (watcher.held === undefined) write(watcher, text)
  else if (watcher.held.length < RESUMED_MAX) watcher.held.push(text)
}

/** Whoever does not read is cut off: its browser connects again and resumes. */
function write({ response }: Watcher, text: string): void {
  if (text === '' || response.writableEnded) return // one that was ended while it was given what it missed
  response.write(text)
  if (response.writableLength > UNREAD_MAX_OCTETS) response.destroy()
}

/** One who has not read what came before would not see the end either. */
function end({ response }: Watcher): void {
  if (response.writableLength > 0) response.destroy()
  else response.end()
}

type TellableChange = Change | { readonly at: number; readonly actor: null; readonly role: null }

function changes(all: readonly TellableChange[]): string {
  return lines(
    'change',
    all.map((change) => ({ ...change, at: time(change.at) })),
  )
}

/** Of what operators do, what was changed, but not by whom; of operators themselves nothing. */
function seenByViewers(change: Change): TellableChange[] {
  if (change.type !== 'audit') return [change]
  const isOfOperators = /^(token|session)\./.test(change.action)
  return isOfOperators ? [] : [{ ...change, actor: null, role: null }]
}

function lines(event: string, all: readonly object[]): string {
  return all.map((data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join('')
}
