// Where we are: the path and the query of the page, in the browser's history.
import { computed, signal } from '@preact/signals'

const url = signal(new URL(location.href))

export const path = computed(() => url.value.pathname)
export const search = computed(() => url.value.searchParams)

/** What gets the focus on the next page: a selector. */
const HEADING = 'main h1'
export const SEARCH = '[data-search]'
let landing = HEADING

export function land(): void {
  document.querySelector<HTMLElement>(landing)?.focus()
  landing = HEADING
}

addEventListener('popstate', () => {
  url.value = new URL(location.href)
})

/** To another page. @param to a path of this console, with or without a query @param focus a selector */
export function go(to: string, focus = HEADING): void {
  landing = focus
  history.pushState(null, '', to)
  url.value = new URL(location.href)
  scrollTo(0, 0)
}

/** The same page with a changed query, which `back` does not go through. Empty values fall away. */
export function setSearch(changes: Readonly<Record<string, string>>): void {
  const next = new URL(url.peek())
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.searchParams.delete(name)
    else next.searchParams.set(name, value)
  }
  history.replaceState(null, '', next)
  url.value = next
}

/** Follows links within the console without loading the page anew; leaves alone what the person wants otherwise. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
  if (!link || !isPlain || event.defaultPrevented) return
  if (link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return
  if (link.pathname === location.pathname && link.hash !== '') return
  if (link.pathname.startsWith('/assets/') || link.pathname.startsWith('/v1/')) return
  event.preventDefault()
  go(link.pathname + link.search)
}
