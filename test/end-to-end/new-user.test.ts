// What goes wrong with files and folders on the first day: each command says in one line what it is and what to do, and ends
// with exit code 5. What else a new user gets wrong is in packages/cli/test/roles.test.ts.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { initDataFolder } from '@opencpns/server'
import { addressOf, ProcessTown } from './town.ts'

const launcher = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const NOBODY = 65_534
const notRoot = process.getuid?.() === 0 ? false : 'only root can run a command as a user who may not read a file'

let town: ProcessTown
let cpns: string
let uri: string

before(async () => {
  town = await ProcessTown.open()
  const server = addressOf(await town.startServer(), 'cpns')
  cpns = `127.0.0.1:${server.port}`
  await town.addUser()
  await town.addGateway('home-gw')
  await town.addGateway('other-gw')
  // The one serves, the other has served: its folder is there, and free.
  await town.startGateway('home-gw', server)
  await (await town.startGateway('other-gw', server)).stop()
  await town.haveServer('home-gw')
  uri = String((await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', 'watch'))['uri'])
  await town.run('pne', 'pair', uri, '--credential', town.path('watch.json'))
})

after(() => town?.close())

/** A copy of a file or folder of the town, to be spoilt. */
async function copy(name: string, as: string): Promise<string> {
  await cp(town.path(name), town.path(as), { recursive: true })
  return town.path(as)
}

interface Mishap {
  /** Spoils something; gives the command that stumbles on it. */
  make(): Promise<string[]>
  /** What the message must say is wrong, and what to do. */
  says: RegExp
  exit?: number
}

const anyPort = ['--listen', '127.0.0.1:0']

const pneWith = (credential: string) => ['pne', 'connect', '127.0.0.1:9', '--credential', credential, '--once']
const gatewayWith = (credential: string, data: string) => [
  ...['gateway', 'run', '--credential', credential, '--data', data, '--server', cpns],
  ...anyPort,
]
const serverIn = (data: string) => ['server', 'run', '--data', data, ...anyPort, '--admin', '127.0.0.1:0']

/** Runs other-gw in a copy of its folder in which one file has been changed. */
async function otherGateway(as: string, change: (folder: string) => Promise<unknown>): Promise<string[]> {
  const folder = await copy('other-gw', as)
  await change(folder)
  return gatewayWith(town.path('other-gw.json'), folder)
}

/** Runs a new server in which one file has been changed. */
async function newServer(as: string, change: (folder: string) => Promise<unknown>): Promise<string[]> {
  const folder = town.path(as)
  await initDataFolder(folder, { realm: 'example.org' })
  await change(folder)
  return serverIn(folder)
}

const writeKey = (file: string) => writeFile(file, Buffer.alloc(32, 7), { mode: 0o600 })

const mishaps: Record<string, Mishap> = {
  'pne: the credential is a folder': {
    make: async () => {
      await mkdir(town.path('folder.json'))
      return pneWith(town.path('folder.json'))
    },
    says: /folder\.json cannot be read: check its owner and permissions/,
  },
  'pne: the credential is half written': {
    make: async () => {
      const half = (await readFile(town.path('watch.json'), 'utf8')).slice(0, 150)
      await writeFile(town.path('half.json'), half, { mode: 0o600 })
      return pneWith(town.path('half.json'))
    },
    says: /half\.json is not a credential of a PNE: restore it, or pair into another file/,
  },
  'pne: the credential can be read by the group': {
    make: async () => {
      const file = await copy('watch.json', 'group.json')
      await chmod(file, 0o640)
      return pneWith(file)
    },
    says: /group\.json can be read by others than its owner: change that with chmod 600/,
  },
  'pne: the credential is not there': {
    make: async () => pneWith(town.path('none.json')),
    says: /there is no credential in \S+none\.json: make one with: opencpns pne pair URI/,
  },
  'pne: pairing into a file that holds a credential': {
    make: async () => ['pne', 'pair', uri, '--credential', town.path('watch.json')],
    says: /watch\.json already holds the credential of pne-\w+, .*: choose another file/,
  },
  'pne: pairing into a folder that is not there': {
    make: async () => ['pne', 'pair', await newUri(), '--credential', town.path('nowhere/watch.json')],
    says: /nowhere\/watch\.json cannot be written: check that its folder exists/,
  },
  'gateway: the credential can be read by all': {
    make: async () => {
      const file = await copy('other-gw.json', 'open-gw.json')
      await chmod(file, 0o644)
      return gatewayWith(file, town.path('g1'))
    },
    says: /open-gw\.json.*chmod 600/,
  },
  'gateway: the credential is cut short': {
    make: async () => {
      const file = await copy('other-gw.json', 'cut-gw.json')
      await writeFile(file, '{')
      return gatewayWith(file, town.path('g2'))
    },
    says: /cut-gw\.json is not a gateway's credential: make one with: opencpns admin gateway add/,
  },
  "gateway: the data folder is another gateway's": {
    make: async () => gatewayWith(town.path('home-gw.json'), await copy('other-gw', 'swapped')),
    says: /swapped belongs to other-gw@example\.org, the credential to home-gw@example\.org: give each gateway a folder/,
  },
  'gateway: another process runs on the data folder': {
    make: async () => gatewayWith(town.path('home-gw.json'), town.path('home-gw')),
    says: /a gateway runs on \S+home-gw already: stop it first/,
  },
  'gateway: the data folder is a file': {
    make: async () => gatewayWith(town.path('other-gw.json'), town.path('watch.json')),
    says: /watch\.json: choose another folder/,
  },
  'gateway: a wrong storage key': {
    make: () => otherGateway('wrong-key', (folder) => writeKey(join(folder, 'storage.key'))),
    says: /storage\.key is not the key of gateway\.db: restore gateway\.db and storage\.key together from a backup/,
  },
  'gateway: a storage key of another length': {
    make: () => otherGateway('short-key', (folder) => writeFile(join(folder, 'storage.key'), 'short')),
    says: /storage\.key in \S+ does not have 32 octets: restore/,
  },
  'gateway: no storage key': {
    make: () => otherGateway('no-key', (folder) => rm(join(folder, 'storage.key'))),
    says: /storage\.key.*: restore gateway\.db and storage\.key together from a backup/,
  },
  'gateway: a database that is none': {
    make: () => otherGateway('no-database', (folder) => writeFile(join(folder, 'gateway.db'), 'x'.repeat(5000))),
    says: /gateway\.db is damaged: restore it and storage\.key from a backup/,
  },
  'gateway pair: no gateway has been there': {
    make: async () => ['gateway', 'pair', '--data', town.path('nowhere')],
    says: /nowhere has no gateway yet: start opencpns gateway run --data \S+nowhere/,
  },
  'server: the data folder is not there': {
    make: async () => serverIn(town.path('nowhere')),
    says: /nowhere is not initialised: run opencpns server init --data \S+nowhere/,
  },
  'server: a wrong master key': {
    make: () =>
      newServer('wrong-master', (folder) =>
        writeFile(join(folder, 'master.key'), Buffer.alloc(32, 7).toString('base64url')),
      ),
    says: /the master key in \S+ is not the key of its store: restore both from the same backup/,
  },
  'server: a master key that is none': {
    make: () => newServer('no-master', (folder) => writeFile(join(folder, 'master.key'), 'nonsense')),
    says: /master\.key is not a master key: restore it from a backup/,
  },
  'server: no master key': {
    make: () => newServer('lost-master', (folder) => rm(join(folder, 'master.key'))),
    says: /master\.key is missing: restore it from a backup/,
  },
  'server: a master key that all can read': {
    make: () => newServer('open-master', (folder) => chmod(join(folder, 'master.key'), 0o644)),
    says: /others may read \S+master\.key: run chmod 600/,
  },
  'server: no database': {
    make: () => newServer('lost-database', (folder) => rm(join(folder, 'cpns.db'))),
    says: /cpns\.db is missing: restore it from a backup/,
  },
  'server: a database that is none': {
    make: () => newServer('no-database-2', (folder) => writeFile(join(folder, 'cpns.db'), 'x'.repeat(5000))),
    says: /cpns\.db is damaged: restore it from a backup/,
  },
  'server: server.json is damaged': {
    make: () => newServer('damaged', (folder) => writeFile(join(folder, 'server.json'), '{}')),
    says: /server\.json is damaged, .*: restore it from a backup/,
  },
  'server: the admin token is too short': {
    make: () => newServer('short-token', (folder) => writeFile(join(folder, 'admin.token'), 'short')),
    says: /admin\.token is too short or damaged: put 43 random base64url characters there/,
  },
  'server init: the folder holds other files': {
    make: async () => {
      await mkdir(town.path('full'))
      await writeFile(town.path('full/thesis.doc'), 'precious')
      return ['server', 'init', '--data', town.path('full'), '--realm', 'example.org']
    },
    says: /full holds other files: choose an empty or a new folder/,
  },
  'gateway: the port is taken': {
    make: async () => {
      const command = gatewayWith(town.path('other-gw.json'), await copy('other-gw', 'port-taken'))
      return [...command.slice(0, -1), cpns]
    },
    says: /port \d+ of 127\.0\.0\.1 is taken: stop the program that uses it or choose another with --listen/,
    exit: 4,
  },
}

async function newUri(): Promise<string> {
  return String((await town.run('gateway', 'pair', '--data', town.path('home-gw')))['uri'])
}

function assertHelpful({ code, stderr }: { code: number | null; stderr: string }, { says, exit = 5 }: Mishap): void {
  assert.match(stderr, says)
  assert.equal(code, exit, stderr)
  const said = stderr.split('\n').filter((line) => !line.startsWith('{'))
  assert.deepEqual(said.slice(1), [''], 'it is one line, without a stack trace')
  assert.match(said[0] ?? '', /^opencpns: (?!internal error)/)
}

suite('a command that stumbles says on what, and what to do', { concurrency: 2 }, () => {
  for (const [what, mishap] of Object.entries(mishaps)) {
    test(what, async () => {
      const command = await mishap.make()
      assertHelpful(await town.attempt(...command), mishap)
    })
  }

  test('pne: the credential belongs to somebody else', { skip: notRoot }, async () => {
    const file = town.path('watch.json')
    await chmod(join(file, '..'), 0o755)
    const options = { uid: NOBODY, gid: NOBODY, env: { PATH: process.env['PATH'], HOME: '/nonexistent' } }
    const child = spawn(process.execPath, [launcher, ...pneWith(file)], options)
    const closed = once(child, 'close')
    const stderr = await text(child.stderr)
    const [code] = await closed
    assertHelpful({ code, stderr }, { make: async () => [], says: /watch\.json cannot be read: check its owner/ })
  })
})

test('after all that the gateway still serves', async () => {
  const session = await town.run('pne', 'pair', await newUri(), '--credential', town.path('last.json'))
  assert.match(String(session['pneId']), /^pne-/)
})
