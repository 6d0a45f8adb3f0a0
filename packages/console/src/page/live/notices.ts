// What the page has to say: shown for a while, and spoken by screen readers.
import { signal } from '@preact/signals'

export interface Notice {
  readonly id: number
  readonly text: string
  readonly kind: 'good' | 'bad'
}

const SHOWN_MS = 8000
const MOST = 3

export const notices = signal<readonly Notice[]>([])
let last = 0

export function tell(text: string, kind: Notice['kind'] = 'good'): void {
  const notice = { id: ++last, text, kind }
  notices.value = [...notices.value, notice].slice(-MOST)
  setTimeout(() => dismiss(notice.id), SHOWN_MS)
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id)
}
