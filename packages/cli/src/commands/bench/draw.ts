// The report for people at a terminal: what came of it, a histogram of latencies, percentiles, errors.
import type { Paint } from '../../output.ts'
import { table } from '../../terminal.ts'
import type { Report } from './report.ts'

const BAR_COLUMNS = 40
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export function drawReport(report: Report, paint: Paint): string {
  const parts = [headline(report, paint), ...(report.done > 0 ? [bars(report, paint), percentiles(report, paint)] : [])]
  if (report.failed > 0) parts.push(errors(report, paint))
  parts.push(generator(report, paint))
  return parts.join('\n\n')
}

function headline({ came, done, failed, donePerS, durationS, interrupted }: Report, paint: Paint): string {
  const early = interrupted ? ', ended early' : ''
  const failures = failed > 0 ? paint('bad', `${failed.toLocaleString('en')} failed`) : 'none failed'
  return `${paint('strong', `${came.toLocaleString('en')} devices in ${durationS} s${early}`)}: ${done.toLocaleString('en')} authenticated (${donePerS}/s), ${failures}`
}

function bars({ histogram: rows, done }: Report, paint: Paint): string {
  const most = Math.max(...rows.map(({ count }) => count))
  const labels = rows.map(({ fromMs, toMs }) => `${fromMs} – ${toMs} ms`)
  const width = Math.max(...labels.map((label) => label.length))
  const lines = rows.map(({ count }, index) => {
    const share = `${((count / done) * 100).toFixed(1)} %`
    return `${(labels[index] ?? '').padStart(width)}  ${paint('party', bar(count / most).padEnd(BAR_COLUMNS))} ${share.padStart(7)}`
  })
  return [paint('faint', 'Latency, from the time at which a device was to come'), ...lines].join('\n')
}

/** @param share 0 to 1, of the longest bar */
function bar(share: number): string {
  const eighths = Math.ceil(share * BAR_COLUMNS * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

function percentiles({ latencyMs, serviceMs }: Report, paint: Paint): string {
  const row = (name: string, of: Report['latencyMs']) => [
    name,
    ...[of.p50, of.p90, of.p99, of.p999, of.max].map((ms) => `${ms} ms`),
  ]
  return table(
    ['counted from', 'half', '90 %', '99 %', '99.9 %', 'longest'],
    [row('when it was to come', latencyMs), row('when it began', serviceMs)],
    paint,
  )
}

function errors({ errors, came }: Report, paint: Paint): string {
  const rows = Object.entries(errors).map(([code, count]) => [
    code,
    String(count),
    `${((count / came) * 100).toFixed(2)} %`,
  ])
  return table(['error', 'devices', 'share'], rows, paint)
}

function generator({ generator: { busiest, lateMs, saturated }, workers }: Report, paint: Paint): string {
  const facts = `The load itself: ${workers} ${workers === 1 ? 'process' : 'processes'}, the busiest ${Math.round(busiest * 100)} % of a core; devices came at most ${lateMs} ms late (99 %)`
  if (!saturated) return paint('faint', `${facts}.`)
  return `${paint('bad', `${facts}: this machine is the limit, not the server.`)}\nGive more --workers, a lower --rate, or another machine.`
}
