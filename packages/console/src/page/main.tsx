// The web console: begins here, in the browser.
import { render } from 'preact'
import { findSession } from './api/session.ts'
import { App } from './app.tsx'
import { followLinks, go, SEARCH } from './live/router.ts'

const root = document.getElementById('root')
if (root) render(<App />, root)
addEventListener('click', followLinks)
addEventListener('keydown', focusSearch)
begin()

/** A server that cannot be reached yet is asked again: this page may have come out of a cache. */
function begin(): void {
  findSession().catch(() => setTimeout(begin, 2000))
}

/** `/` is for searching, wherever one is and writes nothing. */
function focusSearch(event: KeyboardEvent): void {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
  const { target } = event
  if (target instanceof HTMLElement && target.closest('input, textarea, select, dialog')) return
  event.preventDefault()
  const field = document.querySelector<HTMLInputElement>(SEARCH)
  if (field) field.select()
  else go('/pnes', SEARCH)
}
