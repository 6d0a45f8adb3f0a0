// `opencpns server`: the operator's part.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { declare, declareGroup, lazily, listenOption } from '../../command.ts'
import { parseDuration } from '../../duration.ts'
import { declareInstall } from '../install/declare.ts'
import { addStoreOptions } from './store.ts'

const WORKERS_MAX = 64

export function addServer(program: Command): void {
  const server = declareGroup(program, 'server', 'a CPNS Server in a data folder')

  const init = declare(server, 'init', {
    does: 'make the data folder of a new CPNS Server',
    fails: 'cannot make the data folder',
    more: 'The realm is the domain of the operator. It is part of every identity and key and cannot be changed later.',
    examples: [
      'server init --data ./server --realm example.org',
      'server init --data ./server --realm example.org --store-file /etc/opencpns/store',
    ],
  })
    .requiredOption('--data <dir>', 'data folder to make; it must not hold anything yet')
    .requiredOption('--realm <realm>', 'realm of the operator: a domain name in lower case')
    .action(lazily(() => import('./init.ts')))
  addStoreOptions(init)

  const run = declare(server, 'run', {
    does: 'run a CPNS Server until SIGINT or SIGTERM',
    fails: 'cannot run the server',
    more:
      'The admin API and the console are for this machine, unless they have TLS: with --admin-tls-cert and --admin-tls-key,\n' +
      'or by a proxy before them, which --admin-insecure says.\n' +
      'With --radius or --radsec, stock access points serve as gateways: docs/stock-equipment.md.\n' +
      'Where the store is can stand in the environment, too: OPENCPNS_STORE.',
    examples: [
      'server run --data ./server',
      'server run --data ./server --store-file /etc/opencpns/store',
      'server run --data ./server --listen 0.0.0.0:7410 --admin 127.0.0.1:7412',
      'server run --data ./server --admin 0.0.0.0:7412 --admin-tls-cert admin.pem --admin-tls-key admin.key',
      'server run --data ./server --workers 4',
      'server run --data ./server --radius 0.0.0.0:1812',
      'server run --data ./server --radsec 0.0.0.0:2083 --tls-cert server.pem --tls-key server.key --tls-ca ca.pem',
    ],
  })
    .requiredOption('--data <dir>', 'data folder, made by: opencpns server init')
    .addOption(
      listenOption('--listen <host:port>', 'where gateways connect; port 0 takes a free one', '127.0.0.1:7410'),
    )
    .addOption(listenOption('--admin <host:port>', 'where the admin API and the console are', '127.0.0.1:7412'))
    .option('--admin-tls-cert <file>', 'certificate of the admin API, with those between it and its root, PEM')
    .option('--admin-tls-key <file>', 'its private key, PEM')
    .option('--admin-insecure', 'let --admin be beyond this machine without TLS: a proxy with TLS stands before it')
    .addOption(listenOption('--radius <host:port>', 'where access points ask by RADIUS over UDP; usually port 1812'))
    .addOption(listenOption('--radsec <host:port>', 'where they ask by RADIUS over TLS; usually port 2083'))
    .option(
      '--transient-key-lifetime <s>',
      'how many seconds a device may connect again at a visited gateway without the server, 0 to 86400',
      parseLifetime,
      3600,
    )
    .option('--workers <n>', 'processes for gateways, beside one for the operator; 1 does all in one', parseWorkers, 1)
    .addOption(
      new Option(
        '--outage-tolerance <duration>',
        'how long devices that were seen before are authenticated from memory while a PostgreSQL store is away; 0s for not at all',
      )
        .argParser((text) => (text === '0s' ? 0 : parseDuration(text)))
        .default(parseDuration('5m'), '5m'),
    )
    .option('--tls-cert <file>', "for --radsec: the server's certificate, PEM")
    .option('--tls-key <file>', "for --radsec: the server's private key, PEM")
    .option('--tls-ca <file>', 'for --radsec: who signs the certificates of the clients, PEM')
    .action(lazily(() => import('./run.ts')))
  addStoreOptions(run)

  declareInstall(
    server,
    {
      name: 'server',
      description: 'CPNS Server (OpenCPNS)',
      run,
      needsInterfaces: false,
      before: (dataDir) => [`opencpns server init --data ${dataDir} --realm REALM`],
    },
    '--listen 0.0.0.0:7410',
  )

  declare(server, 'backup <file>', {
    does: 'write a backup of a server, which may be running, into one file',
    fails: 'cannot back up the server',
    more:
      'The file is consistent and is read again before it gets its name. master.key is not in it: keep a copy of that apart.\n' +
      'For a server whose store is PostgreSQL, take pg_dump.',
    examples: ['server backup cpns.backup --data ./server'],
  })
    .requiredOption('--data <dir>', 'data folder of the server')
    .option('--force', 'replace the file if it is there already')
    .action(lazily(() => import('./backup.ts')))

  declare(server, 'restore <file>', {
    does: 'make a data folder from a backup',
    fails: 'cannot restore the backup',
    more:
      'It checks the backup and that the master key is the one of it, before anything changes. No server may run in the folder.\n' +
      'What was revoked, paired or rotated since the backup is not in it: docs/operations.md#restore.',
    examples: [
      'server restore cpns.backup --data ./server-2 --master-key ./master.key.copy',
      'server restore cpns.backup --data ./server --force',
    ],
  })
    .requiredOption('--data <dir>', 'data folder to make; with --force, one that is there already')
    .option('--master-key <file>', 'master key of the backup; default: the one that the folder has')
    .option('--force', 'replace the store of a data folder; at a terminal it asks first')
    .action(lazily(() => import('./restore.ts')))

  const rekey = declare(server, 'rekey', {
    does: 'give a server that does not run a new master key',
    fails: 'cannot change the master key',
    more:
      'Every sealed value goes from the old key to the new one. If it is cut off, run it again, or start the server: both finish it.\n' +
      'Backups from before open only with the old master key.',
    examples: ['server rekey --data ./server'],
  })
    .requiredOption('--data <dir>', 'data folder of the server')
    .action(lazily(() => import('./rekey.ts')))
  addStoreOptions(rekey)

  declare(server, 'migrate', {
    does: 'move the store of a server from SQLite to PostgreSQL',
    fails: 'cannot move the store',
    more:
      'No server may run meanwhile. If it is cut off, run it again: it goes on where it was.\n' +
      'Each table is compared before a server may use the database. With --data the master key\n' +
      'is checked first, and the data folder goes with the database afterwards.',
    examples: ['server migrate --from sqlite:./server/cpns.db --to-file /etc/opencpns/store --data ./server'],
  })
    .requiredOption('--from <store>', 'what to move: sqlite:FILE')
    .option('--to <store>', 'an empty database: postgres://USER@HOST/DATABASE')
    .option('--to-file <file>', 'file with that in it, for its owner alone: so a password is not among the arguments')
    .option('--data <dir>', 'data folder of the server')
    .action(lazily(() => import('./migrate.ts')))
}

function parseWorkers(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= WORKERS_MAX) return count
  throw new InvalidArgumentError(`It is not a whole number from 1 to ${WORKERS_MAX}`)
}

function parseLifetime(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('It is not a whole number from 0 to 86400')
}
