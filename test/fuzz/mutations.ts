// Chance with a seed, and what it does to packets: bits flipped, ends cut, pieces spliced, lengths edited.

const MAX_OCTETS = 4200
const HEADER_OCTETS = 20

export interface Random {
  /** 0 to `bound` - 1. */
  below(bound: number): number
  chance(probability: number): boolean
}

/** xorshift32: quick, and the same on every machine. */
export function randomSource(seed: number): Random {
  let state = seed >>> 0 || 0x9e3779b9
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  return { below: (bound) => Math.floor(next() * bound), chance: (probability) => next() < probability }
}

/** Octets without any sense, mostly short; half of them with a Length that is true. */
export function randomOctets(random: Random): Buffer {
  const octets = Buffer.allocUnsafe(random.below(random.chance(0.01) ? MAX_OCTETS : 120))
  for (let at = 0; at < octets.length; at++) octets[at] = random.below(256)
  if (octets.length >= 4 && random.chance(0.5)) octets.writeUInt16BE(octets.length, 2)
  return octets
}

type Mutation = (random: Random, octets: Buffer, seeds: readonly Buffer[]) => Buffer

/** A packet of `seeds` after one or two mutations; Length is made true again more often than not. */
export function mutate(random: Random, seeds: readonly Buffer[]): Buffer {
  let octets = Buffer.from(pick(random, seeds))
  for (let left = 1 + random.below(2); left > 0; left--)
    octets = pick(random, mutations)(random, octets, seeds) as typeof octets
  if (octets.length >= 4 && random.chance(0.7)) octets.writeUInt16BE(octets.length, 2)
  return octets
}

const flipBits: Mutation = (random, octets) => {
  if (octets.length === 0) return octets
  for (let left = 1 + random.below(8); left > 0; left--) {
    const at = random.below(octets.length)
    octets[at] = (octets[at] as number) ^ (1 << random.below(8))
  }
  return octets
}

const truncate: Mutation = (random, octets) => octets.subarray(0, random.below(octets.length + 1))

const extend: Mutation = (random, octets) => Buffer.concat([octets, randomOctets(random)]).subarray(0, MAX_OCTETS)

const splice: Mutation = (random, octets, seeds) => {
  const other = pick(random, seeds)
  const head = octets.subarray(0, random.below(octets.length + 1))
  return Buffer.concat([head, other.subarray(random.below(other.length))]).subarray(0, MAX_OCTETS)
}

/** Whole attributes of another packet at the end, so that deep checks are met too: twice the same, out of order. */
const appendAttributes: Mutation = (random, octets, seeds) => {
  return Buffer.concat([octets, pick(random, seeds).subarray(HEADER_OCTETS)]).subarray(0, MAX_OCTETS)
}

/** Sets the length octet (or now and then the type) of one attribute. */
const editAttribute: Mutation = (random, octets) => {
  const starts: number[] = []
  for (let at = HEADER_OCTETS; at + 1 < octets.length; at += Math.max(2, octets[at + 1] as number)) starts.push(at)
  if (starts.length === 0) return octets
  const at = pick(random, starts)
  octets[random.chance(0.8) ? at + 1 : at] = random.chance(0.5) ? random.below(4) : random.below(256)
  return octets
}

const editLength: Mutation = (random, octets) => {
  if (octets.length >= 4) octets.writeUInt16BE(random.below(random.chance(0.5) ? 2 * octets.length : 65_536), 2)
  return octets
}

const mutations = [flipBits, truncate, extend, splice, appendAttributes, editAttribute, editLength]

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)] as T
}
