import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { readConfig } from '../src/commands/gateway/config.ts'
import { assertError, opencpns, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
after(() => folder.remove())
const file = folder.path('gateway.toml')

function read(toml: string) {
  writeFileSync(file, toml)
  return readConfig(file)
}

test('everything that gateway run takes, and services; paths are relative to the folder of the file', async () => {
  const config = await read(`
    credential = "home-gw.json"
    data = "/var/lib/opencpns"
    server = "cpns.example.org:7410"
    listen = "[::]:7411"
    advertise = ["hub.example.org:7411", "[fd00::2]:443"]
    rotate-after = "12h"
    [services.mqtt]
    address = "127.0.0.1:1883"
    [services.ssh]
    address = "[fd00::1]:22"
    pnes = ["pne-aaaaaaaaaaaaaaaa"]
    users = ["alice", "bob"]
    proxy-protocol = true`)
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    credential: folder.path('home-gw.json'),
    data: '/var/lib/opencpns',
    server: [{ kind: 'cpns', host: 'cpns.example.org', port: 7410 }],
    listen: { host: '::', port: 7411 },
    advertise: ['hub.example.org:7411', '[fd00::2]:443'],
    rotateAfter: 12 * 3_600_000,
    services: {
      mqtt: { host: '127.0.0.1', port: 1883 },
      ssh: {
        host: 'fd00::1',
        port: 22,
        pnes: ['pne-aaaaaaaaaaaaaaaa'],
        users: ['alice', 'bob'],
        proxyProtocol: true,
      },
    },
  })
})

test('a gateway at an AAA server', async () => {
  const { server, identity, secretFile } = await read(
    'server = "radius://aaa.example.org"\nidentity = "hub@example.org"\nsecret-file = "radius.secret"',
  )
  assert.deepEqual(server, [{ kind: 'radius', host: 'aaa.example.org', port: 1812 }])
  assert.deepEqual([identity, secretFile], ['hub@example.org', folder.path('radius.secret')])
})

test('several servers', async () => {
  const { server } = await read('server = ["a.example.org:7410", "[::1]:7410"]')
  assert.deepEqual(server, [
    { kind: 'cpns', host: 'a.example.org', port: 7410 },
    { kind: 'cpns', host: '::1', port: 7410 },
  ])
})

test('an empty file says nothing', async () => {
  assert.deepEqual(await read(''), { secretFile: undefined, rotateAfter: undefined, services: {} })
})

const wrong: readonly [what: string, toml: string, message: RegExp][] = [
  ['no TOML', 'data = "x"\nlisten = \n', /line 2, column \d+ is not TOML: /],
  ['a key twice', 'data = "x"\ndata = "y"', /line 2, column \d+ is not TOML: /],
  ['a key that is not known', 'date = "x"', /date is not known\. Known here are credential, identity, data, server/],
  ['a key of every object', 'constructor = "x"', /constructor is not known/],
  ['a number for a text', 'data = 7', /data is not a text/],
  ['an empty text', 'data = ""', /data is not a text/],
  ['a server without a port', 'server = "cpns"', /server cannot be so\. It is not HOST:PORT/],
  ['no server at all', 'server = []', /server is an empty list/],
  ['a server that is a number', 'server = ["a:1", 7]', /server is not a text/],
  ['a server without a port among others', 'server = ["a:1", "b"]', /server cannot be so\. It is not HOST:PORT/],
  ['an advertised address without a port', 'advertise = ["hub"]', /advertise cannot be so\. It is not HOST:PORT/],
  ['a server at port 0', 'server = "cpns:0"', /server cannot be so\. Nobody listens on port 0/],
  ['a duration without a unit', 'rotate-after = "90"', /rotate-after cannot be so\. It is not a duration/],
  ['a duration that is a number', 'rotate-after = 90', /rotate-after is not a text/],
  ['services that are none', 'services = "mqtt"', /services is not a table/],
  ['services in a list', '[[services]]\naddress = "a:1"', /services is not a table/],
  ['a service that is none', 'services.mqtt = "127.0.0.1:1883"', /services\.mqtt is not a table/],
  ['a service with a bad name', '[services.MQTT]\naddress = "a:1"', /services\.MQTT is no name of a service/],
  ['a service by a name of every object', '[services.__proto__]\naddress = "a:1"', /__proto__ is no name of a service/],
  ['a service without an address', '[services.mqtt]\nusers = ["alice"]', /services\.mqtt has no address/],
  ['a service without a port', '[services.mqtt]\naddress = "a"', /services\.mqtt\.address cannot be so/],
  ['a slip that would open a service', '[services.mqtt]\naddress = "a:1"\nuser = ["alice"]', /mqtt\.user is not known/],
  ['a user that is not in a list', '[services.mqtt]\naddress = "a:1"\nusers = "alice"', /mqtt\.users is not a list/],
  ['a user that is no name', '[services.mqtt]\naddress = "a:1"\nusers = [""]', /mqtt\.users is not a list/],
  ['a PNE that is a number', '[services.mqtt]\naddress = "a:1"\npnes = [7]', /mqtt\.pnes is not a list/],
  ['a yes', '[services.mqtt]\naddress = "a:1"\nproxy-protocol = "yes"', /proxy-protocol is neither true nor false/],
]

for (const [what, toml, message] of wrong) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(read(toml), (error: Error & { code: string }) => {
      assert.equal(error.code, 'CONFIG_INVALID')
      assert.match(error.message, message)
      assert.ok(error.message.startsWith(`cannot use ${file}: `))
      return true
    })
  })
}

test('a file that is not there, is a folder, or is too large', async () => {
  await assert.rejects(readConfig(folder.path('none.toml')), { code: 'CONFIG_UNREADABLE', message: /no such file/ })
  await assert.rejects(readConfig(folder.path('.')), { code: 'CONFIG_UNREADABLE' })
  await assert.rejects(read(`# ${'x'.repeat(1024 * 1024)}`), { code: 'CONFIG_INVALID', message: /larger than 1 MiB/ })
})

test('the command: exit codes, and options that are still missing', async () => {
  const run = (...more: string[]) => opencpns('gateway', 'run', '--config', file, ...more)
  writeFileSync(file, 'date = "x"')
  assertError(await run(), 2, /^opencpns: cannot use \S+gateway\.toml: date is not known/)
  assertError(await opencpns('gateway', 'run', '--config', folder.path('none.toml')), 5, /there is no such file/)
  writeFileSync(file, '')
  assertError(await run('--server', '127.0.0.1:1'), 2, /--data DIR is missing/)
  assertError(await run('--data', 'x'), 2, /--server SERVER is missing/)
  const aaa = ['--data', 'x', '--server', 'radius://a', '--server', 'radius://b']
  assertError(await run(...aaa), 2, /several servers are replicas of a CPNS Server/)
  writeFileSync(file, 'credential = "none.json"\ndata = "data"\nserver = "127.0.0.1:1"')
  assertError(await run(), 5, /\/none\.json/)
  assertError(await run('--credential', folder.path('other.json')), 5, /other\.json/)
})
