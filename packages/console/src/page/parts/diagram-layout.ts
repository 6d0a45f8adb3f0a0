// Where everything of the sequence diagram is, for a width: lanes from left to right, rows from top to bottom. On a narrow screen
// the words of a step stand above its arrow over the whole width.
import type { Party, Row } from '../logic/authentication.ts'

export interface Layout {
  readonly isNarrow: boolean
  /** Narrower still: smaller letters, fewer words. */
  readonly isTight: boolean
  readonly width: number
  readonly height: number
  readonly headHeight: number
  readonly headWidth: number
  readonly rowHeight: number
  lane(party: Party): number
  /** Where the arrow of a row is. */
  y(row: number): number
  /** Where the end is drawn. */
  readonly endY: number
}

const NARROW = 560
const TIGHT = 400
const END_HEIGHT = 64
/** At the right of each row, for its milliseconds. */
const TIMES_WIDTH = 72

export function layoutOf(width: number, rows: number): Layout {
  const isNarrow = width < NARROW
  const headHeight = isNarrow ? 46 : 54
  const rowHeight = isNarrow ? 68 : 62
  const headWidth = isNarrow ? Math.min(104, (width - 6) / 3) : Math.min(150, 108 + (width - NARROW) / 4)
  const [left, right] = isNarrow
    ? [headWidth / 2 + 1, width - headWidth / 2 - 1]
    : [headWidth / 2 + 2, width - Math.max(TIMES_WIDTH, headWidth / 2 + 2)]
  const lanes: Record<Party, number> = { PNE: left, 'PN GW': (left + right) / 2, 'CPNS Server': right }
  const first = headHeight + (isNarrow ? 40 : 44)
  const endY = first + rows * rowHeight + 4
  return {
    isNarrow,
    isTight: width < TIGHT,
    width,
    height: endY + END_HEIGHT,
    headHeight,
    headWidth,
    rowHeight,
    lane: (party) => lanes[party],
    y: (row) => first + row * rowHeight,
    endY,
  }
}

/** The path of an arrow from lane to lane; a step that one party does alone has none. */
export function arrowOf({ from, to }: Pick<Row, 'from' | 'to'>, y: number, { lane }: Layout): string {
  const [start, end] = [lane(from), lane(to)]
  const way = Math.sign(end - start)
  return `M${start + 7 * way} ${y}H${end - 7 * way}`
}

/** The point of an arrow, at its end. */
export function pointOf(x: number, y: number, way: number): string {
  return `M${x - 13 * way} ${y - 5.5}L${x - 5 * way} ${y}L${x - 13 * way} ${y + 5.5}`
}

/** A text of at most so many characters. */
export function shorten(text: string, most: number): string {
  const characters = [...text]
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`
}
