// `opencpns gateway`: the hub that devices connect to.
import type { Command } from 'commander'
import { collect, declare, declareGroup, lazily } from '../../command.ts'
import { parseDuration } from '../../duration.ts'
import { formatEndpoint, parseEndpoint, parseListen } from '../../endpoint.ts'
import { declareInstall } from '../install/declare.ts'
import { parseServer } from './server.ts'
import { parseService } from './service.ts'

export function addGateway(program: Command): void {
  const gateway = declareGroup(program, 'gateway', 'a gateway (PN GW)')

  const run = declare(gateway, 'run', {
    does: 'run a gateway until SIGINT or SIGTERM',
    fails: 'cannot run the gateway',
    more:
      'It listens on all addresses of this machine unless told otherwise, for devices come from the network.\n' +
      'Without the server it still serves the devices that it paired itself.\n' +
      'A CPNS Server with replicas: repeat --server, or give a name that has several addresses.\n' +
      'At an AAA server (RADIUS) it serves the devices that the AAA server knows; to pair devices it needs a CPNS Server.',
    examples: [
      'gateway run --credential home-gw.json --data ./home-gw --server 127.0.0.1:7410',
      'gateway run --credential home-gw.json --data ./home-gw --server cpns.example.org:7410 --service mqtt=127.0.0.1:1883',
      'gateway run --credential home-gw.json --data ./home-gw --server a.example.org:7410 --server b.example.org:7410',
      'gateway run --config gateway.toml',
      'gateway run --identity hub@example.org --data ./hub --server radius://aaa.example.org --secret-file radius.secret',
    ],
  })
    .option('--config <file>', 'configuration file, for all of these and more on services; options override it')
    .option('--credential <file>', 'credential of this gateway, made by: opencpns admin gateway add')
    .option('--data <dir>', 'data folder of this gateway; made when it is not there')
    .option(
      '--server <server>',
      'HOST:PORT of the CPNS Server, or radius://HOST[:PORT] of an AAA server (port 1812); may be repeated for the replicas of a CPNS Server',
      collect(parseServer),
    )
    .option('--secret-file <file>', 'file with the RADIUS secret that the AAA server has for this gateway')
    .option('--identity <name@realm>', 'name of a gateway that has no credential, at an AAA server')
    .option(
      '--listen <host:port>',
      'where devices connect; port 0 takes a free one (default: 0.0.0.0:7411)',
      parseListen,
    )
    .option(
      '--advertise <host:port>',
      'where devices reach this gateway, when that is not where it listens: what pairing tickets name; up to four, tried in this order',
      collect((text) => formatEndpoint(parseEndpoint(text))),
    )
    .option(
      '--service <name=host:port>',
      'a service for devices, and where it is; may be repeated',
      collect(parseService),
    )
    .option(
      '--rotate-after <duration>',
      'age at which the key of a device is renewed, as 90d, 12h or 30m (default: 90d)',
      parseDuration,
    )
    .option(
      '--metrics <host:port>',
      'where /metrics for Prometheus, /healthz and /readyz are; without it nowhere',
      parseListen,
    )
    .option(
      '--announce',
      'be found on the local network by multicast DNS (default, unless it listens on loopback alone)',
    )
    .option('--no-announce', 'do not be found')
    .action(lazily(() => import('./run.ts')))

  declareInstall(
    gateway,
    {
      name: 'gateway',
      description: 'Gateway of a personal network (OpenCPNS)',
      run,
      needsInterfaces: true,
      configured: async (file) => (await import('./config.ts')).configured(file),
      before: () => [],
    },
    '--server cpns.example.org:7410 --credential /etc/opencpns/home-gw.json',
  )

  declare(gateway, 'pair', {
    does: 'show a QR code by which one device pairs with this gateway',
    fails: 'cannot make a pairing ticket',
    more: 'The ticket in it serves one device, once, and for ten minutes. Who sees it can pair: show it to nobody else.',
    examples: [
      'gateway pair --data ./home-gw --name watch',
      'gateway pair --data ./home-gw --address 192.168.1.2:7411',
    ],
  })
    .requiredOption('--data <dir>', 'data folder of the gateway; the gateway may be running')
    .option('--name <name>', 'what to call the device in lists')
    .option(
      '--address <host:port>',
      'where the device reaches this gateway; up to four, tried in this order (default: as gateway run --advertise says)',
      collect((text) => formatEndpoint(parseEndpoint(text))),
    )
    .action(lazily(() => import('./pair.ts')))

  declare(gateway, 'status', {
    does: 'show how a gateway is, whether it runs or not',
    fails: 'cannot show the gateway',
    examples: ['gateway status --data ./home-gw', 'gateway status --data ./home-gw --json'],
  })
    .requiredOption('--data <dir>', 'data folder of the gateway, on this machine')
    .action(lazily(() => import('./status.ts')))
}
