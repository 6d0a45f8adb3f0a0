// How far a long work is: on a terminal one line that changes, elsewhere a line now and then; nothing of a short one.
import { note } from './output.ts'

const QUIET_MS = 1000
const LINE_EVERY_MS = 10_000

/** Call it as often as you like with how much is done, of how much. */
export type Progress = (done: number, total: number) => void

/** @param doing  as `copied` in `copied 42 %` */
export function progress(doing: string): Progress {
  const { isTTY } = process.stderr
  let next = performance.now() + (isTTY ? QUIET_MS : LINE_EVERY_MS)
  let isShown = false
  return (done, total) => {
    const isLast = done >= total
    if (isLast ? !isShown : performance.now() < next) return
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
    if (isTTY) process.stderr.write(`\r${doing} ${percent} %${isLast ? '\n' : ''}`)
    else note(`${doing} ${percent} %`)
    isShown = !isLast
    next = performance.now() + (isTTY ? 100 : LINE_EVERY_MS)
  }
}
