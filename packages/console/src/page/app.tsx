// The frame of all pages: where one can go, who one is, and whether what is shown is live.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { logOut, may, session } from './api/session.ts'
import { reconnect, streamState, watch } from './api/stream.ts'
import { clock } from './live/clock.ts'
import { dismiss, notices, tell } from './live/notices.ts'
import { land, path } from './live/router.ts'
import { pageAt } from './pages/index.tsx'
import { LogIn } from './pages/log-in.tsx'
import { Button } from './parts/basics.tsx'
import { Icon, type IconName, Mark } from './parts/icons.tsx'

interface Place {
  readonly path: string
  readonly title: string
  readonly icon: IconName
  readonly isOffered?: () => boolean
}

const places: readonly Place[] = [
  { path: '/', title: 'Overview', icon: 'overview' },
  { path: '/flow', title: 'Flow', icon: 'flow' },
  { path: '/pair', title: 'Pair', icon: 'pair', isOffered: () => may('operator') },
  { path: '/pnes', title: 'PNEs', icon: 'pnes' },
  { path: '/gateways', title: 'Gateways', icon: 'gateways' },
  { path: '/users', title: 'Users', icon: 'users' },
  { path: '/networks', title: 'Personal networks', icon: 'networks' },
  { path: '/audit', title: 'Audit', icon: 'audit', isOffered: () => may('operator') },
  { path: '/tokens', title: 'Tokens', icon: 'tokens', isOffered: () => may('admin') },
]

export function App(): JSX.Element {
  const { page, title } = pageAt(path.value)
  const who = session.value
  useEffect(() => {
    document.title = who ? `${title} · OpenCPNS` : 'OpenCPNS'
  }, [title, who])
  const name = who ? `${who.name} ${who.expires}` : undefined
  useEffect(() => (name === undefined ? undefined : watch(name)), [name])
  usePageFocus(who === undefined ? undefined : who === null ? 'log-in' : path.value)
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      {who && (
        <div class="app">
          <Side />
          <main id="content" tabIndex={-1}>
            <StreamNotice />
            {page}
          </main>
        </div>
      )}
      {who === null && <LogIn />}
      <Notices />
    </>
  )
}

/** A new page is read from its heading on, as after a load; the first one is left as the browser has it. */
function usePageFocus(page: string | undefined): void {
  const before = useSignal<string | undefined>(undefined)
  useEffect(() => {
    if (page === undefined) return
    if (before.peek() !== undefined && before.peek() !== page) land()
    before.value = page
  }, [page, before])
}

function Side(): JSX.Element {
  const isOpen = useSignal(false)
  const now = path.value
  // A new page closes the menu.
  useEffect(() => {
    isOpen.value = false
  }, [now])
  return (
    <header class="side">
      <div class="side-head">
        <a class="brand" href="/">
          <Mark /> OpenCPNS
        </a>
        <button
          type="button"
          class="button quiet menu"
          aria-expanded={isOpen.value}
          aria-controls="places"
          onClick={() => {
            isOpen.value = !isOpen.value
          }}
        >
          <Icon name={isOpen.value ? 'close' : 'menu'} />
          Menu
        </button>
      </div>
      <div id="places" class={isOpen.value ? 'places open' : 'places'}>
        <nav aria-label="Console">
          <ul>
            {places.map(
              (place) => place.isOffered?.() !== false && <PlaceLink key={place.path} of={place} now={now} />,
            )}
          </ul>
        </nav>
        <Person />
      </div>
    </header>
  )
}

function PlaceLink({ of: { path: to, title, icon }, now }: { of: Place; now: string }): JSX.Element {
  const isHere = to === '/' ? now === '/' : now === to || now.startsWith(`${to}/`)
  return (
    <li>
      <a href={to} aria-current={isHere ? 'page' : undefined}>
        <Icon name={icon} />
        {title}
      </a>
    </li>
  )
}

function Person(): JSX.Element {
  const leave = () => {
    logOut().catch((error: Error) => tell(error.message, 'bad'))
  }
  return (
    <div class="person">
      <p class="realm" title="The realm of this server">
        <bdi>{session.value?.realm}</bdi>
      </p>
      <p>
        <bdi>{session.value?.name}</bdi>, {session.value?.role}
      </p>
      <p class={`stream ${streamState.value.is}`}>{streamState.value.is === 'live' ? 'live' : 'not live'}</p>
      <Button kind="quiet" icon="leave" onClick={leave}>
        Log out
      </Button>
      <a class="licences" href="/assets/licences.txt" target="_blank" rel="noreferrer">
        Licences
      </a>
    </div>
  )
}

/** While what is shown may be old: said once, and counted down without being said. */
function StreamNotice(): JSX.Element {
  const state = streamState.value
  const isLost = state.is === 'waiting'
  return (
    <>
      <p class="hidden" role="status">
        {isLost ? 'The connection with the server is lost. It is tried again.' : ''}
      </p>
      {isLost && (
        <div class="lost">
          <p aria-hidden="true">
            The connection with the server is lost. Next attempt in{' '}
            {Math.max(0, Math.ceil((state.until - clock.value) / 1000))} s.
          </p>
          <Button onClick={reconnect}>Try now</Button>
        </div>
      )}
    </>
  )
}

function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, kind }) => (
        <div key={id} class={`notice ${kind}`}>
          <Icon name={kind === 'good' ? 'tick' : 'cross'} />
          <p>{text}</p>
          <Button kind="quiet" icon="close" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
