// An authentication as the admin API tells it, and what is drawn of it: the eight steps, with what each is called, which key it
// uses (never its value), how long it took, and where a refused one stopped.

export const parties = ['PNE', 'PN GW', 'CPNS Server'] as const
export type Party = (typeof parties)[number]

export interface Step {
  readonly step: number
  readonly from: string
  readonly to: string
  readonly message: string
  /** Milliseconds since step 1. */
  readonly atMs: number
  /** Milliseconds since the step before. */
  readonly ms: number
}

export interface Authentication {
  readonly id: number
  readonly at: string
  /** null: refused before that was known. */
  readonly case: 'local' | 'remote' | null
  readonly result: 'accepted' | 'refused'
  readonly reason: string | null
  readonly gateway: string
  readonly pne: string | null
  readonly pneName: string | null
  readonly user: string | null
  readonly key: 'EUKey' | 'transient key' | 'transient key, held' | null
  readonly session: string | null
  readonly serverRoundTrips: number | null
  readonly ms: number | null
  readonly steps: readonly Step[]
  readonly stoppedAt: number | null
  /** Whether gateway and server have both told their part. */
  readonly complete: boolean
}

/**
 * `done`: it happened. `stopped`: here it was refused. `missed`: it was refused before. `untold`: nobody has told of it, or not
 * yet. `skipped`: this case needs no such step.
 */
type RowState = 'done' | 'stopped' | 'missed' | 'untold' | 'skipped'

/** A step as a row of the diagram and of its table. */
export interface Row {
  /** `1` to `8`, or `3–6` where all of them are skipped. */
  readonly number: string
  readonly from: Party
  readonly to: Party
  readonly label: string
  readonly detail: string
  /** The key that is used or carried, by its name. */
  readonly key: 'EUKey' | 'transient key' | undefined
  /** Both sides speak. */
  readonly isMutual: boolean
  readonly state: RowState
  readonly ms: number | undefined
}

type Caption = Pick<Row, 'from' | 'to' | 'label'> & Partial<Pick<Row, 'detail' | 'key' | 'isMutual'>>
type Captions = Readonly<Record<number, Caption>>
type Path = 'local' | 'remote' | 'held' | 'undecided'

const request: Caption = { from: 'PNE', to: 'PN GW', label: 'Authentication Request', detail: '2nd seed' }
const handshake: Caption = {
  from: 'PNE',
  to: 'PN GW',
  label: 'TLS 1.3 handshake',
  isMutual: true,
}
const response: Caption = { from: 'PN GW', to: 'PNE', label: 'Authentication Response', detail: 'inside TLS' }

const captions: Readonly<Record<Path, Captions>> = {
  local: {
    1: request,
    2: { from: 'PN GW', to: 'PN GW', label: 'EUKey found', detail: 'local case' },
    7: { ...handshake, detail: 'PSK from the', key: 'EUKey' },
    8: response,
  },
  held: {
    1: { ...request, detail: '2nd seed, name of a transient key' },
    2: { from: 'PN GW', to: 'PN GW', label: 'Transient key still held' },
    7: { ...handshake, detail: 'PSK from the', key: 'transient key' },
    8: response,
  },
  undecided: {
    1: request,
    2: { from: 'PN GW', to: 'PN GW', label: 'Is this key mine?' },
    7: handshake,
    8: response,
  },
  remote: {
    1: request,
    2: { from: 'PN GW', to: 'PN GW', label: 'No EUKey of it', detail: 'remote case' },
    3: { from: 'PN GW', to: 'CPNS Server', label: 'Authentication Request', detail: 'forwarded' },
    4: { from: 'CPNS Server', to: 'CPNS Server', label: 'EUKey calculated', detail: 'from 1st and 2nd seed' },
    5: { from: 'PNE', to: 'CPNS Server', label: 'EAP-GPSK', detail: 'PSK from the', key: 'EUKey', isMutual: true },
    6: { from: 'CPNS Server', to: 'PN GW', label: 'Authentication Response', detail: 'with the', key: 'transient key' },
    7: { ...handshake, detail: 'PSK from the', key: 'transient key' },
    8: response,
  },
}

/** In the words of step 6, when the server said no. */
const refusedByServer: Caption = {
  from: 'CPNS Server',
  to: 'PN GW',
  label: 'Authentication Response',
  detail: 'refused',
}

function pathOf({ case: theCase, key }: Authentication): Path {
  if (theCase === null) return 'undecided'
  if (theCase === 'local') return 'local'
  return key === 'transient key, held' ? 'held' : 'remote'
}

/** The rows of the diagram, from top to bottom: every step of this case, also those that did not happen. */
export function rowsOf(authentication: Authentication): Row[] {
  const path = pathOf(authentication)
  const rows = Object.entries(captions[path]).map(([number, caption]) => rowOf(authentication, Number(number), caption))
  if (path === 'local' || path === 'held') rows.splice(2, 0, skipped)
  return rows
}

const skipped: Row = {
  number: '3–6',
  from: 'PN GW',
  to: 'CPNS Server',
  label: 'The server is not needed',
  detail: '',
  key: undefined,
  isMutual: false,
  state: 'skipped',
  ms: undefined,
}

function rowOf(authentication: Authentication, number: number, caption: Caption): Row {
  const told = authentication.steps.find(({ step }) => step === number)
  const state = stateOf(authentication, number, told !== undefined)
  const isRefusal = number === 6 && authentication.result === 'refused' && (authentication.stoppedAt ?? 8) < 6
  const { from, to, label, detail = '', key, isMutual = false } = isRefusal ? refusedByServer : caption
  return { number: String(number), from, to, label, detail, key, isMutual, state, ms: told?.ms }
}

function stateOf({ result, stoppedAt, complete }: Authentication, number: number, isTold: boolean): RowState {
  if (result === 'refused' && stoppedAt === number) return 'stopped'
  if (isTold) return 'done'
  if (result === 'refused' && stoppedAt !== null && number > stoppedAt) return 'missed'
  return complete && result === 'refused' ? 'missed' : 'untold'
}

/** Whether the diagram ends with a session. */
export function isSecured({ result }: Authentication): boolean {
  return result === 'accepted'
}
