// The drawings of the console: its mark, and icons of one line each. All of them decorate words that stand beside them.
import type { JSX } from 'preact'

const icons = {
  overview: 'M4 19V9m5.3 10V5m5.4 14v-7M20 19V7',
  flow: 'M5 3v18M19 3v18M5 8h13m-3-3 3 3-3 3M19 16H6m3-3-3 3 3 3',
  pair: 'M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zm10 0h2v2h-2zm4 4h2v2h-2zm0-4h2m-6 6h2',
  pnes: 'M8 6h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zm1-4 .6 4m5.4-4-.6 4M9 22l.6-4m5.4 4-.6-4M12 9.5V12l1.6 1.2',
  gateways:
    'M4 13h16a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-5a1 1 0 0 1 1-1zm3 3.5h.01M11 16.5h.01M8 9a5.6 5.6 0 0 1 8 0M5.5 6.2a9.2 9.2 0 0 1 13 0',
  users: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9a8 8 0 0 1 16 0',
  networks:
    'M12 8.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM5 21.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm14 0a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10.5 8.2 6.6 15.7m6.9-7.5 3.9 7.5M8 18.5h8',
  audit: 'M6 3h9l4 4v14H6zm8 0v5h5M9 12h7m-7 4h7',
  tokens: 'M14.5 14a5 5 0 1 0-4.8-3.6L3 17v4h4l.500-2.5L10 18l.400-2.4L12.2 14zm1.5-6h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'm6 6 12 12M18 6 6 18',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 5v14m7-14v14',
  forward: 'm9 5 7 7-7 7',
  back: 'm15 5-7 7 7 7',
  restart: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5',
  tick: 'm5 12.5 4.7 4.7L19.5 7',
  cross: 'm7 7 10 10M17 7 7 17',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 4.5 4.5',
  plus: 'M12 5v14M5 12h14',
  download: 'M12 4v11m-5-5 5 5 5-5M5 20h14',
  leave: 'M14 4h5v16h-5M3.5 12H15m-4-4 4 4-4 4',
} as const

export type IconName = keyof typeof icons

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={icons[name]} />
    </svg>
  )
}

/** The ring is a personal network, the dot a device that joins it. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-ring" d="M22.6 10.2a9 9 0 1 0 0 11.6" />
      <circle class="mark-dot" cx="22.4" cy="16" r="3.1" />
    </svg>
  )
}
