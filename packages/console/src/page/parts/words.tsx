// How states, cases and results are shown on all pages.
import type { JSX } from 'preact'
import type { Authentication, Gateway, PneState } from '../api/types.ts'
import { shortName } from '../logic/format.ts'
import { explainReason } from '../logic/reasons.ts'
import { Badge, Name, type Tone } from './basics.tsx'

const tones: Readonly<Record<PneState | 'retired', Tone>> = {
  active: 'good',
  pending: 'warn',
  revoked: 'bad',
  retired: 'quiet',
}

export function StateBadge({ state }: { state: PneState | 'retired' }): JSX.Element {
  return <Badge tone={tones[state]}>{state}</Badge>
}

export function GatewayState({ of }: { of: Pick<Gateway, 'revoked' | 'connected'> }): JSX.Element {
  if (of.revoked !== null) return <Badge tone="bad">revoked</Badge>
  if (of.connected === null) return <Badge tone="quiet">RADIUS</Badge>
  return of.connected ? <Badge tone="good">connected</Badge> : <Badge tone="warn">not connected</Badge>
}

export function CaseBadge({ of }: { of: string | null }): JSX.Element {
  if (of === null) return <Badge tone="quiet">undecided</Badge>
  return <Badge tone={of === 'local' ? 'local' : 'remote'}>{of}</Badge>
}

export function ResultBadge({ of }: { of: Pick<Authentication, 'result'> }): JSX.Element {
  return <Badge tone={of.result === 'accepted' ? 'good' : 'bad'}>{of.result}</Badge>
}

export function PneLink({ id, name }: { id: string | null; name?: string | null }): JSX.Element {
  if (id === null) return <span class="unnamed">unknown device</span>
  return (
    <a href={`/pnes/${encodeURIComponent(id)}`}>
      <Name of={name ?? id} />
    </a>
  )
}

export function GatewayLink({ identity }: { identity: string | null }): JSX.Element {
  if (identity === null) return <span>–</span>
  return (
    <a href={`/gateways/${encodeURIComponent(shortName(identity))}`} title={identity}>
      <bdi>{shortName(identity)}</bdi>
    </a>
  )
}

export function UserLink({ name }: { name: string | null }): JSX.Element {
  if (name === null) return <span>–</span>
  return (
    <a href={`/users/${encodeURIComponent(name)}`}>
      <bdi>{name}</bdi>
    </a>
  )
}

export function ReasonWords({ code, hasAdvice = false }: { code: string; hasAdvice?: boolean }): JSX.Element {
  const { says, advice } = explainReason(code)
  return (
    <>
      {says}
      {hasAdvice && (
        <>
          . {advice && <span class="advice">{advice} </span>}
          <span class="code">{code}</span>
        </>
      )}
    </>
  )
}
