// `opencpns pne`: the device.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { collect, declare, declareGroup, lazily } from '../../command.ts'
import { parseEndpoint } from '../../endpoint.ts'
import { parseForwarding, parseServiceName } from './forwarding.ts'

export function addPne(program: Command): void {
  const pne = declareGroup(program, 'pne', 'a device (PNE)')

  declare(pne, 'pair', {
    does: 'pair with a gateway and store the credential that it assigns',
    fails: 'cannot pair',
    more: 'If it is cut off, run it again with the same URI and file: it goes on where it was.',
    examples: [
      "pne pair 'cpns:192.168.1.2:7411?g=…' --credential watch.json",
      'pne pair "$(opencpns gateway pair --data ./home-gw --json | jq -r .uri)" --credential watch.json',
    ],
  })
    .argument('<uri>', 'the cpns: URI that the gateway shows; quote it')
    .requiredOption('--credential <file>', 'credential file to write; only you may read it')
    .action(lazily(() => import('./pair.ts')))

  declare(pne, 'connect', {
    does: 'authenticate at a gateway and hold a secure session',
    fails: 'cannot connect',
    more:
      'Any gateway of the realm will do: at the one that assigned the key it is the local case, elsewhere the remote case.\n' +
      'Without a service the session is the presence of the device, until SIGINT, SIGTERM, or the gateway ends it.\n' +
      'With -L each connection to a local port is a session for a service of the gateway.\n' +
      'With -W standard input and output are one session for a service.',
    examples: [
      'pne connect 192.168.1.2:7411 --credential watch.json',
      'pne connect 192.168.1.2:7411 --credential watch.json --once --json',
      'pne connect 192.168.1.2:7411 --credential watch.json -L 1883=mqtt -L 8080=http',
      'pne connect 192.168.1.2:7411 --credential watch.json -W ssh',
      'pne connect --discover --credential watch.json --once',
    ],
  })
    .argument('[host:port]', 'the gateway', parseEndpoint)
    .requiredOption('--credential <file>', 'credential of this device, made by: opencpns pne pair')
    .addOption(
      new Option('-L, --forward <[bind:]port=service>', 'lead a local port to a service; may be repeated')
        .argParser(collect(parseForwarding))
        .conflicts(['stdio', 'service', 'once', 'discover']),
    )
    .addOption(
      new Option('-W, --stdio <service>', 'carry standard input to a service, and its answers to standard output')
        .argParser(parseServiceName)
        .conflicts(['service', 'once']),
    )
    .option('--once', 'authenticate, print the facts, and end')
    .option(
      '--service <name>',
      'with --once, the service to ask for; otherwise as -W, with the facts',
      parseServiceName,
    )
    .option(
      '--discover',
      'instead of HOST:PORT, find gateways on the local network; the one that paired this device is tried first',
    )
    .action(lazily(() => import('./connect.ts')))

  declare(pne, 'run', {
    does: 'stay connected, with forwards, until SIGINT or SIGTERM',
    fails: 'cannot run the device',
    more:
      'For months without a person: after a restart of the gateway, a loss of the network, or sleep it connects again.\n' +
      'How to write the configuration file, and a unit for systemd: docs/device.md.',
    examples: ['pne run --config pne.toml', 'pne run --config pne.toml --json'],
  })
    .requiredOption('--config <file>', 'configuration file')
    .action(lazily(() => import('./run.ts')))

  declare(pne, 'discover', {
    does: 'list the gateways on the local network',
    fails: 'cannot look for gateways',
    more: 'Anybody there can announce anything. A gateway proves what it is when a device connects.',
    examples: ['pne discover', 'pne discover --timeout 10 --json'],
  })
    .option('--timeout <s>', 'how many seconds to listen, 1 to 60', parseSeconds, 3)
    .action(lazily(() => import('./discover.ts')))

  declare(pne, 'rotate', {
    does: 'renew the key of this device, at the gateway that assigned it',
    fails: 'cannot renew the key',
    more:
      'It asks for a new 2nd seed and key, stores them beside the old ones, and uses them: then the old ones are forgotten.\n' +
      'If it is cut off at any point, the device has a key that works; run it again. The gateway must reach the server.',
    examples: ['pne rotate 192.168.1.2:7411 --credential watch.json'],
  })
    .argument('<host:port>', 'the gateway that assigned the key', parseEndpoint)
    .requiredOption('--credential <file>', 'credential of this device, made by: opencpns pne pair')
    .action(lazily(() => import('./rotate.ts')))

  declare(pne, 'export', {
    does: 'print the device as a network of wpa_supplicant: for stock 802.1X, by wire or Wi-Fi',
    fails: 'cannot export',
    more: 'What it prints holds a key of the device: keep it from others. The access point: docs/stock-equipment.md.',
    examples: [
      'pne export --credential watch.json >> /etc/wpa_supplicant/wpa_supplicant-wired-eth0.conf',
      'pne export --credential watch.json --ssid Lobby >> /etc/wpa_supplicant/wpa_supplicant-wlan0.conf',
      'pne export --credential watch.json --format json',
    ],
  })
    .requiredOption('--credential <file>', 'credential of this device, made by: opencpns pne pair')
    .option('--ssid <name>', 'name of the Wi-Fi; without it, for a wire')
    .addOption(
      new Option('--format <format>', 'what to print').choices(['wpa_supplicant', 'json']).default('wpa_supplicant'),
    )
    .action(lazily(() => import('./export.ts')))
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 60) return seconds
  throw new InvalidArgumentError('It is not a whole number from 1 to 60')
}
