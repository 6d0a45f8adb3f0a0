// Small pieces that every page is made of.
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useId, useRef } from 'preact/hooks'
import type { ApiProblem } from '../api/problem.ts'
import { clock } from '../live/clock.ts'
import { ago } from '../logic/format.ts'
import { Icon, type IconName } from './icons.tsx'

interface HeadingProps {
  readonly title: ComponentChildren
  /** Where this page hangs in the console. */
  readonly above?: { readonly path: string; readonly title: string }
  readonly intro?: ComponentChildren
  /** Buttons and links. */
  readonly children?: ComponentChildren
}

export function Heading({ title, above, intro, children }: HeadingProps): JSX.Element {
  return (
    <header class="heading">
      <div class="heading-words">
        {above && (
          <p class="above">
            <a href={above.path}>{above.title}</a>
          </p>
        )}
        <h1 tabIndex={-1}>{title}</h1>
        {intro && <p class="intro">{intro}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  )
}

export function Card(of: {
  title: string
  id?: string
  aside?: ComponentChildren
  children: ComponentChildren
}): JSX.Element {
  const id = useId()
  return (
    <section class="card" aria-labelledby={of.id ?? id}>
      <div class="card-head">
        <h2 id={of.id ?? id}>{of.title}</h2>
        {of.aside}
      </div>
      {of.children}
    </section>
  )
}

export type Tone = 'good' | 'bad' | 'warn' | 'local' | 'remote' | 'quiet'

/** A word in a coloured pill: the word alone tells all. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>
}

/** A name that somebody else chose: text of its own direction, whatever stands beside it. */
export function Name({ of, or }: { of: string | null; or?: string }): JSX.Element {
  return of === null ? <span class="unnamed">{or ?? 'no name'}</span> : <bdi>{of}</bdi>
}

export function Time({ at, or = '–' }: { at: string | null; or?: string }): JSX.Element {
  if (at === null) return <span>{or}</span>
  const time = Date.parse(at)
  return (
    <time dateTime={at} title={new Date(time).toLocaleString()}>
      {ago(clock.value - time)}
    </time>
  )
}

interface ButtonProps {
  readonly onClick?: () => void
  readonly kind?: 'main' | 'plain' | 'danger' | 'quiet'
  readonly icon?: IconName
  readonly type?: 'button' | 'submit'
  readonly isBusy?: boolean
  readonly isDisabled?: boolean
  readonly hasFocus?: boolean
  readonly label?: string
  readonly children?: ComponentChildren
}

/** While it is busy it keeps the focus, but does nothing. */
export function Button(of: ButtonProps): JSX.Element {
  const { onClick, kind = 'plain', icon, type = 'button', isBusy = false, label, children } = of
  return (
    <button
      type={type}
      class={`button ${kind}`}
      aria-label={label}
      aria-disabled={isBusy || undefined}
      disabled={of.isDisabled}
      autofocus={of.hasFocus}
      onClick={isBusy ? (event) => event.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

const COPIED_MS = 2000

/** Something to take along: a command, a URI, a token. */
export function Copy({
  text,
  label,
  what = text,
}: {
  text: string
  label: string
  what?: ComponentChildren
}): JSX.Element {
  const isCopied = useSignal(false)
  const code = useRef<HTMLElement>(null)
  const copy = async () => {
    if (!(await toClipboard(text, code.current))) return
    isCopied.value = true
    setTimeout(() => {
      isCopied.value = false
    }, COPIED_MS)
  }
  return (
    <div class="copy">
      <code ref={code}>{what}</code>
      <Button
        kind="quiet"
        icon={isCopied.value ? 'tick' : 'copy'}
        label={isCopied.value ? 'Copied' : label}
        onClick={copy}
      />
      <span class="hidden" role="status">
        {isCopied.value ? 'Copied' : ''}
      </span>
    </div>
  )
}

/** Without a secure context there is no clipboard; then the text is selected, ready for the keyboard. */
async function toClipboard(text: string, element: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    if (element) getSelection()?.selectAllChildren(element)
    return false
  }
}

export function Problem({ of, onRetry }: { of: ApiProblem | undefined; onRetry?: () => void }): JSX.Element | null {
  if (of === undefined) return null
  return (
    <div class="problem" role="alert">
      <p>
        {of.message} <span class="code">{of.code}</span>
      </p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

/** Facts by their names. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
