// The story in the terminal: a heading, the diagram and the facts of each session.
import type { Paint } from '../../output.ts'
import { type Diagram, diagram } from '../../terminal.ts'
import { diagramOf } from './captions.ts'
import type { SessionReport, Story } from './story.ts'

export function drawStory({ local, remote, offline }: Story, paint: Paint): string {
  return [
    drawSession('1', 'Local case: the gateway assigned this device its EUKey', local, 'not asked', paint),
    drawSession('2', 'Remote case: only the server can vouch for the device', remote, 'takes part', paint),
    drawSession('3', 'Local case again: the server is stopped, and not missed', offline, 'stopped', paint),
  ].join('\n\n')
}

function drawSession(
  number: string,
  title: string,
  report: SessionReport,
  server: Diagram['server'],
  paint: Paint,
): string {
  const { tls, serverRoundTrips: trips, steps, sessionId, sha256, gateway } = report
  const total = steps.at(-1)?.atMs ?? 0
  const heading = `${number}  ${title}`
  const facts = [
    `${total.toFixed(1)} ms in all, ${trips} round ${trips === 1 ? 'trip' : 'trips'} to the server, at ${gateway}`,
    `${tls.version}, ${tls.group}, ${tls.cipher}`,
    `session ${sessionId}, SHA-256 ${sha256.slice(0, 16)}…`,
  ]
  const lines = facts.map((fact) => `         ${paint('faint', fact)}`)
  return ` ${paint('strong', heading)}\n\n${diagram(diagramOf(report, server), paint)}\n\n${lines.join('\n')}`
}
