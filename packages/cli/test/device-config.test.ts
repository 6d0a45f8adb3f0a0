import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { readDeviceConfig } from '../src/commands/pne/config.ts'
import { assertError, opencpns, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
after(() => folder.remove())
const file = folder.path('pne.toml')

function read(toml: string) {
  writeFileSync(file, toml)
  return readDeviceConfig(file)
}

test('everything that a device may have; paths are relative to the folder of the file', async () => {
  const config = await read(`
    credential = "watch.json"
    gateways = ["192.0.2.1:7411", "[::1]:7411"]
    discover = true
    [[forward]]
    listen = "127.0.0.1:1883"
    service = "mqtt"
    [[forward]]
    listen = "0.0.0.0:0"
    service = "http"`)
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    credential: folder.path('watch.json'),
    gateways: [
      { host: '192.0.2.1', port: 7411 },
      { host: '::1', port: 7411 },
    ],
    discover: true,
    forwards: [
      { listen: { host: '127.0.0.1', port: 1883 }, service: 'mqtt' },
      { listen: { host: '0.0.0.0', port: 0 }, service: 'http' },
    ],
  })
})

test('the least: a credential, and a gateway or discovery', async () => {
  const { gateways, discover, forwards } = await read('credential = "/a"\ngateway = "hub.example.org:7411"')
  assert.deepEqual([gateways, discover, forwards], [[{ host: 'hub.example.org', port: 7411 }], false, []])
  assert.deepEqual((await read('credential = "/a"\ndiscover = true')).gateways, [])
})

const c = 'credential = "x"\n'
const g = `${c}gateway = "h:1"\n`
const wrong: readonly [what: string, toml: string, message: RegExp][] = [
  ['no TOML', 'credential = ', /line 1, column \d+ is not TOML/],
  ['an empty file', '', /credential is missing/],
  ['no gateway', c, /no gateway is given/],
  ['no gateway, and discovery that is off', `${c}discover = false`, /no gateway is given/],
  ['an empty list of gateways', `${c}gateways = []`, /no gateway is given/],
  ['gateway and gateways', `${g}gateways = ["h:2"]`, /both gateway and gateways/],
  ['a gateway without a port', `${c}gateway = "h"`, /gateway cannot be so\. It is not HOST:PORT/],
  ['port 0 of a gateway', `${c}gateways = ["h:1", "h:0"]`, /gateways\[1\] cannot be so\. Nobody listens on port 0/],
  ['gateways that are no list', `${c}gateways = "h:1"`, /gateways is not a list of 16 at most/],
  ['too many gateways', `${c}gateways = [${'"h:1",'.repeat(17)}]`, /gateways is not a list of 16 at most/],
  ['discover that is a text', `${g}discover = "yes"`, /discover is neither true nor false/],
  ['an unknown key', `${g}gatway = "h:1"`, /gatway is not known\. Known here are credential, gateway, gateways/],
  ['a forward without a service', `${g}[[forward]]\nlisten = "127.0.0.1:1"`, /forward\[0\] has no service/],
  ['a forward without a port', `${g}[[forward]]\nservice = "mqtt"`, /forward\[0\] has no listen/],
  ['a forward that is no list', `${g}[forward]\nservice = "mqtt"`, /forward is not a list/],
  ['an empty service', `${g}[[forward]]\nlisten = "h:1"\nservice = ""`, /forward\[0\]\.service is not a text/],
  ['an unknown key of a forward', `${g}[[forward]]\nport = 1`, /forward\[0\]\.port is not known/],
]

for (const [what, toml, message] of wrong) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(read(toml), { code: 'CONFIG_INVALID', message })
  })
}

test('the command: exit codes of what is wrong before it runs', async () => {
  writeFileSync(file, c)
  assertError(await opencpns('pne', 'run', '--config', file), 2, /no gateway is given/)
  assertError(await opencpns('pne', 'run', '--config', folder.path('none')), 5, /there is no such file/)
  writeFileSync(file, 'credential = "none.json"\ngateway = "127.0.0.1:1"')
  assertError(await opencpns('pne', 'run', '--config', file), 5, /there is no credential in/)
})

test('pne connect: a place, or discovery, and not both', async () => {
  const none = ['--credential', folder.path('none.json')]
  assertError(await opencpns('pne', 'connect', ...none), 2, /give either HOST:PORT or --discover/)
  assertError(await opencpns('pne', 'connect', '127.0.0.1:1', '--discover', ...none), 2, /give either HOST:PORT or/)
})
