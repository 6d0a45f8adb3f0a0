// Authentications of each of the last two minutes' seconds, as stacked bars: by case, and by result.
import { useSignal } from '@preact/signals'
import type { JSX, TargetedPointerEvent } from 'preact'
import type { Second } from '../api/types.ts'
import { formatRate } from '../logic/format.ts'
import { gridLines, roundTop, slots } from '../logic/scale.ts'
import { useWidth } from './measure.ts'

const SECONDS = 120
const AVERAGED = 10
const HEIGHT = 190
const AXIS = 36
const FOOT = 22
const HEAD = 8

const series = [
  { name: 'local, accepted', kind: 'local-accepted', of: (one: Second) => one.local.accepted },
  { name: 'remote, accepted', kind: 'remote-accepted', of: (one: Second) => one.remote.accepted },
  { name: 'local, refused', kind: 'local-refused', of: (one: Second) => one.local.refused },
  { name: 'remote, refused', kind: 'remote-refused', of: (one: Second) => one.remote.refused },
  { name: 'refused at once', kind: 'undecided', of: (one: Second) => one.undecided },
] as const

type Slots = readonly (Second | undefined)[]

/** @param now the end of the newest second, in ms since the epoch by the server's clock */
export function Chart({ seconds, now }: { seconds: readonly Second[]; now: number }): JSX.Element {
  const [frame, width] = useWidth<HTMLDivElement>()
  const pointed = useSignal<number | undefined>(undefined)
  const told = slots(seconds, SECONDS, now - 1000)
  const largest = Math.max(...told.map(total))
  const averages = series.map(({ of }) => sum(told.slice(-AVERAGED).map((one) => (one ? of(one) : 0))) / AVERAGED)
  const point = (event: TargetedPointerEvent<SVGSVGElement>) => {
    const place = (event.clientX - event.currentTarget.getBoundingClientRect().left - AXIS) / (width - AXIS)
    pointed.value = place < 0 || place >= 1 ? undefined : Math.floor(place * SECONDS)
  }
  const summary = `Authentications a second in the last two minutes: ${formatRate(sum(averages))} now, ${largest} at most.`
  return (
    <figure class="chart">
      <div ref={frame} class="frame">
        {width > 0 && (
          <svg
            width={width}
            height={HEIGHT}
            role="img"
            aria-label={summary}
            onPointerMove={point}
            onPointerLeave={() => {
              pointed.value = undefined
            }}
          >
            <Hatching />
            <Grid width={width} top={roundTop(largest, 4)} />
            <Bars width={width} told={told} top={roundTop(largest, 4)} pointed={pointed.value} />
          </svg>
        )}
      </div>
      <Legend
        averages={averages}
        second={pointed.value === undefined ? undefined : told[pointed.value]}
        pointed={pointed.value}
      />
    </figure>
  )
}

function Hatching(): JSX.Element {
  return (
    <defs>
      <pattern id="hatching" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="hatching-ground" width="4" height="4" />
        <rect class="hatching-line" width="1.8" height="4" />
      </pattern>
    </defs>
  )
}

function Grid({ width, top }: { width: number; top: number }): JSX.Element {
  const foot = HEIGHT - FOOT
  const marks = [
    ['2 min ago', AXIS, 'start'],
    ['1 min ago', (AXIS + width) / 2, 'middle'],
    ['now', width, 'end'],
  ] as const
  return (
    <g class="grid">
      {gridLines(top).map((value) => (
        <g key={value}>
          <path d={`M${AXIS} ${yOf(value, top)}H${width}`} />
          <text x={AXIS - 8} y={yOf(value, top) + 4} text-anchor="end">
            {value.toLocaleString('en')}
          </text>
        </g>
      ))}
      {marks.map(([words, x, anchor]) => (
        <text key={words} x={x} y={foot + 17} text-anchor={anchor}>
          {words}
        </text>
      ))}
    </g>
  )
}

function Bars({ width, told, top, pointed }: { width: number; told: Slots; top: number; pointed: number | undefined }) {
  const slot = (width - AXIS) / SECONDS
  const gap = slot > 4 ? 1 : 0.4
  return (
    <g>
      {pointed !== undefined && (
        <rect class="pointed" x={AXIS + pointed * slot} y={HEAD} width={slot} height={HEIGHT - HEAD - FOOT} />
      )}
      {series.map(({ kind }, at) => (
        <path
          key={kind}
          class={kind}
          d={told.map((one, i) => barOf(one, at, AXIS + i * slot, slot - gap, top)).join('')}
        />
      ))}
    </g>
  )
}

/** The piece of one series in the bar of one second. */
function barOf(one: Second | undefined, at: number, x: number, width: number, top: number): string {
  const value = one ? (series[at]?.of(one) ?? 0) : 0
  if (one === undefined || value === 0) return ''
  const below = sum(series.slice(0, at).map(({ of }) => of(one)))
  const [foot, head] = [yOf(below, top), yOf(below + value, top)]
  return `M${x.toFixed(1)} ${foot.toFixed(1)}V${head.toFixed(1)}h${width.toFixed(1)}V${foot.toFixed(1)}z`
}

interface LegendProps {
  readonly averages: readonly number[]
  readonly second: Second | undefined
  readonly pointed: number | undefined
}

function Legend({ averages, second, pointed }: LegendProps): JSX.Element {
  const isPointed = pointed !== undefined
  return (
    <figcaption>
      <ul class="legend">
        {series.map(({ name, kind, of }, at) => (
          <li key={kind}>
            <svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
              <rect class={kind} width="12" height="12" rx="3" />
            </svg>
            {name} <b>{isPointed ? (second ? of(second) : 0) : formatRate(averages[at] ?? 0)}</b>
          </li>
        ))}
      </ul>
      <p class="hint">{isPointed ? `${SECONDS - pointed} s ago` : `a second, over the last ${AVERAGED} seconds`}</p>
    </figcaption>
  )
}

function yOf(value: number, top: number): number {
  return HEAD + (HEIGHT - HEAD - FOOT) * (1 - value / top)
}

function total(one: Second | undefined): number {
  return one === undefined ? 0 : sum(series.map(({ of }) => of(one)))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
