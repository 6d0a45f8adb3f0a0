// `opencpns admin`: operating a running server through its admin API.
import { type Command, Option } from 'commander'
import { collect, declareGroup, lazily } from '../../command.ts'
import { declareAdmin, parseGeneration, parseLimit, parseSessions, parseTime } from './declare.ts'
import { addAudit, addToken } from './operators.ts'

export function addAdmin(program: Command): void {
  const admin = declareGroup(program, 'admin', 'operate a running CPNS Server')
  addUser(declareGroup(admin, 'user', 'end users: the owners of gateways and devices'))
  addGateway(declareGroup(admin, 'gateway', 'gateways and their credentials'))
  addPn(declareGroup(admin, 'pn', 'personal networks: which devices are present at which gateway'))
  addSession(declareGroup(admin, 'session', 'presence of devices'))
  addPne(declareGroup(admin, 'pne', 'devices: look them up, revoke them'))
  addEvent(declareGroup(admin, 'event', 'what happened at the server'))
  addToken(declareGroup(admin, 'token', 'tokens of operators, for the admin API and the console'))
  addAudit(declareGroup(admin, 'audit', 'what operators asked for'))
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
  })
    .option('--search <text>', 'only those whose name begins so')
    .action(lazily(() => import('./user-list.ts')))

  declareAdmin(user, 'show <name>', {
    does: 'show an end user and the policy for the devices of this user',
    fails: 'cannot show the user',
    examples: ['admin user show alice --data ./server'],
  }).action(lazily(() => import('./user-show.ts')))

  declareAdmin(user, 'policy <name>', {
    does: 'say where the devices of a user may roam, and how many sessions each may have',
    fails: 'cannot change the policy',
    more:
      'Roaming is to be at a gateway that did not pair the device. What is not given stays as it is.\n' +
      'It holds from the next authentication on; connected gateways are told at once.',
    examples: [
      'admin user policy alice --roaming none --data ./server',
      'admin user policy alice --gateway office-gw --gateway hotel-gw --sessions 3 --data ./server',
    ],
  })
    .addOption(new Option('--roaming <where>', 'where they may roam').choices(['any', 'listed', 'none']))
    .option('--gateway <name>', 'a gateway to list, with --roaming listed; may be repeated', collect(String))
    .option('--sessions <n>', 'sessions of a device at once at a gateway: 1 to 65535, or unlimited', parseSessions)
    .action(lazily(() => import('./user-policy.ts')))

  declareAdmin(user, 'rotate <name>', {
    does: 'give an end user a new 1st seed, or retire an old one',
    fails: 'cannot rotate the user',
    more:
      'With a new generation of 1st seed each gateway of the user renews the keys of its devices when they come.\n' +
      'With --retire the 1st seed of an old generation is destroyed, once no key uses it: admin user show tells.\n' +
      'With --force the keys that still use it are revoked, and so are devices that have no other; on a terminal it asks.',
    examples: [
      'admin user rotate alice --data ./server',
      'admin user rotate alice --retire 1 --data ./server',
      'admin user rotate alice --retire 1 --force --yes --data ./server',
    ],
  })
    .option('--retire <generation>', 'destroy the 1st seed of this generation', parseGeneration)
    .option('--force', 'with --retire, although keys use it')
    .option('--yes', 'do not ask')
    .action(lazily(() => import('./user-rotate.ts')))

  declareAdmin(user, 'remove <name>', {
    does: 'remove an end user with all devices, gateways and keys, for ever',
    fails: 'cannot remove the user',
    more:
      'The 1st seeds are destroyed: no key of any device of the user can be calculated again. The name stays taken.\n' +
      'On a terminal it asks for the name once more.',
    examples: ['admin user remove alice --data ./server', 'admin user remove alice --yes --data ./server'],
  })
    .option('--yes', 'do not ask')
    .action(lazily(() => import('./user-remove.ts')))
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
  })
    .option('--search <text>', 'only those whose name begins so')
    .option('--user <user>', 'only those of this user')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['cpns', 'radius']))
    .addOption(new Option('--state <state>', 'only in this state').choices(['active', 'revoked']))
    .action(lazily(() => import('./gateway-list.ts')))

  declareAdmin(gateway, 'policy <name>', {
    does: 'say whether a gateway takes visitors: devices that other gateways paired',
    fails: 'cannot change the policy',
    more: 'It holds at once, at the server and at the gateway; sessions that are open stay.',
    examples: ['admin gateway policy home-gw --visitors no --data ./server'],
  })
    .addOption(new Option('--visitors <answer>', 'yes or no').choices(['yes', 'no']).makeOptionMandatory())
    .action(lazily(() => import('./gateway-policy.ts')))

  declareAdmin(gateway, 'revoke <name>', {
    does: 'revoke a gateway, for ever',
    fails: 'cannot revoke the gateway',
    more:
      'Its link with the server ends at once, and it gets no other. The devices that it paired stay: they may roam, and it\n' +
      'still holds their keys. To end those, revoke the devices.',
    examples: ['admin gateway revoke hotel-gw --data ./server'],
  }).action(lazily(() => import('./gateway-revoke.ts')))
}

function addPn(pn: Command): void {
  declareAdmin(pn, 'list', {
    does: 'list the personal networks, one for each gateway',
    fails: 'cannot list the personal networks',
    examples: ['admin pn list --data ./server'],
  })
    .option('--search <text>', 'only of gateways whose name begins so')
    .option('--user <user>', 'only those of this user')
    .action(lazily(() => import('./pn-list.ts')))

  declareAdmin(pn, 'show <gateway>', {
    does: 'show the personal network of a gateway, and which devices are present in it',
    fails: 'cannot show the personal network',
    examples: ['admin pn show home-gw --data ./server'],
  }).action(lazily(() => import('./pn-show.ts')))
}

function addSession(session: Command): void {
  declareAdmin(session, 'list', {
    does: 'list where devices are present, newest first',
    fails: 'cannot list the sessions',
    more: 'A device is present while it holds a session without a service. Times are by the clock of the gateway.',
    examples: ['admin session list --data ./server', 'admin session list --gateway home-gw --data ./server'],
  })
    .option('--gateway <name>', 'only at this gateway')
    .option('--pne <id>', 'only of this device, by its whole id')
    .action(lazily(() => import('./session-list.ts')))
}

function addPne(pne: Command): void {
  declareAdmin(pne, 'list', {
    does: 'list the devices, newest first',
    fails: 'cannot list the devices',
    examples: ['admin pne list --data ./server', 'admin pne list --search lamp --state active --data ./server'],
  })
    .option('--search <text>', 'words of the name, or the id; a beginning is enough')
    .addOption(new Option('--state <state>', 'only in this state').choices(['pending', 'active', 'revoked']))
    .option('--user <user>', 'only those of this user')
    .option('--gateway <name>', 'only those that this gateway paired')
    .action(lazily(() => import('./pne-list.ts')))

  declareAdmin(pne, 'show <id>', {
    does: 'show one device',
    fails: 'cannot show the device',
    more: 'ID is its id, a beginning of it that no other has, or its name.',
    examples: ['admin pne show watch --data ./server'],
  }).action(lazily(() => import('./pne-show.ts')))

  declareAdmin(pne, 'rotate <id>', {
    does: 'have the key of a device renewed at the next chance',
    fails: 'cannot have the key renewed',
    more:
      'The gateway that paired it is told, and must be connected; it renews the key while the device is present there.\n' +
      'ID is the whole id.',
    examples: ['admin pne rotate pne-abcdefgh23456722 --data ./server'],
  }).action(lazily(() => import('./pne-rotate.ts')))

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
    examples: [
      'admin event list --data ./server',
      'admin event list --type authentication --result refused --data ./server',
      'admin event list --data ./server --limit 200 --json',
    ],
  })
    .option('--type <type>', 'only of this type, as authentication or revocation')
    .option('--result <result>', 'only with this result, as accepted or refused')
    .option('--pne <id>', 'only about this device, by its whole id')
    .option('--gateway <name>', 'only at this gateway')
    .option('--session <id>', 'only of this session')
    .option('--after <time>', 'only from this time on, as 2030-01-31 or 2030-01-31T09:00', parseTime)
    .option('--limit <n>', 'how many, 1 to 1000', parseLimit, 50)
    .action(lazily(() => import('./event-list.ts')))
}
