// `opencpns doctor`
import type { CommonOptions } from '../../command.ts'
import type { Endpoint } from '../../endpoint.ts'
import { Exit } from '../../exit.ts'
import { type Paint, paintFor, printResult, type Style } from '../../output.ts'
import { table } from '../../terminal.ts'
import type { Finding, Status } from './check.ts'
import { examineMachine } from './machine.ts'
import { examineEndpoint, examineUrl } from './network.ts'

interface Options extends CommonOptions {
  data?: string[]
  gatewayData?: string[]
  server?: Endpoint[]
  url?: string[]
}

export async function run({ data = [], gatewayData = [], server = [], url = [], json }: Options): Promise<Exit> {
  const checks = [
    examineMachine(url.length > 0),
    ...data.map(async (dir) => (await import('./server.ts')).examineServer(dir)),
    ...gatewayData.map(async (dir) => (await import('./gateway.ts')).examineGateway(dir)),
    ...server.map(examineEndpoint),
    ...url.map(examineUrl),
  ]
  const findings = (await Promise.all(checks)).flat()
  const fails = findings.filter(({ status }) => status === 'fail').length
  printResult(json, { ok: fails === 0, findings }, inWords(findings, paintFor(process.stdout)))
  return fails === 0 ? Exit.done : Exit.unusable
}

const styles: Readonly<Record<Status, Style>> = { ok: 'good', warn: 'key', fail: 'bad', unknown: 'faint' }

function inWords(findings: readonly Finding[], paint: Paint): string {
  const rows = findings.map(({ status, area, check, found }) => [status, area, check, found])
  const lines = table(['', 'Where', 'What', 'Found'], rows, paint).split('\n')
  const painted = lines.map((line) =>
    line.replace(/^(ok|warn|fail|unknown)\b/, (status) => paint(styles[status as Status], status)),
  )
  const todo = findings.filter(({ advice }) => advice !== undefined)
  const advice = todo.map(({ area, check, advice }) => `${area}, ${check}: ${advice}`)
  return [...painted, ...(advice.length > 0 ? ['', 'What to do:', ...advice] : [])].join('\n')
}
