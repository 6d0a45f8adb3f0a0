// `opencpns admin`: operating a running server through its admin API.
import { type Command, InvalidArgumentError } from 'commander'
import { type Declaration, declare, declareGroup, lazily } from '../../command.ts'

export function addAdmin(program: Command): void {
  const admin = declareGroup(program, 'admin', 'operate a running CPNS Server')
  addUser(declareGroup(admin, 'user', 'end users: the owners of gateways and devices'))
  addGateway(declareGroup(admin, 'gateway', 'gateways and their credentials'))
  addPne(declareGroup(admin, 'pne', 'devices: look them up, revoke them'))
  addEvent(declareGroup(admin, 'event', 'what happened at the server'))
}

function addUser(user: Command): void {
  declareAdmin(user, 'add <name>', {
    does: 'add an end user',
    fails: 'cannot add the user',
    examples: ['admin user add alice --data ./server'],
  }).action(lazily(() => import('./user-add.ts')))

  declareAdmin(user, 'list', {
    does: 'list the end users',
    fails: 'cannot list the users',
    examples: ['admin user list --data ./server', 'admin user list --data ./server --json'],
  }).action(lazily(() => import('./user-list.ts')))
}

function addGateway(gateway: Command): void {
  declareAdmin(gateway, 'add <name>', {
    does: 'add a gateway: write its credential file or, for RADIUS, print its shared secret',
    fails: 'cannot add the gateway',
    more:
      'The secret is told this once. Carry it to the gateway and keep it from others.\n' +
      'With --radius the gateway is a stock access point, or a RADIUS proxy: docs/stock-equipment.md.',
    examples: [
      'admin gateway add home-gw --user alice --out home-gw.json --data ./server',
      'admin gateway add lobby-ap --user alice --radius 192.0.2.7 --data ./server',
    ],
  })
    .requiredOption('--user <user>', 'the end user whom it belongs to')
    .option('--out <file>', 'credential file to write; it must not be there yet')
    .option('--radius <address>', 'instead: the address, or ADDRESS/PREFIX, that the access point asks from')
    .action(lazily(() => import('./gateway-add.ts')))

  declareAdmin(gateway, 'list', {
    does: 'list the gateways',
    fails: 'cannot list the gateways',
    examples: ['admin gateway list --data ./server'],
  }).action(lazily(() => import('./gateway-list.ts')))
}

function addPne(pne: Command): void {
  declareAdmin(pne, 'list', {
    does: 'list the devices, newest first',
    fails: 'cannot list the devices',
    examples: ['admin pne list --data ./server'],
  }).action(lazily(() => import('./pne-list.ts')))

  declareAdmin(pne, 'show <id>', {
    does: 'show one device',
    fails: 'cannot show the device',
    more: 'ID is its id, a beginning of it that no other has, or its name.',
    examples: ['admin pne show watch --data ./server'],
  }).action(lazily(() => import('./pne-show.ts')))

  declareAdmin(pne, 'revoke <id>', {
    does: 'revoke a device, for ever',
    fails: 'cannot revoke the device',
    more: 'Its sessions end and no gateway lets it in again. ID is the whole id, so that no other device is meant.',
    examples: ['admin pne revoke pne-abcdefgh23456722 --data ./server'],
  }).action(lazily(() => import('./pne-revoke.ts')))
}

function addEvent(event: Command): void {
  declareAdmin(event, 'list', {
    does: 'list what happened, newest first',
    fails: 'cannot list the events',
    examples: ['admin event list --data ./server', 'admin event list --data ./server --limit 200 --json'],
  })
    .option('--limit <n>', 'how many, 1 to 1000', parseLimit, 50)
    .action(lazily(() => import('./event-list.ts')))
}

function declareAdmin(parent: Command, usage: string, declaration: Declaration): Command {
  return declare(parent, usage, declaration)
    .option('--data <dir>', 'data folder of the server, on this machine')
    .option('--url <url>', 'admin API of a server elsewhere, with --token-file')
    .option('--token-file <file>', 'file with the token for --url')
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new InvalidArgumentError('Give a number from 1 to 1000')
  return limit
}
