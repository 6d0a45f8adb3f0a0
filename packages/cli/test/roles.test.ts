// A server, a gateway and a device by the command line alone: the way of docs/cli.md, and what a new user gets wrong on it.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertError, firstDocument, linked, opencpns, outcome, start, stop, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
const server = folder.path('server')
const home = folder.path('home')
const credential = folder.path('watch.json')
const [gatewayFile, hotelFile] = [folder.path('home-gw.json'), folder.path('hotel-gw.json')]
const echo = createServer((socket) => void socket.on('error', () => socket.destroy()).pipe(socket))
const running: ChildProcess[] = []
let addresses: { cpns: string; admin: string; home: string; hotel: string }

before(async () => {
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  assert.equal((await opencpns('server', 'init', '--data', server, '--realm', 'example.org')).code, 0)
  const { listen: atServer = {} } = await run('server', 'run', '--data', server, '--listen', any, '--admin', any)
  const { cpns = '', admin = '' } = atServer
  await opencpns('admin', 'user', 'add', 'alice', '--data', server)
  await opencpns('admin', 'gateway', 'add', 'home-gw', '--user', 'alice', '--out', gatewayFile, '--data', server)
  await opencpns('admin', 'gateway', 'add', 'hotel-gw', '--user', 'alice', '--out', hotelFile, '--data', server)
  const service = `echo=127.0.0.1:${(echo.address() as AddressInfo).port}`
  const gateway = (file: string, data: string) =>
    run('gateway', 'run', '--credential', file, '--data', data, '--server', cpns, '--listen', any, '--service', service)
  const atHome = await gateway(gatewayFile, home)
  const atHotel = await gateway(hotelFile, folder.path('hotel'))
  await Promise.all([linked(home), linked(folder.path('hotel'))])
  addresses = { cpns, admin, home: atHome['listen']?.['pne'] ?? '', hotel: atHotel['listen']?.['pne'] ?? '' }
  const { uri } = JSON.parse((await opencpns('gateway', 'pair', '--data', home, '--name', 'watch', '--json')).stdout)
  const paired = await opencpns('pne', 'pair', uri, '--credential', credential, '--json')
  assert.equal(paired.code, 0, paired.stderr)
})

after(async () => {
  await Promise.all(running.map(stop))
  echo.close()
  folder.remove()
})

const any = '127.0.0.1:0'

function run(...args: string[]) {
  const child = start(...args, '--json')
  running.push(child)
  return firstDocument(child)
}

const connect = (...args: string[]) => opencpns('pne', 'connect', ...args, '--credential', credential)

test('the run commands tell the real addresses', () => {
  for (const address of Object.values(addresses)) assert.match(address, /^127\.0\.0\.1:[1-9]\d{3,4}$/)
})

test('the gateway credential is for its owner alone', () => {
  assert.equal(statSync(gatewayFile).mode & 0o777, 0o600)
  const { secret, ...others } = JSON.parse(readFileSync(gatewayFile, 'utf8'))
  assert.match(secret, /^[\w-]{43}$/)
  assert.deepEqual(others, {
    type: 'opencpns-gateway',
    version: 1,
    identity: 'home-gw@example.org',
    realm: 'example.org',
  })
})

test('pne connect --once --json gives the facts of the local and of the remote case', async () => {
  for (const [at, theCase] of [
    [addresses.home, 'local'],
    [addresses.hotel, 'remote'],
  ] as const) {
    const { code, stdout, stderr } = await connect(at, '--once', '--json')
    assert.equal(code, 0, stderr)
    const { gateway, sessionId, ms, ...facts } = JSON.parse(stdout)
    assert.match(sessionId, /^[\w-]{22}$/)
    assert.equal(gateway, theCase === 'local' ? 'home-gw@example.org' : 'hotel-gw@example.org')
    assert.ok(ms > 0)
    assert.equal(facts.result, 'success')
    assert.equal(facts.case, theCase)
    assert.equal(facts.tls.version, 'TLSv1.3')
  }
})

test('pne connect --service carries stdin to the service and back, and nothing else on stdout', async () => {
  const child = start('pne', 'connect', addresses.home, '--credential', credential, '--service', 'echo')
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('')
  child.stdin?.end(lines)
  const { code, stdout, stderr } = await outcome(child)
  assert.equal(code, 0, stderr)
  assert.equal(stdout, lines)
  assert.match(stderr, /^Secure session for echo with home-gw@example\.org at .*: local case/)
})

test('presence stays until SIGTERM, then ends with exit code 0', async () => {
  const child = start('pne', 'connect', addresses.home, '--credential', credential, '--json')
  assert.equal((await firstDocument(child))['result'], 'success')
  assert.equal(await stop(child), 0)
})

test('a service that the gateway does not have', async () => {
  assertError(
    await connect(addresses.home, '--service', 'mqtt', '--once'),
    4,
    /cannot connect: the gateway has no such service/,
  )
})

test('lists for people and for programs', async () => {
  const users = await opencpns('admin', 'user', 'list', '--data', server)
  assert.match(
    users.stdout,
    /^USER {3}SEED GENERATION {2}STATE {3}CREATED\nalice {2}1 {16}active {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/,
  )
  const gateways = JSON.parse((await opencpns('admin', 'gateway', 'list', '--data', server, '--json')).stdout)
  assert.deepEqual(gateways.items.map(({ identity }: { identity: string }) => identity).sort(), [
    'home-gw@example.org',
    'hotel-gw@example.org',
  ])
  const pnes = await opencpns('admin', 'pne', 'list', '--data', server)
  assert.match(
    pnes.stdout,
    /^PNE +NAME +STATE +USER +ASSIGNED BY +CREATED\npne-\w{16} +watch +active +alice +home-gw@example\.org /,
  )
  const shown = await opencpns('admin', 'pne', 'show', 'watch', '--data', server)
  assert.match(shown.stdout, /^PNE +pne-\w{16}\nName +watch\nState +active\n/)
  const events = await opencpns('admin', 'event', 'list', '--limit', '1', '--data', server, '--json')
  assert.equal(JSON.parse(events.stdout).items.length, 1)
})

test('the admin API by address and token file', async () => {
  const elsewhere = ['--url', `http://${addresses.admin}`, '--token-file']
  const good = await opencpns('admin', 'user', 'list', ...elsewhere, folder.path('server', 'admin.token'), '--json')
  assert.equal(good.code, 0, good.stderr)
  writeFileSync(folder.path('other.token'), 'A'.repeat(43))
  const bad = await opencpns('admin', 'user', 'list', ...elsewhere, folder.path('other.token'))
  assertError(bad, 3, /cannot list the users: the admin API at http:\S+ refused the token/)
  const missing = await opencpns('admin', 'user', 'list', ...elsewhere, folder.path('no.token'))
  assertError(missing, 5, /cannot read \S+no\.token: no such file/)
})

test('names that are taken or unknown', async () => {
  const admin = (...args: string[]) => opencpns('admin', ...args, '--data', server)
  assertError(await admin('user', 'add', 'alice'), 2, /cannot add the user: the user alice exists already/)
  assertError(await admin('user', 'add', 'Alice!'), 2, /cannot add the user: /)
  assertError(await admin('pne', 'show', 'nobody'), 2, /cannot show the device: /)
  assertError(await admin('pne', 'revoke', 'nobody'), 2, /cannot revoke the device: /)
})

test('gateway add leaves an existing file and the server alone', async () => {
  const add = (name: string, user: string, out: string) =>
    opencpns('admin', 'gateway', 'add', name, '--user', user, '--out', out, '--data', server)
  const content = readFileSync(gatewayFile, 'utf8')
  assertError(await add('third-gw', 'alice', gatewayFile), 5, /cannot write \S+: it exists already/)
  assert.equal(readFileSync(gatewayFile, 'utf8'), content)
  assertError(await add('third-gw', 'alice', folder.path('no', 'x.json')), 5, /cannot write \S+: /)
  assertError(await add('third-gw', 'bob', folder.path('x.json')), 2, /cannot add the gateway: /)
  assert.throws(() => statSync(folder.path('x.json')), { code: 'ENOENT' })
  const listed = await opencpns('admin', 'gateway', 'list', '--data', server)
  assert.doesNotMatch(listed.stdout, /third-gw/)
})

test('credentials that are missing, readable by others, or damaged', async () => {
  const use = (file: string) => opencpns('pne', 'connect', addresses.home, '--credential', file, '--once')
  assertError(
    await use(folder.path('none.json')),
    5,
    /cannot connect: there is no credential in \S+none\.json: make one/,
  )
  const open = folder.path('open.json')
  writeFileSync(open, readFileSync(credential))
  chmodSync(open, 0o644)
  assertError(await use(open), 5, /cannot connect: \S+open\.json can be read by others than its owner: .*chmod 600/)
  const corrupt = folder.path('corrupt.json')
  writeFileSync(corrupt, '{"type":"opencpns-pne"', { mode: 0o600 })
  assertError(await use(corrupt), 5, /cannot connect: \S+corrupt\.json is not a credential of a PNE/)
  assertError(await use(gatewayFile), 5, /is not a credential of a PNE/)
})

test('a gateway without a good credential', async () => {
  const use = (file: string) =>
    opencpns(
      'gateway',
      'run',
      '--credential',
      file,
      '--data',
      folder.path('g'),
      '--server',
      addresses.cpns,
      '--listen',
      any,
    )
  assertError(await use(folder.path('none.json')), 5, /cannot run the gateway: .*none\.json/)
  assertError(await use(credential), 5, /cannot run the gateway: /)
})

test('data folders that are not what they should be', async () => {
  const empty = folder.path('empty')
  mkdirSync(empty)
  assertError(
    await opencpns('server', 'run', '--data', empty, '--listen', any, '--admin', any),
    5,
    /cannot run the server: .*empty/,
  )
  assertError(await opencpns('gateway', 'pair', '--data', empty), 5, /cannot make a pairing ticket: .*empty/)
  assertError(
    await opencpns('admin', 'user', 'list', '--data', empty),
    5,
    /cannot use \S+empty: it is not the data folder/,
  )
  assertError(
    await opencpns('server', 'init', '--data', server, '--realm', 'example.org'),
    5,
    /cannot make the data folder: /,
  )
  assertError(await opencpns('server', 'init', '--data', empty, '--realm', 'Example Org'), 2, /is not a realm/)
})

test('a port that is taken', async () => {
  const data = folder.path('second')
  await opencpns('server', 'init', '--data', data, '--realm', 'example.org')
  const cpns = await opencpns('server', 'run', '--data', data, '--listen', addresses.cpns, '--admin', any)
  assertError(cpns, 4, /cannot run the server: .*(?:taken|in use)/)
  const admin = await opencpns('server', 'run', '--data', data, '--listen', any, '--admin', addresses.admin)
  assertError(admin, 4, /cannot run the server: .*(?:taken|in use)/)
})

test('a pairing URI that is none, and one that was used', async () => {
  const pair = (uri: string) => opencpns('pne', 'pair', uri, '--credential', folder.path('other.json'))
  assertError(await pair('https://example.org'), 2, /cannot pair: this is not a pairing URI/)
  const { stdout } = await opencpns('gateway', 'pair', '--data', home, '--json')
  const { uri, expiresAt } = JSON.parse(stdout)
  assert.match(uri, /^cpns:127\.0\.0\.1:\d+\?g=home-gw@example\.org&/)
  assert.ok(Date.parse(expiresAt) > Date.now())
  const first = await opencpns('pne', 'pair', uri, '--credential', folder.path('first.json'))
  assert.equal(first.code, 0, first.stderr)
  assertError(await pair(uri), 3, /cannot pair: /)
})

test('a refused device: JSON on stdout, words on stderr, exit code 3', async () => {
  const pne = JSON.parse(readFileSync(credential, 'utf8'))
  const forged = folder.path('forged.json')
  writeFileSync(forged, JSON.stringify({ ...pne, euKey: Buffer.alloc(32, 7).toString('base64url') }), { mode: 0o600 })
  for (const at of [addresses.home, addresses.hotel]) {
    const result = await opencpns('pne', 'connect', at, '--credential', forged, '--once', '--json')
    assertError(result, 3, /cannot connect: authentication failed/)
    assert.deepEqual(JSON.parse(result.stdout), { result: 'authentication-failed', at })
  }
})

test('nobody listens at the gateway address', async () => {
  const result = await connect('127.0.0.1:1', '--once', '--json')
  assertError(result, 4, /cannot (?:connect|reach).*127\.0\.0\.1:1/)
  assert.equal(JSON.parse(result.stdout).result, 'unreachable')
})

test('the QR code and the same as text for people', async () => {
  const { code, stdout } = await opencpns('gateway', 'pair', '--data', home, '--address', '192.0.2.1:7411')
  assert.equal(code, 0)
  assert.match(stdout, /^(?:[█▀▄ ]+\n)+\ncpns:192\.0\.2\.1:7411\?\S+\n\nScan it .*\nIt serves one device, once, until /)
})

test('a stack trace only for those who look for a bug', async () => {
  const { stderr } = await connect('127.0.0.1:1', '--once', '--log-level', 'debug')
  assert.match(stderr, /^opencpns: .*\n(?:.*\n)* {4}at /)
})

test('revocation ends a present device with exit code 3', async () => {
  const child = start('pne', 'connect', addresses.home, '--credential', credential, '--json')
  const ended = once(child, 'exit')
  assert.equal((await firstDocument(child))['result'], 'success')
  const { pneId } = JSON.parse(readFileSync(credential, 'utf8'))
  const revoked = await opencpns('admin', 'pne', 'revoke', pneId, '--data', server, '--json')
  assert.equal(JSON.parse(revoked.stdout).id, pneId)
  assert.deepEqual((await ended)[0], 3)
})

test('an access point is added with its address, and its shared secret is told once', async () => {
  const add = (...more: string[]) =>
    opencpns(
      'admin',
      'gateway',
      'add',
      'lobby-ap',
      '--user',
      'alice',
      '--radius',
      '192.0.2.7',
      '--data',
      server,
      ...more,
    )
  const { code, stdout } = await add()
  assert.equal(code, 0)
  assert.match(
    stdout,
    /^Added the RADIUS gateway lobby-ap@example\.org of alice, for requests from 192\.0\.2\.7\/32\.\n/,
  )
  assert.match(stdout, /Shared secret, told this once: [\w-]{32}\n.*auth_server_shared_secret/)
  assertError(await add('--json'), 2, /cannot add the gateway: /)
})

test('the device as a network of wpa_supplicant, for people and for programs', async () => {
  const exported = await opencpns('pne', 'export', '--credential', credential)
  assert.match(exported.stdout, /^network=\{\n {2}key_mgmt=IEEE8021X\n[\s\S]*password=[0-9a-f]{64}\n[\s\S]*\}\n$/)
  const { stdout } = await opencpns('pne', 'export', '--credential', credential, '--format', 'json')
  const { identity, password, ...others } = JSON.parse(stdout)
  assert.deepEqual(others, { eap: 'GPSK', phase1: 'cipher=2' })
  assert.match(identity, /^[\w-]{43}@example\.org$/)
  assert.ok(exported.stdout.includes(password))
  assertError(
    await opencpns('pne', 'export', '--credential', credential, '--ssid', 'x'.repeat(33)),
    2,
    /1 to 32 octets/,
  )
})

test('a key is rotated by the device, and then by a new generation; the old one and its generation are retired', async () => {
  const file = folder.path('ring.json')
  const ticket = await opencpns('gateway', 'pair', '--data', home, '--name', 'ring', '--json')
  const paired = await opencpns('pne', 'pair', JSON.parse(ticket.stdout).uri, '--credential', file)
  assert.equal(paired.code, 0, paired.stderr)
  const rotate = (at: string, credentialFile = file) =>
    opencpns('pne', 'rotate', at, '--credential', credentialFile, '--json')
  const admin = (...args: string[]) => opencpns('admin', 'user', ...args, '--data', server)
  const before = readFileSync(file, 'utf8')
  assertError(await rotate(addresses.hotel), 2, /cannot renew the key: .*at the gateway that assigned it/)
  assert.equal(readFileSync(file, 'utf8'), before)

  const rotated = await rotate(addresses.home)
  const { pneId, secondSeed } = JSON.parse(readFileSync(file, 'utf8'))
  assert.deepEqual([rotated.code, JSON.parse(rotated.stdout)], [0, { pneId, rotated: true }])
  assert.notEqual(secondSeed, JSON.parse(before).secondSeed)
  const old = folder.path('old.json')
  writeFileSync(old, before, { mode: 0o600 })
  for (const at of [addresses.home, addresses.hotel]) {
    const use = (credentialFile: string) => opencpns('pne', 'connect', at, '--credential', credentialFile, '--once')
    assertError(await use(old), 3, /authentication failed/)
    assert.equal((await use(file)).code, 0)
  }

  const renewed = await admin('rotate', 'alice')
  assert.match(renewed.stdout, /^alice has a 1st seed of generation 2\./)
  assertError(await admin('rotate', 'alice', '--retire', '1'), 2, /cannot rotate the user: 2 active keys use this/)
  assertError(await admin('rotate', 'alice', '--retire', '2'), 2, /newest generation/)
  assertError(await admin('rotate', 'alice', '--retire', '3'), 2, /generations 1 to 2/)
  assertError(await admin('rotate', 'alice', '--retire', '1', '--force'), 2, /nothing was retired: .*give --yes/)
  for (const each of [file, folder.path('first.json')]) assert.equal((await rotate(addresses.home, each)).code, 0)
  const shown = await admin('show', 'alice')
  assert.match(shown.stdout, /^Seed generation 1 +0 keys use it\nSeed generation 2 +2 keys use it$/m)
  const retired = await admin('rotate', 'alice', '--retire', '1', '--json')
  assert.deepEqual(JSON.parse(retired.stdout), { name: 'alice', generation: 1, keys: 0, pnes: 0, erased: true })
  assert.match((await admin('show', 'alice')).stdout, /^Seed generation 1 +retired/m)
  const ring = await opencpns('admin', 'pne', 'show', 'ring', '--data', server)
  assert.match(ring.stdout, /^Seed generation +2\nKey +\S+ \S+, 0 days old$/m)
})

test('an old generation is retired by force: devices that have no other key are revoked', async () => {
  const admin = (...args: string[]) => opencpns('admin', 'user', ...args, '--data', server)
  await admin('add', 'bob')
  const file = folder.path('bob-gw.json')
  await opencpns('admin', 'gateway', 'add', 'bob-gw', '--user', 'bob', '--out', file, '--data', server)
  const data = folder.path('bob')
  const gateway = await run(
    'gateway',
    'run',
    '--credential',
    file,
    '--data',
    data,
    '--server',
    addresses.cpns,
    '--listen',
    any,
  )
  await linked(data)
  const { uri } = JSON.parse((await opencpns('gateway', 'pair', '--data', data, '--json')).stdout)
  const pne = folder.path('bobs.json')
  await opencpns('pne', 'pair', uri, '--credential', pne)
  await admin('rotate', 'bob')
  const { stdout } = await admin('rotate', 'bob', '--retire', '1', '--force', '--yes')
  assert.match(stdout, /^Retired generation 1 of bob: .* Keys revoked: 1, devices revoked: 1\.\n/)
  const refused = await opencpns('pne', 'connect', gateway['listen']?.['pne'] ?? '', '--credential', pne, '--once')
  assertError(refused, 3, /authentication failed/)
})

test('a server that was stopped: the next command says so', async () => {
  const [first] = running
  assert.ok(first)
  assert.equal(await stop(first), 0)
  assertError(await opencpns('admin', 'user', 'list', '--data', server), 4, /cannot reach the server: none runs in/)
  writeFileSync(folder.path('server', 'admin.json'), JSON.stringify({ url: `http://${addresses.admin}` }))
  const crashed = await opencpns('admin', 'user', 'list', '--data', server)
  assertError(crashed, 4, /cannot reach the admin API at \S+: connection refused\. Is the server running\?/)
})

test('a second signal ends a command that takes its time', async () => {
  const child = start('pne', 'connect', addresses.home, '--credential', folder.path('first.json'), '--json')
  const exited = once(child, 'exit')
  await firstDocument(child)
  child.kill('SIGINT')
  await sleep(400) // longer than two signals of one Ctrl-C may be apart
  child.kill('SIGINT')
  assert.ok([0, 130].includes((await exited)[0]))
})
