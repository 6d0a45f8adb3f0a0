// Keys of PNEs by their 2nd seeds: a million of them in 66 MiB, as words in a few arrays. As objects in a Map they would take five
// times as much, and the garbage collector would have to look at each of them.
//
// An index by a hash of the seed (open addressing, linear probing) says in which place an entry is. When all places are taken, the
// one that was not used for about the longest is given away (second chance). Memory that no entry was ever in is never resident.
import { randomFillSync } from 'node:crypto'
import type { PneKeyRow } from '../store/contract.ts'

const SEED_OCTETS = 32
const SEED_WORDS = 8
const PNE_ID_OCTETS = 20
/** Of an entry: the seed, the pneId, zeros behind it if it is shorter, the number of the user, the generation. */
const [PNE_ID, LAST_OF_PNE_ID, USER, GENERATION, ENTRY_WORDS] = [8, 12, 13, 14, 15]
const KEPT_PNE_ID = /^[!-~]{1,20}$/
const WORD_MAX = 2 ** 32 - 1

/** What a place may be. */
const FREE = 0
const TAKEN = 1
const USED = 2

export class KeyTable {
  readonly #max: number
  readonly #words: Uint32Array
  readonly #octets: Buffer
  readonly #state: Uint8Array
  /** Places, counted from 1, so that 0 is none; at most half full. */
  readonly #index: Uint32Array
  readonly #shift: number
  /** Of this process: whoever chooses seeds cannot choose where they come. */
  readonly #factors = randomFillSync(new Uint32Array(2 * SEED_WORDS)).map((factor) => factor | 1)
  readonly #asked = new Uint32Array(SEED_WORDS)
  readonly #askedOctets = new Uint8Array(this.#asked.buffer)
  #size = 0
  #hand = 0

  constructor(max: number) {
    const indexBits = Math.max(1, Math.ceil(Math.log2(2 * max)))
    this.#max = max
    this.#words = new Uint32Array(max * ENTRY_WORDS)
    this.#octets = Buffer.from(this.#words.buffer)
    this.#state = new Uint8Array(max)
    this.#index = new Uint32Array(2 ** indexBits)
    this.#shift = 32 - indexBits
  }

  get size(): number {
    return this.#size
  }

  get(secondSeed: Uint8Array): PneKeyRow | undefined {
    const place = this.#placeOf(this.#slotOf(secondSeed))
    if (place === undefined) return undefined
    this.#state[place] = USED
    const at = place * ENTRY_WORDS
    const userId = this.#words[at + USER] as number
    return { pneId: this.#pneIdAt(at), state: 'active', userId, generation: this.#words[at + GENERATION] as number }
  }

  /** Keeps an active key; of one that is not, or does not fit, it keeps nothing. */
  set(secondSeed: Uint8Array, key: PneKeyRow): void {
    let slot = this.#slotOf(secondSeed)
    if (slot === undefined) return
    let place = this.#placeOf(slot)
    if (!fits(key)) {
      if (place !== undefined) this.#remove(slot)
      return
    }
    if (place === undefined) {
      place = this.#freePlace()
      slot = this.#slotOf(secondSeed) as number // another entry may have gone
      this.#index[slot] = place + 1
      this.#size++
    }
    this.#write(place, key)
  }

  delete(secondSeed: Uint8Array): void {
    const slot = this.#slotOf(secondSeed)
    if (slot !== undefined && this.#placeOf(slot) !== undefined) this.#remove(slot)
  }

  /** Deletes all keys of these PNEs. Looks at all: for what seldom happens. */
  deletePnes(pneIds: readonly string[]): void {
    const wanted = new Set(pneIds)
    const lastWords = new Set(pneIds.map(lastWordOf))
    for (let place = 0, at = 0; place < this.#max && this.#size > 0; place++, at += ENTRY_WORDS) {
      if (this.#state[place] === FREE || !lastWords.has(this.#words[at + LAST_OF_PNE_ID] as number)) continue
      if (wanted.has(this.#pneIdAt(at))) this.#removePlace(place)
    }
  }

  clear(): void {
    if (this.#size === 0) return
    this.#state.fill(FREE)
    this.#index.fill(0)
    this.#size = 0
    this.#hand = 0
  }

  /** Where the seed is in the index, or where it would be. Leaves its words in `#asked`. */
  #slotOf(secondSeed: Uint8Array): number | undefined {
    if (secondSeed.length !== SEED_OCTETS) return undefined
    this.#askedOctets.set(secondSeed)
    let slot = this.#homeOf(this.#asked, 0)
    for (let place = this.#placeOf(slot); place !== undefined; place = this.#placeOf(slot)) {
      if (this.#isAsked(place * ENTRY_WORDS)) break
      slot = this.#after(slot)
    }
    return slot
  }

  #placeOf(slot: number | undefined): number | undefined {
    const place = slot === undefined ? 0 : (this.#index[slot] as number)
    return place === 0 ? undefined : place - 1
  }

  #after(slot: number): number {
    return slot + 1 === this.#index.length ? 0 : slot + 1
  }

  #homeOf(words: Uint32Array, at: number): number {
    let hash = 0
    for (let word = 0; word < SEED_WORDS; word++) {
      hash = Math.imul(hash ^ (words[at + word] as number), this.#factors[2 * word] as number)
      hash = Math.imul(hash ^ (hash >>> 15), this.#factors[2 * word + 1] as number)
      hash ^= hash >>> 13
    }
    return hash >>> this.#shift
  }

  #isAsked(at: number): boolean {
    for (let word = 0; word < SEED_WORDS; word++) if (this.#words[at + word] !== this.#asked[word]) return false
    return true
  }

  #write(place: number, { pneId, userId, generation }: PneKeyRow): void {
    const at = place * ENTRY_WORDS
    this.#words.set(this.#asked, at)
    this.#words.fill(0, at + PNE_ID, at + USER)
    this.#octets.write(pneId, (at + PNE_ID) * 4, PNE_ID_OCTETS, 'latin1')
    this.#words[at + USER] = userId
    this.#words[at + GENERATION] = generation
    this.#state[place] = USED
  }

  #pneIdAt(at: number): string {
    const begin = (at + PNE_ID) * 4
    let end = begin + PNE_ID_OCTETS
    while (this.#octets[end - 1] === 0) end--
    return this.#octets.toString('latin1', begin, end)
  }

  /** The next one that is free, or that was not used since the hand passed it the last time. */
  #freePlace(): number {
    for (;;) {
      const place = this.#hand
      this.#hand = place + 1 === this.#max ? 0 : place + 1
      if (this.#state[place] === FREE) return place
      if (this.#state[place] === TAKEN) {
        this.#removePlace(place)
        return place
      }
      this.#state[place] = TAKEN
    }
  }

  #removePlace(place: number): void {
    let slot = this.#homeOf(this.#words, place * ENTRY_WORDS)
    while (this.#index[slot] !== place + 1) slot = this.#after(slot)
    this.#remove(slot)
  }

  /** Entries that stand behind the gap because it was taken move up: no search may end at it. */
  #remove(slot: number): void {
    this.#state[(this.#index[slot] as number) - 1] = FREE
    this.#size--
    let gap = slot
    for (let next = this.#after(gap); ; next = this.#after(next)) {
      const place = this.#placeOf(next)
      if (place === undefined) break
      if (this.#isBetween(this.#homeOf(this.#words, place * ENTRY_WORDS), gap, next)) continue
      this.#index[gap] = place + 1
      gap = next
    }
    this.#index[gap] = 0
  }

  /** Whether a home lies behind the gap, on the way to where its entry is. */
  #isBetween(home: number, gap: number, slot: number): boolean {
    return gap <= slot ? gap < home && home <= slot : gap < home || home <= slot
  }
}

function fits({ pneId, state, userId, generation }: PneKeyRow): boolean {
  return state === 'active' && KEPT_PNE_ID.test(pneId) && isWord(userId) && isWord(generation)
}

function isWord(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= WORD_MAX
}

const pneIdWords = new Uint32Array(PNE_ID_OCTETS / 4)
const pneIdOctets = Buffer.from(pneIdWords.buffer)

function lastWordOf(pneId: string): number {
  pneIdWords.fill(0)
  pneIdOctets.write(pneId, 'latin1')
  return pneIdWords.at(-1) as number
}
