// How wide a drawing may be: its texts keep their size, so it is laid out anew for each width.
import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** The width in CSS pixels of the element that has the ref; 0 before it is known. */
export function useWidth<T extends Element>(): [RefObject<T | null>, number] {
  const element = useRef<T>(null)
  const width = useSignal(0)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0)
    })
    if (element.current) observer.observe(element.current)
    return () => observer.disconnect()
  }, [width])
  return [element, width.value]
}

const reduced = matchMedia('(prefers-reduced-motion: reduce)')

export function wantsLessMotion(): boolean {
  return reduced.matches
}
