// What plays on Flow, as a state machine without a clock: live authentications one after another, or one that was chosen. The
// queue is bounded and the newest win: an operator wants what happens now, not what happened while they looked away.
import { type Authentication, rowsOf } from './authentication.ts'

export const QUEUE_MAX = 6
/** So long an authentication waits for what the other party tells of it. */
export const COMPLETION_MS = 2000

interface Waiting {
  readonly authentication: Authentication
  /** ms, by any clock that only goes forward */
  readonly since: number
}

export interface Player {
  readonly mode: 'live' | 'replay'
  readonly isPlaying: boolean
  readonly shown: Authentication | undefined
  /** Rows of the diagram that have been drawn; one more than there are rows: the end is drawn too. */
  readonly position: number
  /** The end has been seen for long enough: what arrives now is played at once. */
  readonly isRested: boolean
  /** Oldest first, at most {@link QUEUE_MAX}. */
  readonly queue: readonly Waiting[]
  /** How many were never shown, because newer ones came. */
  readonly passedOver: number
}

export type PlayerAction =
  | { readonly do: 'arrive'; readonly authentication: Authentication; readonly now: number }
  | { readonly do: 'tick'; readonly now: number }
  | { readonly do: 'forward' | 'back' | 'restart' | 'finish' | 'toggle' | 'live' }
  /** `show`: at its end, while live ones are waited for. */
  | { readonly do: 'open' | 'show'; readonly authentication: Authentication }

export const idle: Player = {
  mode: 'live',
  isPlaying: true,
  shown: undefined,
  position: 0,
  isRested: true,
  queue: [],
  passedOver: 0,
}

export function play(player: Player, action: PlayerAction): Player {
  switch (action.do) {
    case 'arrive':
      return arrive(player, action.authentication, action.now)
    case 'tick':
      return tick(player, action.now)
    case 'forward':
      return { ...player, isPlaying: false, position: Math.min(player.position + 1, lengthOf(player)) }
    case 'back':
      return { ...player, isPlaying: false, position: Math.max(player.position - 1, 0) }
    case 'restart':
      return { ...player, isPlaying: true, position: 0 }
    case 'finish':
      return { ...player, position: lengthOf(player) }
    case 'toggle':
      return toggle(player)
    case 'live':
      return { ...player, mode: 'live', isPlaying: true, position: lengthOf(player), isRested: true }
    case 'open':
      return { ...idle, mode: 'replay', shown: action.authentication, isRested: false }
    case 'show':
      return { ...idle, shown: action.authentication, position: lengthOf({ shown: action.authentication }) }
  }
}

/** Positions of what is shown: one for each row up to where it ended, and one for the end. */
export function lengthOf({ shown }: Pick<Player, 'shown'>): number {
  return shown === undefined ? 0 : rowsOf(shown).findLastIndex(({ state }) => state !== 'missed') + 2
}

export function isAtEnd(player: Player): boolean {
  return player.position >= lengthOf(player)
}

/** Milliseconds until the next tick: shorter when others wait, longer at the end so that it can be read. Undefined for none. */
export function pauseMs(player: Player): number | undefined {
  if (!player.isPlaying || player.shown === undefined)
    return player.queue.length > 0 && player.isPlaying ? 0 : undefined
  const hurry = 1 + player.queue.length / 2
  if (!isAtEnd(player)) return 480 / hurry
  if (!player.isRested) return 1800 / hurry
  return player.queue.length > 0 ? 200 : undefined
}

function arrive(player: Player, authentication: Authentication, now: number): Player {
  const { id } = authentication
  if (player.shown?.id === id) return { ...player, shown: authentication }
  const known = player.queue.some((one) => one.authentication.id === id)
  if (known) {
    const queue = player.queue.map((one) => (one.authentication.id === id ? { ...one, authentication } : one))
    return { ...player, queue }
  }
  if (player.mode === 'replay') return player
  const queue = [...player.queue, { authentication, since: now }]
  const over = Math.max(0, queue.length - QUEUE_MAX)
  return { ...player, queue: queue.slice(over), passedOver: player.passedOver + over }
}

/** A further row, or the next of the queue that is whole or has waited long enough. */
function tick(player: Player, now: number): Player {
  if (!player.isPlaying) return player
  if (!isAtEnd(player)) return { ...player, position: player.position + 1 }
  if (player.mode === 'replay') return { ...player, isPlaying: false }
  const next = player.queue.find(({ authentication, since }) => authentication.complete || now - since >= COMPLETION_MS)
  if (next === undefined) return { ...player, isRested: true }
  const queue = player.queue.filter((one) => one !== next)
  return { ...player, shown: next.authentication, position: 0, isRested: false, queue }
}

function toggle(player: Player): Player {
  if (player.isPlaying) return { ...player, isPlaying: false }
  const again = player.mode === 'replay' && isAtEnd(player)
  return { ...player, isPlaying: true, position: again ? 0 : player.position }
}
