// `opencpns server`: the operator's part.
import { type Command, InvalidArgumentError } from 'commander'
import { declare, declareGroup, lazily, listenOption } from '../../command.ts'

export function addServer(program: Command): void {
  const server = declareGroup(program, 'server', 'a CPNS Server in a data folder')

  declare(server, 'init', {
    does: 'make the data folder of a new CPNS Server',
    fails: 'cannot make the data folder',
    more: 'The realm is the domain of the operator. It is part of every identity and key and cannot be changed later.',
    examples: ['server init --data ./server --realm example.org'],
  })
    .requiredOption('--data <dir>', 'data folder to make; it must not hold anything yet')
    .requiredOption('--realm <realm>', 'realm of the operator: a domain name in lower case')
    .action(lazily(() => import('./init.ts')))

  declare(server, 'run', {
    does: 'run a CPNS Server until SIGINT or SIGTERM',
    fails: 'cannot run the server',
    more:
      'The admin API is for this machine: put a TLS proxy before it if it must be reached from others.\n' +
      'With --radius or --radsec, stock access points serve as gateways: docs/stock-equipment.md.',
    examples: [
      'server run --data ./server',
      'server run --data ./server --listen 0.0.0.0:7410 --admin 127.0.0.1:7412',
      'server run --data ./server --radius 0.0.0.0:1812',
      'server run --data ./server --radsec 0.0.0.0:2083 --tls-cert server.pem --tls-key server.key --tls-ca ca.pem',
    ],
  })
    .requiredOption('--data <dir>', 'data folder, made by: opencpns server init')
    .addOption(
      listenOption('--listen <host:port>', 'where gateways connect; port 0 takes a free one', '127.0.0.1:7410'),
    )
    .addOption(listenOption('--admin <host:port>', 'where the admin API listens', '127.0.0.1:7412'))
    .addOption(listenOption('--radius <host:port>', 'where access points ask by RADIUS over UDP; usually port 1812'))
    .addOption(listenOption('--radsec <host:port>', 'where they ask by RADIUS over TLS; usually port 2083'))
    .option(
      '--transient-key-lifetime <s>',
      'how many seconds a device may connect again at a visited gateway without the server, 0 to 86400',
      parseLifetime,
      3600,
    )
    .option('--tls-cert <file>', "for --radsec: the server's certificate, PEM")
    .option('--tls-key <file>', "for --radsec: the server's private key, PEM")
    .option('--tls-ca <file>', 'for --radsec: who signs the certificates of the clients, PEM')
    .action(lazily(() => import('./run.ts')))
}

function parseLifetime(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('It is not a whole number from 0 to 86400')
}
