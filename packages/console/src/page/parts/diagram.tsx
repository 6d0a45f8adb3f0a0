// An authentication as a sequence diagram: three parties, their lifelines, and the eight steps as far as they have been drawn.
import type { JSX } from 'preact'
import { type Authentication, isSecured, type Party, parties, type Row, rowsOf } from '../logic/authentication.ts'
import { formatMs, shortName } from '../logic/format.ts'
import { explainReason } from '../logic/reasons.ts'
import { arrowOf, type Layout, layoutOf, pointOf, shorten } from './diagram-layout.ts'
import { useWidth } from './measure.ts'

interface DiagramProps {
  readonly of: Authentication
  /** Rows that are drawn; more than there are rows: the end as well. */
  readonly position: number
  readonly label: string
  readonly realm: string
}

export function Diagram({ of, position, label, realm }: DiagramProps): JSX.Element {
  const [frame, width] = useWidth<HTMLDivElement>()
  const rows = rowsOf(of)
  const drawable = rows.findLastIndex(({ state }) => state !== 'missed') + 1
  const layout = layoutOf(width, rows.length)
  const isServerNeeded = rows.every(({ state }) => state !== 'skipped')
  const names: Record<Party, string> = {
    PNE: of.pneName ?? of.pne ?? 'unknown',
    'PN GW': shortName(of.gateway),
    'CPNS Server': realm,
  }
  return (
    <div ref={frame} class={layout.isTight ? 'frame diagram tight' : 'frame diagram'}>
      {width > 0 && (
        <svg width={width} height={layout.height} role="img" aria-label={label}>
          {parties.map((party) => (
            <Lane
              key={party}
              party={party}
              name={names[party]}
              layout={layout}
              isIdle={party === 'CPNS Server' && !isServerNeeded}
            />
          ))}
          {rows.map((row, at) => (
            <Step
              key={`${of.id} ${row.number}`}
              row={row}
              at={at}
              layout={layout}
              stage={stageOf(at, position, drawable)}
            />
          ))}
          {position > drawable && <End of={of} layout={layout} />}
        </svg>
      )}
    </div>
  )
}

type Stage = 'ahead' | 'now' | 'past'

function stageOf(at: number, position: number, drawable: number): Stage {
  if (at >= position || at >= drawable) return 'ahead'
  return at === position - 1 ? 'now' : 'past'
}

function Lane(of: { party: Party; name: string; layout: Layout; isIdle: boolean }): JSX.Element {
  const { party, name, layout, isIdle } = of
  const { headHeight, headWidth, height } = layout
  const x = layout.lane(party)
  return (
    <g class={isIdle ? 'lane idle' : 'lane'}>
      <path class="lifeline" d={`M${x} ${headHeight}V${height - 8}`} />
      <rect class="head" x={x - headWidth / 2} y="1" width={headWidth} height={headHeight - 2} rx="10" />
      <text class="party" x={x} y={headHeight / 2 - 4} text-anchor="middle">
        {party}
      </text>
      <text class="party-name" x={x} y={headHeight / 2 + 14} text-anchor="middle">
        <title>{name}</title>
        {shorten(name, Math.floor(layout.headWidth / (layout.isTight ? 7 : 7.6)))}
      </text>
    </g>
  )
}

interface StepProps {
  readonly row: Row
  readonly at: number
  readonly layout: Layout
  readonly stage: Stage
}

function Step({ row, at, layout, stage }: StepProps): JSX.Element {
  const y = layout.y(at)
  const isAlone = row.from === row.to
  return (
    <g class={`step ${row.state} ${stage}`}>
      <NumberTag row={row} y={y} layout={layout} />
      {row.state !== 'skipped' &&
        (isAlone ? <Alone row={row} y={y} layout={layout} /> : <Arrow row={row} y={y} layout={layout} />)}
      {layout.isNarrow ? <NarrowWords row={row} y={y} layout={layout} /> : <Words row={row} y={y} layout={layout} />}
      {row.state !== 'skipped' && row.state !== 'missed' && (
        <text class="ms" x={layout.width} y={layout.isNarrow ? y - 18 : y + 4} text-anchor="end">
          {row.state === 'untold' ? '' : formatMs(row.ms)}
        </text>
      )}
    </g>
  )
}

interface PieceProps {
  readonly row: Row
  /** Of the arrow. */
  readonly y: number
  readonly layout: Layout
}

function NumberTag({ row, y, layout }: PieceProps): JSX.Element {
  const [x, middle] = layout.isNarrow ? [11, y - 22] : [16, y]
  const width = row.number.length > 1 ? 34 : 22
  return (
    <g class="number">
      <rect x={x - 11} y={middle - 11} width={width} height="22" rx="11" />
      <text x={x - 11 + width / 2} y={middle + 4} text-anchor="middle">
        {row.number}
      </text>
    </g>
  )
}

function Arrow({ row, y, layout }: PieceProps): JSX.Element {
  const { from, to, isMutual, state } = row
  const way = Math.sign(layout.lane(to) - layout.lane(from))
  const line = arrowOf(row, y, layout)
  return (
    <g class="arrow">
      {isMutual && <path class="line" pathLength={1} d={arrowOf(row, y - 2.5, layout)} />}
      <path class="line" pathLength={1} d={isMutual ? arrowOf(row, y + 2.5, layout) : line} />
      <path class="point" d={pointOf(layout.lane(to), y, way)} />
      {isMutual && <path class="point" d={pointOf(layout.lane(from), y, -way)} />}
      <path class={isMutual ? 'traveller there-and-back' : 'traveller'} pathLength={1} d={line} />
      {state === 'stopped' && <Stop x={(layout.lane(from) + layout.lane(to)) / 2} y={y} />}
    </g>
  )
}

function Alone({ row, y, layout }: PieceProps): JSX.Element {
  const x = layout.lane(row.from)
  return (
    <g class="alone">
      <circle class="ripple" cx={x} cy={y} r="7" />
      <circle class="spot" cx={x} cy={y} r="7" />
      {row.state === 'stopped' && <Stop x={x} y={y} />}
    </g>
  )
}

function Stop({ x, y }: { x: number; y: number }): JSX.Element {
  return (
    <g class="stop">
      <circle cx={x} cy={y} r="11" />
      <path d={`M${x - 4} ${y - 4}l8 8m0-8l-8 8`} />
    </g>
  )
}

/** Beside what one party does alone, above and below an arrow. */
function Words({ row, y, layout }: PieceProps): JSX.Element {
  const { from, to, label, detail, key } = row
  if (from === to) {
    const isLast = from === 'CPNS Server'
    const x = layout.lane(from) + (isLast ? -18 : 18)
    return (
      <g>
        <text class="label" x={x} y={detail ? y - 2 : y + 4.5} text-anchor={isLast ? 'end' : 'start'}>
          {label}
        </text>
        {detail && (
          <text class="detail" x={x} y={y + 14} text-anchor={isLast ? 'end' : 'start'}>
            {detail}
          </text>
        )}
      </g>
    )
  }
  const isSkipped = row.state === 'skipped'
  const x = isSkipped ? layout.lane('PN GW') + 18 : (layout.lane(from) + layout.lane(to)) / 2
  return (
    <g>
      <text class="label" x={x} y={isSkipped ? y + 4.5 : y - 11} text-anchor={isSkipped ? 'start' : 'middle'}>
        {label}
      </text>
      {(detail || key) && (
        <Detail
          x={x}
          y={y + 20}
          detail={detail}
          keyName={key}
          room={Math.abs(layout.lane(to) - layout.lane(from)) - 12}
        />
      )}
    </g>
  )
}

function NarrowWords({ row, y, layout }: PieceProps): JSX.Element {
  const x = row.number.length > 1 ? 42 : 30
  return (
    <g>
      <text class="label" x={x} y={y - 18}>
        {row.label}
      </text>
      {(row.detail || row.key) && row.from !== row.to && (
        <Detail
          x={(layout.lane(row.from) + layout.lane(row.to)) / 2}
          y={y + 20}
          detail={row.detail}
          keyName={row.key}
          room={Math.abs(layout.lane(row.to) - layout.lane(row.from)) - 12}
        />
      )}
    </g>
  )
}

const DETAIL_CHARACTER = 6.4
const KEY_CHARACTER = 6.4

interface DetailProps {
  readonly x: number
  readonly y: number
  readonly detail: string
  readonly keyName: Row['key']
  /** Between the lanes: where it is too little, the tag alone must do. */
  readonly room: number
}

/** Words, and the name of a key on its tag. */
function Detail({ x, y, detail, keyName, room }: DetailProps): JSX.Element {
  if (keyName === undefined) {
    return (
      <text class="detail" x={x} y={y} text-anchor="middle">
        {detail}
      </text>
    )
  }
  const tag = keyName.length * KEY_CHARACTER + 42
  const whole = detail.length * DETAIL_CHARACTER + 6
  const words = detail === '' || whole + tag > room ? 0 : whole
  const start = x - (words + tag) / 2
  return (
    <g>
      {words > 0 && (
        <text class="detail" x={start + words - 6} y={y} text-anchor="end">
          {detail}
        </text>
      )}
      <g class={keyName === 'EUKey' ? 'key eukey' : 'key transient'}>
        <rect x={start + words} y={y - 13.5} width={tag} height="19" rx="9.5" />
        <path d={`M${start + words + 14.5} ${y - 4}h7.5m-2.5 0v3m-5.5-3a2.7 2.7 0 1 0-.01.01`} />
        <text x={start + words + 26} y={y}>
          {keyName}
        </text>
      </g>
    </g>
  )
}

/** The session between the two, or why there is none. */
function End({ of, layout }: { of: Authentication; layout: Layout }): JSX.Element {
  const { endY, width, isNarrow } = layout
  const beside = layout.isTight ? 16 : 0
  const [left, right] = [layout.lane('PNE') - beside, layout.lane('PN GW') + beside]
  if (isSecured(of)) {
    return (
      <g class="end secured">
        <rect x={left} y={endY - 16} width={right - left} height="36" rx="8" />
        <text x={(left + right) / 2} y={endY + 7} text-anchor="middle">
          secure session
        </text>
      </g>
    )
  }
  const says = of.reason === null ? 'Refused' : explainReason(of.reason).says
  const start = isNarrow ? 0 : 32
  return (
    <g class="end refused">
      <rect x={start + 1} y={endY - 16} width={width - start - 2} height="36" rx="8" />
      <text x={start + 15} y={endY + 7}>
        <title>{says}</title>
        {shorten(
          `${of.stoppedAt === null ? 'Refused' : `Step ${of.stoppedAt}`}: ${says}`,
          Math.floor((width - start - 24) / 7.2),
        )}
      </text>
    </g>
  )
}
