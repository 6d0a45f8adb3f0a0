// `opencpns server`: the operator's part.
import type { Command } from 'commander'
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
    more: 'The admin API is for this machine: put a TLS proxy before it if it must be reached from others.',
    examples: ['server run --data ./server', 'server run --data ./server --listen 0.0.0.0:7410 --admin 127.0.0.1:7412'],
  })
    .requiredOption('--data <dir>', 'data folder, made by: opencpns server init')
    .addOption(
      listenOption('--listen <host:port>', 'where gateways connect; port 0 takes a free one', '127.0.0.1:7410'),
    )
    .addOption(listenOption('--admin <host:port>', 'where the admin API listens', '127.0.0.1:7412'))
    .action(lazily(() => import('./run.ts')))
}
