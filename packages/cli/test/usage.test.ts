import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Command } from 'commander'
import { exitCodesInShort } from '../src/exit.ts'
import { buildProgram } from '../src/program.ts'
import { assertError, assertGolden, opencpns } from './support.ts'

/** All commands that do something, by their whole names. */
function leaves(command: Command, path = command.name()): Map<string, Command> {
  const entries = command.commands.map((child) => [...leaves(child, `${path} ${child.name()}`)])
  return new Map(command.commands.length === 0 ? [[path, command]] : entries.flat())
}

const commands = leaves(buildProgram())

test('the help of opencpns itself', async () => {
  const { code, stdout, stderr } = await opencpns('--help')
  assertGolden('help', stdout)
  assert.deepEqual([code, stderr], [0, ''])
})

test('every command has help with examples and exit codes', async (t) => {
  for (const path of commands.keys()) {
    await t.test(path, async () => {
      const { code, stdout, stderr } = await opencpns(...path.split(' ').slice(1), '--help')
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, new RegExp(`^Usage: ${path} `))
      assert.match(stdout, new RegExp(`Examples:\\n {2}\\$ (?:.*\\$\\()?${path}`))
      assert.ok(stdout.includes(exitCodesInShort))
      assertGolden(`help-${path.split(' ').slice(1).join('-')}`, stdout)
    })
  }
})

test('docs/cli.md names every command and option, and no other', () => {
  const text = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  const sections = new Map(text.split(/^#{2,3} (?=opencpns )/m).map((part) => [part.split('\n', 1)[0] ?? '', part]))
  const admin = optionsIn(sections.get('opencpns admin'))
  const common = optionsIn(text.split(/^## /m, 1)[0])
  for (const [path, command] of commands) {
    const shared = path.startsWith('opencpns admin ') ? [...common, ...admin] : common
    const documented = [...shared, ...optionsIn(sections.get(path))].sort()
    const declared = [...command.options.map(({ flags }) => flags), '--help'].sort()
    assert.deepEqual(documented, declared, `the options of ${path}`)
  }
  const known = new Set([...commands.keys(), 'opencpns admin'])
  for (const name of sections.keys())
    if (name.startsWith('opencpns ')) assert.ok(known.has(name), `${name} is no command`)
})

function optionsIn(section = ''): string[] {
  return [...section.matchAll(/^\| `(-[^`]+)` +\|/gm)].map(([, flags = '']) => flags)
}

const refusals: [name: string, args: string[], message: RegExp][] = [
  ['an unknown command', ['serve'], /unknown command 'serve'/],
  ['an unknown verb', ['server', 'start'], /unknown command 'start'/],
  ['an unknown option', ['demo', '--fast'], /unknown option '--fast'/],
  ['no --realm', ['server', 'init', '--data', 'x'], /required option '--realm <realm>' not specified/],
  ['a host without a port', ['pne', 'connect', 'gateway.example', '--credential', 'x'], /not HOST:PORT/],
  ['a port above 65535', ['pne', 'connect', '127.0.0.1:65536', '--credential', 'x'], /not HOST:PORT/],
  ['port 0 of another', ['pne', 'connect', '127.0.0.1:0', '--credential', 'x'], /Nobody listens on port 0/],
  ['an IPv6 address without brackets', ['pne', 'connect', '::1:7411', '--credential', 'x'], /not HOST:PORT/],
  ['a bad --listen', ['server', 'run', '--data', 'x', '--listen', '7410'], /not HOST:PORT/],
  ['a service without a name', gatewayRun('--service', '127.0.0.1:1883'), /not NAME=HOST:PORT/],
  ['a service with a bad name', gatewayRun('--service', 'My Service=127.0.0.1:1883'), /not NAME=HOST:PORT/],
  ['a service with a bad port', gatewayRun('--service', 'mqtt=127.0.0.1'), /not HOST:PORT/],
  ['a duration without a unit', gatewayRun('--rotate-after', '90'), /not a duration/],
  ['a duration of nothing', gatewayRun('--rotate-after', '0s'), /not a duration/],
  ['a duration that no gateway sees the end of', gatewayRun('--rotate-after', '3651d'), /not a duration/],
  [
    'a generation that is none',
    ['admin', 'user', 'rotate', 'alice', '--data', 'x', '--retire', '0'],
    /number of a generation/,
  ],
  [
    'force without retire',
    ['admin', 'user', 'rotate', 'alice', '--data', 'x', '--force'],
    /--force goes with --retire/,
  ],
  ['a forward without a service', pneConnect('-L', '1883'), /not \[BIND:\]PORT=SERVICE/],
  ['a forward of a name', pneConnect('-L', 'mqtt=1883'), /not \[BIND:\]PORT=SERVICE/],
  ['a forward to no service', pneConnect('-L', '1883='), /not the name of a service/],
  ['a forward of a port that cannot be', pneConnect('-L', '65536=mqtt'), /not HOST:PORT/],
  ['a forward of an IPv6 address without brackets', pneConnect('-L', '::1:1883=mqtt'), /not HOST:PORT/],
  ['a service with too long a name', pneConnect('-W', 'm'.repeat(65)), /not the name of a service/],
  ['forward and stdio', pneConnect('-L', '0=mqtt', '-W', 'ssh'), /cannot be used with option/],
  ['forward and once', pneConnect('-L', '0=mqtt', '--once'), /cannot be used with option/],
  ['stdio and once', pneConnect('-W', 'ssh', '--once'), /cannot be used with option/],
  [
    'an AAA server beside another',
    gatewayRun('--server', 'radius://[::1]', '--secret-file', 'x'),
    /of AAA servers give one/,
  ],
  ['a server of another kind', gatewayRun('--server', 'https://127.0.0.1:1'), /neither HOST:PORT of a CPNS Server nor/],
  ['an AAA server that is none', gatewayRun('--server', 'radius://', '--secret-file', 'x'), /not HOST:PORT/],
  ['an AAA server without a secret', atAaaServer('--credential', 'x'), /--secret-file FILE is missing/],
  [
    'a gateway with two names',
    atAaaServer('--credential', 'x', '--secret-file', 'x', '--identity', 'hub@example.org'),
    /give either --identity NAME@REALM or --credential FILE/,
  ],
  [
    'a gateway with no name',
    atAaaServer('--secret-file', 'x'),
    /give either --identity NAME@REALM or --credential FILE/,
  ],
  ['a RADIUS secret for a CPNS Server', gatewayRun('--secret-file', 'x'), /are for an AAA server/],
  [
    'a CPNS Server and no credential',
    ['gateway', 'run', '--data', 'x', '--server', '127.0.0.1:1'],
    /--credential FILE is missing/,
  ],
  ['a bad --radius', ['server', 'run', '--data', 'x', '--radius', '1812'], /not HOST:PORT/],
  [
    'RADIUS over TLS without a certificate',
    ['server', 'run', '--data', 'x', '--radsec', '127.0.0.1:0', '--tls-key', 'x', '--tls-ca', 'x'],
    /give either all of --radsec, --tls-cert/,
  ],
  [
    'a certificate without RADIUS over TLS',
    ['server', 'run', '--data', 'x', '--tls-cert', 'x'],
    /give either all of --radsec, --tls-cert/,
  ],
  ['no kind of gateway', gatewayAdd(), /give either --out FILE, or --radius ADDRESS/],
  ['two kinds of gateway', gatewayAdd('--out', 'x', '--radius', '192.0.2.1'), /give either --out FILE, or --radius/],
  ['a bad --format', ['pne', 'export', '--credential', 'x', '--format', 'xml'], /Allowed choices are wpa_supplicant/],
  ['a bad --log-level', ['demo', '--log-level', 'loud'], /Allowed choices are trace, debug/],
  ['a bad --limit', ['admin', 'event', 'list', '--data', 'x', '--limit', '0'], /number from 1 to 1000/],
  ['too many arguments', ['demo', 'now'], /too many arguments/],
  ['no server named', ['admin', 'user', 'list'], /give either --data DIR, or --url/],
  [
    'two servers named',
    ['admin', 'user', 'list', '--data', 'x', '--url', 'http://localhost'],
    /give either --data DIR/,
  ],
  [
    'a bad --url',
    ['admin', 'user', 'list', '--url', 'localhost:1', '--token-file', 'x'],
    /not an http or https address/,
  ],
]

function gatewayAdd(...more: string[]): string[] {
  return ['admin', 'gateway', 'add', 'ap', '--user', 'alice', '--data', 'x', ...more]
}

function pneConnect(...more: string[]): string[] {
  return ['pne', 'connect', '127.0.0.1:1', '--credential', 'x', ...more]
}

function gatewayRun(...more: string[]): string[] {
  return ['gateway', 'run', '--credential', 'x', '--data', 'x', '--server', '127.0.0.1:1', ...more]
}

function atAaaServer(...more: string[]): string[] {
  return ['gateway', 'run', '--data', 'x', '--server', 'radius://[::1]:1812', ...more]
}

test('wrong usage ends with exit code 2, nothing on stdout, and says what to do', async (t) => {
  for (const [name, args, message] of refusals) {
    await t.test(name, async () => {
      const result = await opencpns(...args)
      assertError(result, 2, message)
      assert.equal(result.stdout, '')
      assert.match(result.stderr, /For help: opencpns .*--help|give either|Write for example/)
    })
  }
})

test('a group without a verb shows its help and ends with exit code 2', async () => {
  const { code, stderr } = await opencpns('server')
  assert.equal(code, 2)
  assert.match(stderr, /^Usage: opencpns server .*\n[\s\S]*Commands:/)
})
