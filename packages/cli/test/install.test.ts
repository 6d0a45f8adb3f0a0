// `opencpns server install` and `gateway install`: the text of units, and what is not written.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { literal, MARK, unitText } from '../src/commands/install/unit.ts'
import { assertError, opencpns, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
after(() => folder.remove())
const path = folder.path

const facts = {
  name: 'unit',
  description: 'A unit',
  command: ['/usr/bin/node', '/usr/lib/main.js', 'server', 'run'],
  credentials: new Map<string, string>(),
  needsLowPort: false,
  needsInterfaces: false,
}

test('words of the command line reach the program as they are', () => {
  const words = ['plain', 'two words', 'a"quote', 'back\\slash', '100%', '$HOME', '$X$', 'ünï', "it's", '']
  const text = unitText({ ...facts, command: ['/bin/x', ...words.map(literal)] })
  const [, line] = /^ExecStart=\/bin\/x (.*)$/m.exec(text) ?? []
  assert.equal(line, String.raw`plain "two words" "a\"quote" "back\\slash" 100%% $$HOME $$X$$ "ünï" "it's" ""`)
})

test('a port below 1024 takes one capability, and no other does', () => {
  const low = unitText({ ...facts, needsLowPort: true })
  assert.match(low, /^CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE$/m)
  assert.doesNotMatch(low, /^PrivateUsers=/m)
  const high = unitText(facts)
  assert.match(high, /^CapabilityBoundingSet=\nAmbientCapabilities=\nPrivateUsers=yes$/m)
  assert.match(high, /^RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX$/m)
})

test('the options of run are taken over, and files of root are passed in', async () => {
  const tls = ['--tls-cert=/etc/c.pem', '--tls-key', '/etc/k.pem', '--tls-ca', '/etc/ca.pem']
  const radius = ['--radsec', '0.0.0.0:2083', '--radius', '[::]:812']
  const { code, stdout } = await opencpns('server', 'install', '--dry-run', '--json', '--', ...radius, ...tls)
  const { text, next } = JSON.parse(stdout)
  assert.equal(code, 0)
  const credentials = ['cert', 'key', 'ca']
    .map((name) => `--tls-${name} \${CREDENTIALS_DIRECTORY}/tls-${name}`)
    .join(' ')
  assert.ok(
    text.includes(` server run --data %S/opencpns-server --radsec 0.0.0.0:2083 --radius [::]:812 ${credentials}\n`),
    text,
  )
  assert.match(
    text,
    /^LoadCredential=tls-cert:\/etc\/c\.pem\nLoadCredential=tls-key:\/etc\/k\.pem\nLoadCredential=tls-ca/m,
  )
  assert.match(text, /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m, 'port 812')
  assert.deepEqual(next.slice(-2), ['systemctl daemon-reload', 'systemctl enable --now opencpns-server'])
})

/** The unit of a gateway with this configuration file. */
async function unitOf(toml: string, ...options: string[]): Promise<string> {
  writeFileSync(path('gateway.toml'), toml)
  const more = ['--', '--config', path('gateway.toml'), ...options]
  const { code, stdout, stderr } = await opencpns('gateway', 'install', '--dry-run', '--json', ...more)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout).text
}

const commandOf = (text: string) => /^ExecStart=.* (gateway run .*)$/m.exec(text)?.[1]
const passedIn = (text: string) => [...text.matchAll(/^LoadCredential=(.*)$/gm)].map(([, of]) => of)
const inUnit = (name: string) => `--${name} \${CREDENTIALS_DIRECTORY}/${name}`

test('files that a configuration file names are passed in as well, relative to its folder', async () => {
  const cpns = await unitOf('server = "cpns.example.org:7410"\ncredential = "home-gw.json"\ndata = "gw"')
  assert.equal(commandOf(cpns), `gateway run --data %S/opencpns-gateway ${inUnit('config')} ${inUnit('credential')}`)
  assert.deepEqual(passedIn(cpns), [`config:${path('gateway.toml')}`, `credential:${path('home-gw.json')}`])

  const radius = await unitOf(
    'server = "radius://aaa"\nidentity = "hub@example.org"\nsecret-file = "/etc/radius.secret"',
  )
  assert.deepEqual(passedIn(radius), [`config:${path('gateway.toml')}`, 'secret-file:/etc/radius.secret'])
  assert.ok(commandOf(radius)?.endsWith(` ${inUnit('config')} ${inUnit('secret-file')}`))
})

test('an option overrides the configuration file in the unit too', async () => {
  const text = await unitOf('credential = "home-gw.json"\nlisten = "0.0.0.0:443"', '--credential', '/etc/other.json')
  assert.deepEqual(passedIn(text), [`config:${path('gateway.toml')}`, 'credential:/etc/other.json'])
  assert.match(text, /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m, 'port 443')
  const high = await unitOf('listen = "0.0.0.0:443"', '--listen', '0.0.0.0:7411')
  assert.match(high, /^AmbientCapabilities=$/m)
})

test('a configuration file that cannot be read, or is none, is told before a unit is made', async () => {
  const install = (...more: string[]) => opencpns('gateway', 'install', '--dry-run', '--', '--config', ...more)
  assertError(await install(path('none.toml')), 5, /there is no such file/)
  writeFileSync(path('bad.toml'), 'credentials = "x"')
  assertError(await install(path('bad.toml')), 2, /credentials is not known/)
  writeFileSync(path('two-lines.toml'), 'credential = "home-gw.json\\nExecStartPre=/bin/true"')
  assertError(await install(path('two-lines.toml')), 2, /control character/)
})

test('what is no option of run is refused, and nothing is written', async (t) => {
  const refused: [name: string, options: string[], message: RegExp][] = [
    ['an unknown option', ['--liste', 'x'], /--liste is no option of opencpns server run/],
    ['a value that cannot be', ['--listen', '7410'], /not HOST:PORT/],
    ['a word', ['now'], /now is no option/],
    ['a password', ['--store', 'postgres://cpns:secret@db/cpns'], /give the store with --store-file/],
    [
      'a password behind',
      ['--store', 'postgres://db/cpns?sslmode=require&password=x'],
      /give the store with --store-file/,
    ],
    ['a data folder', ['--data', '/srv'], /--data is not for you to give/],
    ['a file with a line in its name', ['--store-file', '/etc/x\nUser=root'], /control character/],
  ]
  for (const [name, options, message] of refused) {
    await t.test(name, async () => {
      assertError(await opencpns('server', 'install', '--unit-dir', path(), '--', ...options), 2, message)
    })
  }
  assert.equal(existsSync(path('opencpns-server.service')), false)
})

test('a name that is no word of a unit is refused', async () => {
  for (const name of ['', 'a b', '../a', 'a\nUser=root', '-a', '%n', 'a'.repeat(65)]) {
    assertError(await opencpns('server', 'install', '--dry-run', `--name=${name}`), 2, /name of a unit/)
  }
})

test('a per cent sign in the path of a credential is itself', () => {
  const text = unitText({ ...facts, credentials: new Map([['tls-key', '/etc/100%n key.pem']]) })
  assert.match(text, /^LoadCredential=tls-key:\/etc\/100%%n key\.pem$/m)
})

test('a unit is written for all to read, written again, and removed', async (t) => {
  const unit = path('opencpns-server.service')
  const install = (...more: string[]) => opencpns('server', 'install', '--unit-dir', path(), ...more)
  const { code, stderr } = await install()
  if (/could not see/.test(stderr))
    return t.skip(
      'Node or the checkout is below a home folder or /tmp, which a service may not see: clone it elsewhere, as into /opt',
    )
  assert.equal(code, 0, stderr)
  assert.equal((statSync(unit).mode & 0o777).toString(8), '644')
  assert.ok(readFileSync(unit, 'utf8').startsWith(MARK))
  await install('--', '--listen', '0.0.0.0:7410')
  assert.match(readFileSync(unit, 'utf8'), /--listen 0\.0\.0\.0:7410/)

  const { stdout } = await install('--uninstall', '--dry-run')
  assert.match(stdout, /^It would remove/)
  assert.ok(existsSync(unit))
  assert.match((await install('--uninstall')).stdout, /stays in \/var\/lib\/private\/opencpns-server/)
  assert.equal(existsSync(unit), false)
  assertError(await install('--uninstall'), 5, /there is no unit/)
})

test('a unit of somebody else is neither overwritten nor removed', async () => {
  const unit = path('theirs.service')
  writeFileSync(unit, '[Service]\nExecStart=/bin/true\n')
  const theirs = ['--unit-dir', path(), '--name', 'theirs']
  for (const more of [[], ['--uninstall']]) {
    const result = await opencpns('server', 'install', ...theirs, ...more)
    assertError(result, 5, /was written by somebody else|could not see/)
  }
  assert.match(readFileSync(unit, 'utf8'), /\/bin\/true/)
})

test('a credential that is not there, and a folder that cannot be written, are told before a unit is made', async () => {
  const missing = ['--', '--server', 'a:7410', '--credential', path('none.json')]
  const of = (...more: string[]) => opencpns('gateway', 'install', ...more)
  assertError(await of('--unit-dir', path(), ...missing), 5, /put it there first|could not see/)
  assert.equal(existsSync(path('opencpns-gateway.service')), false)
  assertError(await of('--unit-dir', path('no', 'folder')), 5, /as root, or look with --dry-run|could not see/)
})
