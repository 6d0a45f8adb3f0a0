// A grid of characters to draw on, each with a style; text comes out line by line. All characters are one column wide.
import type { Paint, Style } from '../output.ts'

interface Cell {
  readonly character: string
  readonly style: Style | undefined
}

const BLANK: Cell = { character: ' ', style: undefined }

export class Canvas {
  readonly #rows: Cell[][] = []

  get height(): number {
    return this.#rows.length
  }

  /** Writes over what is there; rows and columns come into being as they are needed. */
  put(row: number, column: number, text: string, style?: Style): void {
    while (this.#rows.length <= row) this.#rows.push([])
    const cells = this.#rows[row] ?? []
    while (cells.length < column) cells.push(BLANK)
    for (const [i, character] of [...text].entries()) cells[column + i] = { character, style }
  }

  toText(paint: Paint): string {
    return this.#rows.map((cells) => renderRow(cells, paint)).join('\n')
  }
}

/** Cells of one style in a run are painted as one piece. */
function renderRow(cells: readonly Cell[], paint: Paint): string {
  const used = cells.slice(0, cells.findLastIndex(({ character }) => character !== ' ') + 1)
  let line = ''
  for (let start = 0; start < used.length; ) {
    const style = used[start]?.style
    const length = used.slice(start).findIndex((cell) => cell.style !== style)
    const end = length === -1 ? used.length : start + length
    const text = used
      .slice(start, end)
      .map(({ character }) => character)
      .join('')
    line += style === undefined ? text : paint(style, text)
    start = end
  }
  return line
}
