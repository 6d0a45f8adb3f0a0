// A QR code in half-block characters: two rows of modules in one line of text, so that modules come out square.
import { encode } from 'uqr'

const QUIET_ZONE = 2 // modules; phones do with 2, the standard says 4

/** Dark on light whatever the terminal's own colours are: SGR 30 is black, 107 bright white. */
const INK = '\u001b[30;107m'
const RESET = '\u001b[0m'

/**
 * @param colour  set both colours explicitly, so that dark modules are dark on dark and on light terminals. Without, light
 *   modules are drawn in the colour of the text: right on a dark terminal, inverted on a light one, which most phones read too.
 */
export function qr(text: string, colour: boolean): string {
  const { data } = encode(text, { ecc: 'L', border: QUIET_ZONE })
  const isDark = (x: number, y: number) => data[y]?.[x] ?? false
  const lines = Array.from({ length: Math.ceil(data.length / 2) }, (_, i) => {
    const halves = (data[0] ?? []).map((_, x) => half(isDark(x, 2 * i) === colour, isDark(x, 2 * i + 1) === colour))
    return halves.join('')
  })
  return lines.map((line) => (colour ? `${INK}${line}${RESET}` : line)).join('\n')
}

function half(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
