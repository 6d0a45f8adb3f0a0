// A line chart as SVG: some series over one x axis, a linear or logarithmic y axis from nothing, a key.

export interface Series {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

interface ChartOptions {
  /** At most three. */
  readonly series: readonly Series[]
  readonly xTicks: readonly { readonly at: number; readonly label: string }[]
  readonly y: { readonly scale: 'linear' | 'log'; readonly unit: string }
}

const [WIDTH, HEIGHT] = [800, 260]
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 32, 28, 28]
const LOWEST_LOG = 0.1

export function chart({ series, xTicks, y }: ChartOptions): string {
  const all = series.flatMap(({ points }) => points)
  const xMax = Math.max(...all.map((point) => point.x), 1e-9)
  const yMax = Math.max(...all.map((point) => point.y), y.scale === 'log' ? 1 : 1e-9)
  const placeX = (x: number) => round(LEFT + (x / xMax) * (WIDTH - LEFT - RIGHT))
  const ticks = y.scale === 'log' ? logTicks(yMax) : linearTicks(yMax)
  const share = shareOf(y.scale, ticks)
  const placeY = (value: number) => round(HEIGHT - BOTTOM - share(value) * (HEIGHT - TOP - BOTTOM))
  const grid = ticks.map((tick) => {
    const at = placeY(tick)
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${tick} ${y.unit}</text>`
  })
  const below = xTicks
    .filter(({ at }) => at <= xMax)
    .map(({ at, label }) => `<text x="${placeX(at)}" y="${HEIGHT - 8}" text-anchor="middle">${label}</text>`)
  const lines = series.map(({ points }, index) => {
    const path = points.map((point) => `${placeX(point.x)},${placeY(point.y)}`).join(' ')
    return `<polyline class="s${index}" points="${path}"/>`
  })
  const name = series.map((one) => one.name).join(', ')
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}">${[...grid, ...below, ...lines, ...keys(series)].join('')}</svg>`
}

function keys(series: readonly Series[]): string[] {
  return series.map(({ name }, index) => {
    const x = LEFT + index * 130
    return `<line class="key s${index}" x1="${x}" x2="${x + 18}" y1="12" y2="12"/><text x="${x + 24}" y="16">${name}</text>`
  })
}

/** The part of the height, 0 to 1, at which a value stands. */
function shareOf(scale: 'linear' | 'log', ticks: readonly number[]): (value: number) => number {
  const [lowest = 0, highest = 1] = [ticks[0], ticks.at(-1)]
  if (scale === 'linear') return (value) => value / highest
  const span = Math.log10(highest / lowest)
  return (value) => Math.max(0, Math.log10(Math.max(value, lowest) / lowest) / span)
}

function logTicks(max: number): number[] {
  const ticks = [LOWEST_LOG]
  while ((ticks.at(-1) ?? 0) < max) ticks.push(Number(((ticks.at(-1) ?? 0) * 10).toPrecision(1)))
  return ticks
}

/** Nothing, and four or five round numbers up to the first that is not below `max`. */
function linearTicks(max: number): number[] {
  const rough = max / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((mantissa) => mantissa * power >= rough) ?? 10)
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)))
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10
}
