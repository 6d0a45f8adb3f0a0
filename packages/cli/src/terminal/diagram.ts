// The eight steps as a sequence diagram: three lanes, time runs down, at most 96 columns.
// What a step is called and which key it uses is the caller's; here it only gets its place.
import type { Paint, Style } from '../output.ts'
import { Canvas } from './canvas.ts'

export const parties = ['PNE', 'PN GW', 'CPNS Server'] as const
export type Party = (typeof parties)[number]

export interface DiagramStep {
  /** `1` to `8`, or a range as `3–6`. */
  readonly number: string
  readonly from: Party
  readonly to: Party
  /** On the arrow: at most 28 characters between neighbours. */
  readonly label: string
  /** Below the arrow. */
  readonly detail?: string | undefined
  /** The name of the key that is used or carried here; it follows the detail. */
  readonly key?: string | undefined
  /** Milliseconds; undefined for what did not happen. */
  readonly ms: number | undefined
  /** Both sides speak: drawn with two heads and a double line. */
  readonly mutual?: boolean | undefined
}

export interface Diagram {
  readonly steps: readonly DiagramStep[]
  /** Whether the server takes part; if not, its lane is dotted. */
  readonly server: 'takes part' | 'not asked' | 'stopped'
  /** What the secure session was used for. */
  readonly session: string
}

const LANES: Record<Party, number> = { PNE: 9, 'PN GW': 45, 'CPNS Server': 81 }
const NUMBER_COLUMN = 1
const MS_END = 97

export function diagram({ steps, server, session }: Diagram, paint: Paint): string {
  const canvas = new Canvas()
  drawHeads(canvas, server)
  for (const step of steps) drawStep(canvas, step, server)
  drawSession(canvas, session, server)
  return canvas.toText(paint)
}

function drawHeads(canvas: Canvas, server: Diagram['server']): void {
  for (const party of parties) {
    const style: Style = party === 'CPNS Server' && server !== 'takes part' ? 'faint' : 'party'
    const left = LANES[party] - Math.ceil((party.length + 4) / 2) + 1
    const half = (edge: string) => edge.repeat(party.length + 2)
    canvas.put(0, left, `┌${half('─')}┐`, style)
    canvas.put(1, left, `│ ${party} │`, style)
    canvas.put(2, left, `└${half('─')}┘`, style)
    canvas.put(2, LANES[party], '┬', style)
  }
  canvas.put(1, MS_END - 2, 'ms', 'faint')
  if (server !== 'stopped') return
  drawLanes(canvas, 3, server)
  canvas.put(3, LANES['CPNS Server'], '✕ stopped', 'bad')
}

function drawStep(canvas: Canvas, step: DiagramStep, server: Diagram['server']): void {
  const row = canvas.height
  drawLanes(canvas, row, server)
  const skipped = step.ms === undefined
  canvas.put(row, NUMBER_COLUMN, step.number, skipped ? 'faint' : 'strong')
  if (!skipped) drawMs(canvas, row, step.ms)
  if (step.from === step.to) drawNote(canvas, row, step, skipped)
  else drawArrow(canvas, row, step)
  drawDetail(canvas, row + 1, step, server)
}

function drawMs(canvas: Canvas, row: number, ms: number): void {
  const text = ms.toFixed(1)
  canvas.put(row, MS_END - text.length, text)
}

/** Something that one party does alone: beside its lane, where there is room. */
function drawNote(canvas: Canvas, row: number, { from, label }: DiagramStep, skipped: boolean): void {
  const lane = LANES[from]
  const style = skipped ? 'faint' : undefined
  if (!skipped) canvas.put(row, lane, '●', 'party')
  if (from === 'CPNS Server') canvas.put(row, lane - 2 - label.length, label, style)
  else canvas.put(row, lane + 2, label, style)
}

function drawArrow(canvas: Canvas, row: number, { from, to, label, mutual }: DiagramStep): void {
  const left = Math.min(LANES[from], LANES[to])
  const right = Math.max(LANES[from], LANES[to])
  const stroke = mutual ? '═' : '─'
  canvas.put(row, left + 1, stroke.repeat(right - left - 1), 'faint')
  if (right - left > LANES['PN GW'] - LANES.PNE) canvas.put(row, LANES['PN GW'], mutual ? '╪' : '┼', 'faint')
  if (mutual || LANES[from] > LANES[to]) canvas.put(row, left + 1, '◀', 'party')
  if (mutual || LANES[from] < LANES[to]) canvas.put(row, right - 1, '▶', 'party')
  canvas.put(row, left + 3, ` ${label} `)
}

function drawDetail(canvas: Canvas, row: number, step: DiagramStep, server: Diagram['server']): void {
  if (step.detail === undefined && step.key === undefined) return
  drawLanes(canvas, row, server)
  const text = [step.detail, step.key].filter((part) => part !== undefined).join(' ')
  const isServerNote = step.from === step.to && step.from === 'CPNS Server'
  const left = Math.min(LANES[step.from], LANES[step.to])
  const column = isServerNote ? left - 2 - text.length : left + (step.from === step.to ? 2 : 4)
  canvas.put(row, column, text, 'faint')
  if (step.key !== undefined) canvas.put(row, column + text.length - step.key.length, step.key, 'key')
}

function drawSession(canvas: Canvas, session: string, server: Diagram['server']): void {
  const row = canvas.height
  const [left, right] = [LANES.PNE, LANES['PN GW']]
  drawLanes(canvas, row, server)
  canvas.put(row, left + 1, `◀${'━'.repeat(right - left - 3)}▶`, 'good')
  canvas.put(row, left + 3, ' secure session ', 'strong')
  drawLanes(canvas, row + 1, server)
  canvas.put(row + 1, left + 4, session, 'good')
}

function drawLanes(canvas: Canvas, row: number, server: Diagram['server']): void {
  canvas.put(row, LANES.PNE, '│', 'faint')
  canvas.put(row, LANES['PN GW'], '│', 'faint')
  canvas.put(row, LANES['CPNS Server'], server === 'takes part' ? '│' : '┊', 'faint')
}
