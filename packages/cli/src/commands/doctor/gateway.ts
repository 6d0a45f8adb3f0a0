// The data folder of a gateway, its credential, and the gateway that runs in it or could.
import { existsSync } from 'node:fs'
import { type GatewayStatus, readGatewayStatus } from '@opencpns/gateway'
import { localTime } from '../../terminal.ts'
import { attempt, type Finding, reporter } from './check.ts'
import { examineDisk, examinePermissions } from './folder.ts'
import { examinePort } from './network.ts'

const PORT = 7411
/** Reports that a server which is there counts in a second. */
const OUTBOX_MAX = 1000

const report = reporter('gateway')

export async function examineGateway(dir: string): Promise<Finding[]> {
  const folder = await attempt(report, 'data folder', async () => ofStatus(await readGatewayStatus(dir)))
  if (!existsSync(dir)) return folder
  const checks = [
    folder,
    attempt(report, 'permissions', () => examinePermissions(report, dir)),
    attempt(report, 'disk', () => examineDisk(report, dir)),
  ]
  return (await Promise.all(checks)).flat()
}

/** That the status could be read means: the database is whole, and the storage key is its key. */
async function ofStatus({ identity, keys, running, listen, live, outbox }: GatewayStatus): Promise<Finding[]> {
  const folder = report('data folder', 'ok', `of ${identity}, keys of devices: ${keys}; the database is whole`)
  if (!running) return [folder, report('running', 'ok', 'no; the folder can be used'), await examinePort(report, PORT)]
  return [folder, report('running', 'ok', `at ${listen}`), ofLink(live), ofOutbox(outbox)]
}

function ofLink(live: GatewayStatus['live']): Finding {
  if (live === null) return report('link', 'unknown', 'the gateway has not said yet', 'ask again in a second')
  if (live.server === null) return report('link', 'unknown', 'at an AAA server (RADIUS) there is none')
  const since = localTime(live.server.since)
  if (live.server.connected) return report('link', 'ok', `connected to the server since ${since}`)
  const advice = 'look into its log; devices that it paired itself are served all the same'
  return report('link', 'fail', `not connected to the server since ${since}`, advice)
}

function ofOutbox(outbox: number): Finding {
  if (outbox <= OUTBOX_MAX) return report('outbox', 'ok', `${outbox} reports of presence wait for the server`)
  return report('outbox', 'warn', `${outbox} reports of presence wait for the server`, 'they go when it is connected')
}
