// `opencpns pne discover`
import type { CommonOptions } from '../../command.ts'
import { browse } from '../../discovery/browse.ts'
import { formatEndpoint } from '../../endpoint.ts'
import { Exit } from '../../exit.ts'
import { note, paintFor, print, printJson } from '../../output.ts'
import { onceAskedToEnd } from '../../signals.ts'
import { table } from '../../terminal.ts'

interface Options extends CommonOptions {
  timeout: number
}

export async function run({ timeout, json }: Options): Promise<Exit> {
  const gateways = await browse({ timeoutMs: timeout * 1000, signal: onceAskedToEnd() })
  if (json) {
    printJson({ gateways })
  } else if (gateways.length === 0) {
    note('No gateway was found: those on other networks, or run with --no-announce, are not.')
  } else {
    const rows = gateways.map(({ identity, addresses, port }) => [
      identity,
      addresses.map((host) => formatEndpoint({ host, port })).join(' '),
    ])
    print(table(['GATEWAY', 'AT'], rows, paintFor(process.stdout)))
  }
  return gateways.length > 0 ? Exit.done : Exit.unreachable
}
