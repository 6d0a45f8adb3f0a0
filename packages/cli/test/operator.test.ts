// What an operator does by the command line beside adding and listing: policy, personal networks, revocation, removal.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { assertError, firstDocument, linked, opencpns, start, stop, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
const server = folder.path('server')
const home = folder.path('home')
const watch = folder.path('watch.json')
const running: ChildProcess[] = []
const any = '127.0.0.1:0'
let address = ''
let pneId = ''

before(async () => {
  await opencpns('server', 'init', '--data', server, '--realm', 'example.org')
  const { listen: atServer = {} } = await run('server', 'run', '--data', server, '--listen', any, '--admin', any)
  await admin('user', 'add', 'alice')
  await admin('gateway', 'add', 'home-gw', '--user', 'alice', '--out', folder.path('home-gw.json'))
  const credential = ['--credential', folder.path('home-gw.json'), '--data', home]
  const { listen = {} } = await run(
    'gateway',
    'run',
    ...credential,
    '--server',
    atServer['cpns'] ?? '',
    '--listen',
    any,
  )
  address = listen['pne'] ?? ''
  await linked(home)
  const { uri } = JSON.parse((await opencpns('gateway', 'pair', '--data', home, '--name', 'watch', '--json')).stdout)
  pneId = JSON.parse((await opencpns('pne', 'pair', uri, '--credential', watch, '--json')).stdout).pneId
})

after(async () => {
  await Promise.all(running.map(stop))
  folder.remove()
})

function run(...args: string[]) {
  const child = start(...args, '--json')
  running.push(child)
  return firstDocument(child)
}

const admin = (...args: string[]) => opencpns('admin', ...args, '--data', server)

/** The document that a command prints with --json. */
async function document(...args: string[]) {
  const { code, stdout, stderr } = await opencpns(...args, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

test('a device that is present shows in its personal network and among the sessions, until it leaves', async () => {
  const device = start('pne', 'connect', address, '--credential', watch, '--json')
  running.push(device)
  const { sessionId } = (await firstDocument(device)) as unknown as { sessionId: string }
  let shown = await document('admin', 'pn', 'show', 'home-gw', '--data', server)
  await until(async () => {
    shown = await document('admin', 'pn', 'show', 'home-gw', '--data', server)
    return shown.items.length > 0
  })
  assert.deepEqual([shown.gateway, shown.registered, shown.items[0]?.session], ['home-gw@example.org', 1, sessionId])
  const table = /^PNE +NAME +USER +GATEWAY +CASE +SINCE\npne-\w{16} +watch +alice +home-gw@example\.org +local +\d{4}-/m
  assert.match((await admin('session', 'list')).stdout, table)
  assert.match((await admin('pn', 'show', 'home-gw@example.org')).stdout, table)
  assert.match((await admin('pn', 'list')).stdout, /^home-gw@example\.org +alice +yes +1$/m)
  assert.equal((await document('admin', 'session', 'list', '--pne', pneId, '--data', server)).items.length, 1)
  const nobody = await admin('session', 'list', '--gateway', 'lobby-gw')
  assert.deepEqual([nobody.stdout, nobody.code], ['', 0])
  assert.match(nobody.stderr, /^No device is present anywhere/)

  let status = await document('gateway', 'status', '--data', home)
  await until(async () => {
    status = await document('gateway', 'status', '--data', home)
    return status.outbox === 0 // the answer of the server is on its way when the server has counted
  })
  assert.deepEqual([status.running, status.live.server.connected, status.keys, status.outbox], [true, true, 1, 0])
  assert.match((await opencpns('gateway', 'status', '--data', home)).stdout, /^State +running$/m)
  await stop(device)
})

test('the policy of a user is shown and changed, in what is given', async () => {
  const policy = ['admin', 'user', 'policy', 'alice', '--data', server]
  assert.deepEqual((await document(...policy, '--roaming', 'none', '--sessions', '3')).policy, {
    roaming: 'none',
    gateways: [],
    sessionsMax: 3,
  })
  const listed = await document(...policy, '--gateway', 'home-gw', '--sessions', 'unlimited')
  assert.deepEqual(listed.policy, { roaming: 'listed', gateways: ['home-gw@example.org'], sessionsMax: null })
  const shown = await admin('user', 'show', 'alice')
  assert.match(shown.stdout, /^Roaming +at the listed gateways\nListed gateways +home-gw@example\.org$/m)
  assert.match(shown.stdout, /^Sessions of a device +unlimited$/m)
})

test('a policy that says nothing, contradicts itself, or cannot be', async () => {
  const policy = (...args: string[]) => admin('user', 'policy', 'alice', ...args)
  assertError(await policy(), 2, /nothing to change/)
  assertError(await policy('--roaming', 'any', '--gateway', 'home-gw'), 2, /--gateway goes with --roaming listed/)
  assertError(await policy('--gateway', 'none-gw'), 2, /one of the gateways does not exist/)
  for (const sessions of ['0', '65536', 'many', '1.5']) {
    assertError(await policy('--sessions', sessions), 2, /Give a number from 1 to 65535, or unlimited/)
  }
})

test('a gateway stops taking visitors, and is told so', async () => {
  assert.match(
    (await admin('gateway', 'policy', 'home-gw', '--visitors', 'no')).stdout,
    /only the devices that it paired/,
  )
  assert.match((await admin('gateway', 'list')).stdout, /^home-gw@example\.org +alice +– +no +active/m)
  let { policy } = await document('gateway', 'status', '--data', home)
  await until(async () => {
    policy = (await document('gateway', 'status', '--data', home)).policy
    return !policy.visitors
  })
  assert.equal(policy.visitors, false)
  assertError(await admin('gateway', 'policy', 'home-gw'), 2, /required option '--visitors/)
})

test('a user is removed only by one who means it', async () => {
  assertError(await admin('user', 'remove', 'alice'), 2, /cannot remove the user: nothing was removed/)
  assert.match((await admin('user', 'show', 'alice')).stdout, /^State +active$/m)
  const { stdout } = await admin('user', 'remove', 'alice', '--yes')
  assert.match(stdout, /^Removed alice: devices revoked: 1, gateways revoked: 1\./)
  assert.match((await admin('user', 'list')).stdout, /^alice +1 +removed/m)
  assertError(await admin('user', 'remove', 'alice', '--yes'), 2, /there is no such user, or it was removed/)
  assertError(
    await opencpns('pne', 'connect', address, '--credential', watch, '--once'),
    3,
    /authentication failed|refused/,
  )
})

test('a revoked gateway', async () => {
  await admin('user', 'add', 'bob')
  await admin('gateway', 'add', 'lobby-gw', '--user', 'bob', '--out', folder.path('lobby-gw.json'))
  assert.match((await admin('gateway', 'revoke', 'lobby-gw')).stdout, /^Revoked lobby-gw@example\.org at /)
  assertError(await admin('gateway', 'revoke', 'none-gw'), 2, /there is no such gateway/)
  assertError(await admin('pn', 'show', 'lobby-gw'), 2, /there is no such gateway/)
})

test('the status of a gateway that never was', async () => {
  assertError(await opencpns('gateway', 'status', '--data', folder.path('none')), 5, /has no gateway yet/)
})
