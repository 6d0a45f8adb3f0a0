// `opencpns bench`: what an operator's own machines can do.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { collect, declareGroup, lazily } from '../../command.ts'
import { parseDuration } from '../../duration.ts'
import { parseEndpoint } from '../../endpoint.ts'
import { declareAdmin } from '../admin/declare.ts'

export function addBench(program: Command): void {
  const bench = declareGroup(program, 'bench', 'measure what a server can do')

  declareAdmin(bench, 'load', {
    does: 'let many devices authenticate at a given rate, and measure how long each waits',
    fails: 'cannot load the server',
    more:
      'It adds a user with gateways and devices of its own to the server, lets these\n' +
      'devices authenticate in the remote case, and removes them. Without --gateway\n' +
      'or --whole it plays the gateways itself, steps 3 to 6; with --whole it runs\n' +
      'gateways and devices, steps 1 to 8; with --gateway the devices come to a\n' +
      'gateway that runs already.\n\n' +
      'A device comes when its time has come, whether others have been served or\n' +
      'not, and its latency counts from then: a server that stands still is seen by\n' +
      'all that come meanwhile. Ctrl-C ends the load early, with its figures.',
    examples: [
      'bench load --data ./server --rate 500 --duration 1m',
      'bench load --data ./server --server 127.0.0.1:7410 --whole --rate 100 --html load.html',
      'bench load --url https://admin.example.org --token-file t --server cpns.example.org:7410 --rate 2000 --allow-remote',
    ],
  })
    .option(
      '--server <host:port>',
      'where gateways find the server; may be repeated for replicas',
      collect(parseEndpoint),
    )
    .option('--gateway <host:port>', 'a gateway that runs already; may be repeated', collect(parseEndpoint))
    .option('--whole', 'whole flows, steps 1 to 8, at gateways of its own')
    .option('--rate <n>', 'devices that come in a second', wholeNumber(1, 1_000_000), 200)
    .addOption(durationOption('--duration <time>', 'for how long, after the ramp', '30s'))
    .addOption(durationOption('--ramp <time>', 'how long the rate rises; what comes then does not count', '5s'))
    .option('--gateways <n>', 'gateways of its own', wholeNumber(1, 10_000), 10)
    .option('--devices <n>', 'devices of its own', wholeNumber(1, 1_000_000), 1000)
    .option('--workers <n>', 'processes that make the load; by default one for each core but one', wholeNumber(1, 256))
    .addOption(durationOption('--timeout <time>', 'how long a device waits in a whole flow', '15s'))
    .option('--html <file>', 'write a report for browsers')
    .option('--keep', 'leave the user, the gateways and the devices at the server')
    .option('--allow-remote', 'the server is on another machine, and mine to load')
    .action(lazily(() => import('./load.ts')))
}

function durationOption(flags: string, description: string, byDefault: string): Option {
  return new Option(flags, description).argParser(parseDuration).default(parseDuration(byDefault), byDefault)
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= min && number <= max) return number
    throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}`)
  }
}
