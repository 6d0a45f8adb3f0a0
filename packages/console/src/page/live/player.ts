// The player of Flow with its clock and its keys: arrows step, space plays and pauses, Home begins again.
import { useSignal } from '@preact/signals'
import { useCallback, useEffect } from 'preact/hooks'
import { idle, isAtEnd, type Player, type PlayerAction, pauseMs, play } from '../logic/player.ts'
import { wantsLessMotion } from '../parts/measure.ts'

export function usePlayer(): { player: Player; act: (action: PlayerAction) => void } {
  const state = useSignal<Player>(idle)
  const act = useCallback(
    (action: PlayerAction) => {
      state.value = play(state.peek(), action)
    },
    [state],
  )
  const player = state.value
  useEffect(() => {
    if (player.isPlaying && !isAtEnd(player) && wantsLessMotion()) return act({ do: 'finish' })
    const ms = pauseMs(player)
    if (ms === undefined) return
    const timer = setTimeout(() => act({ do: 'tick', now: performance.now() }), ms)
    return () => clearTimeout(timer)
  }, [player, act])
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const action = actionOf(event)
      if (action === undefined) return
      event.preventDefault()
      act({ do: action })
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [act])
  return { player, act }
}

const keys: Readonly<Record<string, 'forward' | 'back' | 'restart' | 'toggle'>> = {
  ArrowRight: 'forward',
  ArrowLeft: 'back',
  Home: 'restart',
  ' ': 'toggle',
}

/** Keys count while nothing else has the focus, or something of the player; a button takes the space key for itself. */
function actionOf({ key, target, altKey, ctrlKey, metaKey }: KeyboardEvent) {
  if (altKey || ctrlKey || metaKey || !(target instanceof Element)) return undefined
  const isOurs = target === document.body || target.matches('h1') || target.closest('[data-player]') !== null
  if (!isOurs || (key === ' ' && target.closest('button') !== null)) return undefined
  return keys[key]
}
