// The report as one page for browsers: pictures as SVG in the page, no script, nothing from another host.
import { chart, type Series } from './chart.ts'
import type { Report } from './report.ts'

const WAYS: Record<Report['way'], string> = {
  links: 'by gateways that are only links (steps 3 to 6)',
  'whole gateways': 'in whole flows at gateways of the load (steps 1 to 8)',
  'running gateways': 'in whole flows at gateways that ran already (steps 1 to 8)',
}

export function toHtml(report: Report): string {
  const { startedAt, way, came, done, failed, donePerS, durationS, ratePerS, rampS } = report
  const title = `Load of ${startedAt.slice(0, 16).replace('T', ' ')}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OpenCPNS: ${title}</title>
<style>${STYLE}</style>
<main>
<h1>${title}</h1>
<p>${count(came)} devices in ${durationS} s after a ramp of ${rampS} s, ${WAYS[way]}, ${ratePerS} in a second:
<strong>${count(done)} authenticated</strong> (${donePerS}/s), ${failed === 0 ? 'none failed' : `<strong class="bad">${count(failed)} failed</strong>`}.${report.interrupted ? ' It was ended early.' : ''}</p>
${generator(report)}
<h2>How long devices waited</h2>
<p>From the time at which a device was to come, whether those before it had been served or not.</p>
${figure('Latency by percentile', curve(report))}
${percentiles(report)}
<h2>The course of it</h2>
${figure('Latency of the devices that were to come at each time', course(report))}
${figure('Devices in a second', arrivals(report))}
${errors(report)}
<h2>What was measured</h2>
${facts(report)}
</main>
</html>
`
}

function curve({ curve }: Report): string {
  const points = curve.map(({ percentile, ms }) => ({ x: Math.log10(1 / (1 - percentile / 100)), y: ms }))
  const xTicks = [0, 1, 2, 3, 4, 5].map((x) => ({ at: x, label: x === 0 ? '0 %' : `${100 - 100 / 10 ** x} %` }))
  return chart({ series: [{ name: 'latency', points }], xTicks, y: { scale: 'log', unit: 'ms' } })
}

function course({ slots }: Report): string {
  const of = (name: string, key: 'p50Ms' | 'p99Ms' | 'maxMs'): Series => ({
    name,
    points: slots.filter(({ done }) => done > 0).map((slot) => ({ x: slot.fromMs / 1000, y: slot[key] })),
  })
  return chart({
    series: [of('longest', 'maxMs'), of('99 %', 'p99Ms'), of('half', 'p50Ms')],
    xTicks: secondsOf(slots),
    y: { scale: 'log', unit: 'ms' },
  })
}

function arrivals({ slots }: Report): string {
  const perS = ({ fromMs, toMs }: Report['slots'][number], number: number) => (number * 1000) / (toMs - fromMs)
  const of = (name: string, key: 'done' | 'failed'): Series => ({
    name,
    points: slots.map((slot) => ({ x: slot.fromMs / 1000, y: perS(slot, slot[key]) })),
  })
  return chart({
    series: [of('authenticated', 'done'), of('failed', 'failed')],
    xTicks: secondsOf(slots),
    y: { scale: 'linear', unit: '/s' },
  })
}

function secondsOf(slots: Report['slots']) {
  const end = (slots.at(-1)?.toMs ?? 1000) / 1000
  const every = Math.max(1, Math.ceil(end / 8))
  return Array.from({ length: Math.floor(end / every) + 1 }, (_, index) => ({
    at: index * every,
    label: `${index * every} s`,
  }))
}

function figure(caption: string, svg: string): string {
  return `<figure>${svg}<figcaption>${caption}</figcaption></figure>`
}

function percentiles({ latencyMs, serviceMs }: Report): string {
  const row = (name: string, of: Report['latencyMs']) =>
    `<tr><th scope="row">${name}</th>${[of.p50, of.p90, of.p99, of.p999, of.max, of.mean].map((ms) => `<td>${ms}</td>`).join('')}</tr>`
  return `<table><thead><tr><th>ms, counted from</th><th>half</th><th>90 %</th><th>99 %</th><th>99.9 %</th><th>longest</th><th>mean</th></tr></thead>
<tbody>${row('when it was to come', latencyMs)}${row('when it began', serviceMs)}</tbody></table>`
}

function errors({ errors, came, failed }: Report): string {
  if (failed === 0) return ''
  const rows = Object.entries(errors).map(
    ([code, number]) =>
      `<tr><th scope="row"><code>${escaped(code)}</code></th><td>${count(number)}</td><td>${((number / came) * 100).toFixed(2)} %</td></tr>`,
  )
  return `<h2>What failed</h2><table><thead><tr><th>code</th><th>devices</th><th>share</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function generator({ generator: { busiest, lateMs, saturated } }: Report): string {
  if (!saturated) return ''
  return `<p class="bad"><strong>The machine that made the load was the limit:</strong> its busiest process took ${Math.round(busiest * 100)} % of a core, and devices came up to ${lateMs} ms late.</p>`
}

function facts(report: Report): string {
  const { servers, gateways, devices, workers, generator } = report
  const rows: [string, string | number][] = [
    ['Began', report.startedAt],
    ['Servers', servers],
    ['Gateways', count(gateways)],
    ['Devices', count(devices)],
    ['Processes that made the load', workers],
    ['Share of a core of the busiest', `${Math.round(generator.busiest * 100)} %`],
    ['How late devices came (99 %)', `${generator.lateMs} ms`],
  ]
  return `<table><tbody>${rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${value}</td></tr>`).join('')}</tbody></table>`
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --faint: #66707f; --line: #d6dbe2; --paper: #fff; --bad: #b3261e; --s0: #1763b6; --s1: #b3261e; --s2: #2f7d32 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --faint: #9aa5b4; --line: #3a4350; --paper: #14181e; --bad: #ff8a80; --s0: #7db8ff; --s1: #ff8a80; --s2: #8fd694 } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
figure { margin: 1rem 0 } figcaption { color: var(--faint); font-size: .9rem }
svg { width: 100%; height: auto } svg text { fill: var(--faint); font: 11px system-ui, sans-serif }
svg .grid { stroke: var(--line) } svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
svg .s0 { stroke: var(--s0) } svg .s1 { stroke: var(--s1) } svg .s2 { stroke: var(--s2) } svg .key { stroke-width: 3 }
table { border-collapse: collapse; margin: 1rem 0 } th { text-align: left; font-weight: 500 }
td { text-align: right; font-variant-numeric: tabular-nums } td, th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line) }
.bad { color: var(--bad) }
`
