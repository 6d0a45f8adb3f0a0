// `opencpns gateway status`
import { type GatewayStatus, readGatewayStatus } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { paintFor, printResult } from '../../output.ts'
import { facts, localTime } from '../../terminal.ts'

interface Options extends CommonOptions {
  data: string
}

export async function run({ data, json }: Options): Promise<undefined> {
  const status = await readGatewayStatus(data)
  printResult(json, status, facts(rowsOf(status), paintFor(process.stdout)))
}

function rowsOf({ identity, running, listen, live, outbox, keys, tickets, revokedUpTo, policy }: GatewayStatus) {
  const { sessions, started } = live ?? {}
  const { visitors, sessionsMax } = policy
  return [
    ['Gateway', identity],
    ['State', running ? 'running' : 'stopped'],
    ['Started', localTime(started)],
    [running ? 'Listens at' : 'Listened at', listen],
    ['Server', serverOf(live)],
    ...replicasOf(live),
    ['Sessions', sessions && `${sessions.open} open, ${sessions.presence} of them presence`],
    ['Reports for the server', String(outbox)],
    ['Keys of paired devices', String(keys)],
    ['Open tickets', String(tickets)],
    ['Revocations read up to', String(revokedUpTo)],
    ['Visitors', visitors ? 'yes' : 'no'],
    ['Sessions of a device', sessionsMax === undefined ? 'unlimited' : `${sessionsMax} at once`],
  ] as const
}

/** Each of several servers; of one alone all is said. */
function replicasOf(live: GatewayStatus['live']) {
  const { servers = [] } = live ?? {}
  if (servers.length < 2) return []
  return servers.map(({ address, ...connection }) => [`  ${address}`, connectionOf(connection)] as const)
}

function serverOf(live: GatewayStatus['live']): string | undefined {
  if (!live?.server) return undefined
  return connectionOf(live.server)
}

function connectionOf({ connected, since }: { connected: boolean; since: string }): string {
  return `${connected ? 'connected' : 'not connected'} since ${localTime(since)}`
}
