// Pairing: cut off at any point it goes on with the same device nonce and ends with the same assignment; what is stored is
// stored before the next message goes; and nobody's finished credential is ever overwritten.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatPairingUri, Result } from '@opencpns/protocol'
import { type Credential, type PneError, pair, readCredential } from '../src/index.ts'
import { confirmedFile, credentialFile, folder, unconfirmedFile } from './files.ts'
import { home, lobby } from './gateway.ts'
import { PairingGateway, points } from './pairing-gateway.ts'

const credentialNames = ['euKey', 'gateway', 'pneId', 'realm', 'secondSeed', 'type', 'version']

async function newFile(t: TestContext): Promise<string> {
  return join(await folder(t), 'pne.json')
}

async function content(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8'))
}

async function stateOf(file: string): Promise<unknown> {
  const json = await content(file).catch(() => undefined)
  return json && (json['state'] ?? 'confirmed')
}

async function assertPaired(file: string, credential: Credential, gateway: PairingGateway): Promise<void> {
  const assignment = gateway.assignments.at(-1)
  assert.ok(assignment)
  assert.ok(gateway.active)
  for (const one of [credential, await readCredential(file)]) {
    assert.equal(one.confirmed, true)
    assert.equal(one.gateway, home)
    assert.equal(one.pneId, assignment.pneId)
    assert.equal(one.realm, assignment.realm)
    assert.deepEqual(Buffer.from(one.secondSeed), assignment.secondSeed)
    assert.deepEqual(Buffer.from(one.euKey), assignment.euKey)
  }
  assert.deepEqual(Object.keys(await content(file)).sort(), credentialNames)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(dirname(file)), ['pne.json'])
}

test('pairing writes a credential that only its owner may read, and nothing else', async (t) => {
  const gateway = await PairingGateway.listen(t)
  const file = await newFile(t)
  const umask = process.umask(0)
  t.after(() => process.umask(umask))
  await assertPaired(file, await pair({ uri: gateway.uri, credentialFile: file }), gateway)
})

const stateAfterCut: Record<(typeof points)[number], string | undefined> = {
  connected: undefined,
  requested: undefined,
  offered: undefined,
  secured: 'pairing',
  'nonce received': 'pairing',
  assigned: 'unconfirmed',
  confirmed: 'unconfirmed',
  activated: 'unconfirmed',
}
for (const point of points) {
  test(`cut off when the gateway has ${point}: the file is ${stateAfterCut[point]}, and pairing again completes it`, async (t) => {
    const gateway = await PairingGateway.listen(t)
    const file = await newFile(t)
    gateway.cutAt = point
    await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }), { name: 'PneError' })
    assert.equal(await stateOf(file), stateAfterCut[point])
    if (stateAfterCut[point]) assert.equal((await stat(file)).mode & 0o777, 0o600)

    gateway.cutAt = 'end'
    await assertPaired(file, await pair({ uri: gateway.uri, credentialFile: file }), gateway)
    assert.equal(new Set(gateway.nonces).size, 1, 'one device nonce in all attempts')
    assert.equal(gateway.assignments.length, 1, 'one assignment in all attempts')
  })
}

test('cut off at every point, one after the other: still one nonce and one assignment', async (t) => {
  const gateway = await PairingGateway.listen(t)
  const file = await newFile(t)
  for (const point of points) {
    gateway.cutAt = point
    await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }), { name: 'PneError' })
  }
  gateway.cutAt = 'end'
  await assertPaired(file, await pair({ uri: gateway.uri, credentialFile: file }), gateway)
  assert.equal(new Set(gateway.nonces).size, 1)
})

const pairInChild = `
  import { pair } from '@opencpns/pne'
  const [uri, credentialFile] = process.argv.slice(1)
  await pair({ uri, credentialFile })
`
for (const point of ['secured', 'nonce received', 'assigned', 'confirmed'] as const) {
  test(`killed when the gateway has ${point}: pairing again completes it with the same assignment`, async (t) => {
    const gateway = await PairingGateway.listen(t)
    const file = await newFile(t)
    const child = spawn(process.execPath, ['--input-type=module', '-e', pairInChild, gateway.uri, file], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    })
    gateway.cutAt = point
    gateway.cut = () => child.kill('SIGKILL')
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')

    gateway.cutAt = 'end'
    const credential = await pair({ uri: gateway.uri, credentialFile: file })
    assert.equal(new Set(gateway.nonces).size, 1)
    assert.equal(gateway.assignments.length, 1)
    assert.deepEqual(Buffer.from(credential.euKey), gateway.assignments[0]?.euKey)
    assert.deepEqual(Object.keys(await content(file)).sort(), credentialNames)
  })
}

test('the device nonce is in the file before the gateway sees it, the keys before their confirmation', async (t) => {
  const gateway = await PairingGateway.listen(t)
  const file = await newFile(t)
  gateway.cutAt = 'nonce received'
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }))
  const { deviceNonce, ticketId } = await content(file)
  assert.equal(Buffer.from(String(deviceNonce), 'base64url').toString('hex'), gateway.nonces[0])
  assert.equal(ticketId, Buffer.from(gateway.ticket.ticketId).toString('base64url'))
  gateway.cutAt = 'confirmed'
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }))
  assert.equal((await readCredential(file)).confirmed, false)
})

test('a confirmed credential is never overwritten: CREDENTIAL_EXISTS, before any connection', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  await assert.rejects(pair({ uri: (await PairingGateway.listen(t)).uri, credentialFile: file.path }), {
    name: 'PneError',
    code: 'CREDENTIAL_EXISTS',
    message:
      `${file.path} already holds the credential of meter-017, assigned by ${home}: ` +
      'choose another file, or move this one away if the device shall be paired anew',
  })
  await file.assertUntouched()
})

test('an unfinished pairing with another ticket gives way, but only to a ticket that has proved good', async (t) => {
  for (const left of [unconfirmedFile, pairingFile()]) {
    const file = await credentialFile(t, left)
    const gateway = await PairingGateway.listen(t)
    gateway.secret = Buffer.alloc(32)
    await assert.rejects(pair({ uri: gateway.uri, credentialFile: file.path }), { code: 'AUTHENTICATION_FAILED' })
    await file.assertUntouched()
    gateway.secret = gateway.ticket.secret
    await assertPaired(file.path, await pair({ uri: gateway.uri, credentialFile: file.path }), gateway)
    assert.notEqual(gateway.nonces[0], Buffer.alloc(32, 3).toString('hex'))
  }
})

test('the same ticket id of another gateway is another ticket', async (t) => {
  const gateway = await PairingGateway.listen(t, { ticketId: Buffer.alloc(16, 1) })
  const file = await credentialFile(t, { ...pairingFile(), gateway: lobby })
  await assertPaired(file.path, await pair({ uri: gateway.uri, credentialFile: file.path }), gateway)
  assert.notEqual(gateway.nonces[0], Buffer.alloc(32, 3).toString('hex'))
})

function pairingFile() {
  const { type, version, gateway, ticketId, deviceNonce } = unconfirmedFile
  return { type, version, state: 'pairing', gateway, ticketId, deviceNonce }
}

test('a file that cannot be understood is not overwritten', async (t) => {
  const file = await credentialFile(t, 'not mine')
  await assert.rejects(pair({ uri: (await PairingGateway.listen(t)).uri, credentialFile: file.path }), {
    code: 'CREDENTIAL_CORRUPT',
  })
  await file.assertUntouched()
})

test('a folder that does not exist: CREDENTIAL_UNWRITABLE, and the gateway has seen no nonce', async (t) => {
  const gateway = await PairingGateway.listen(t)
  const file = join(await folder(t), 'none', 'pne.json')
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }), { code: 'CREDENTIAL_UNWRITABLE' })
  assert.deepEqual(gateway.nonces, [])
})

test('another device that used the ticket: TICKET_USED', async (t) => {
  const gateway = await PairingGateway.listen(t)
  await pair({ uri: gateway.uri, credentialFile: await newFile(t) })
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: await newFile(t) }), { code: 'TICKET_USED' })
})

const unknown = /^the gateway does not know this ticket, or it is not the gateway of the ticket: copy the whole URI/
const refusals: Record<string, (gateway: PairingGateway) => string | undefined> = {
  'a wrong secret': ({ ticket }) => formatPairingUri({ ...ticket, secret: Buffer.alloc(32) }),
  'an unknown ticket': ({ ticket }) => formatPairingUri({ ...ticket, ticketId: Buffer.alloc(16) }),
  'another gateway than that of the ticket': (gateway) => {
    gateway.offer = { gateway: lobby }
    return undefined
  },
  'a ticket of another gateway': ({ ticket }) => formatPairingUri({ ...ticket, gateway: lobby }),
}
for (const [what, prepare] of Object.entries(refusals)) {
  test(`${what}: AUTHENTICATION_FAILED, which says what to do, and no file`, async (t) => {
    const gateway = await PairingGateway.listen(t)
    const uri = prepare(gateway) ?? gateway.uri
    const file = await newFile(t)
    await assert.rejects(pair({ uri, credentialFile: file }), { code: 'AUTHENTICATION_FAILED', message: unknown })
    assert.equal(await stateOf(file), undefined)
    assert.deepEqual(gateway.nonces, [])
  })
}

test('a version that was not offered: PROTOCOL_VIOLATION', async (t) => {
  const gateway = await PairingGateway.listen(t)
  gateway.offer = { version: 2 }
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: await newFile(t) }), { code: 'PROTOCOL_VIOLATION' })
})

for (const [result, code] of [
  [Result.ticketUsed, 'TICKET_USED'],
  [Result.ticketExpired, 'TICKET_EXPIRED'],
  [Result.busy, 'BUSY'],
  [Result.serverUnreachable, 'SERVER_UNREACHABLE'],
  [Result.authenticationFailed, 'AUTHENTICATION_FAILED'],
  [Result.notPermitted, 'PROTOCOL_VIOLATION'],
] as const) {
  test(`result ${result} in the place of the assignment: ${code}, and the nonce stays for another attempt`, async (t) => {
    const gateway = await PairingGateway.listen(t)
    gateway.result = result
    const file = await newFile(t)
    await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }), { code })
    assert.equal(await stateOf(file), 'pairing')
  })
}

test('a result other than success at the end: the credential stays unconfirmed', async (t) => {
  const gateway = await PairingGateway.listen(t)
  gateway.finalResult = Result.serverUnreachable
  const file = await newFile(t)
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: file }), { code: 'SERVER_UNREACHABLE' })
  assert.equal(await stateOf(file), 'unconfirmed')
})

test('an expired ticket: TICKET_EXPIRED, before any connection', async (t) => {
  const gateway = await PairingGateway.listen(t, { expiresAtS: Math.floor(Date.now() / 1000) - 1 })
  gateway.cutAt = 'connected'
  await assert.rejects(pair({ uri: gateway.uri, credentialFile: await newFile(t) }), { code: 'TICKET_EXPIRED' })
})

test('what is not a pairing URI: BAD_PAIRING_URI, and the message tells no secret', async (t) => {
  const { uri, ticket } = await PairingGateway.listen(t)
  const file = await newFile(t)
  const secret = Buffer.from(ticket.secret).toString('base64url')
  for (const bad of ['', 'x', uri.slice(0, 40), uri.replace('g=home', 'g=-home'), uri.replace(/:\d+\?/, ':70000?')]) {
    await assert.rejects(
      pair({ uri: bad, credentialFile: file }),
      ({ name, code, message }: PneError) =>
        name === 'PneError' && code === 'BAD_PAIRING_URI' && !message.includes(secret),
    )
  }
})

/** Nobody listens there, and no system gives that port to anybody who asks for any. */
const nowhere = '127.0.0.1:1'

test('the addresses of the URI are tried in their order, the first that can be reached serves', async (t) => {
  const gateway = await PairingGateway.listen(t)
  const dead = [nowhere, '[::1]:1']
  const uri = formatPairingUri({ ...gateway.ticket, addresses: [...dead, ...gateway.ticket.addresses] })
  const file = await newFile(t)
  await assertPaired(file, await pair({ uri, credentialFile: file }), gateway)
})

test('none of the addresses can be reached: UNREACHABLE', async (t) => {
  const { ticket } = await PairingGateway.listen(t)
  const uri = formatPairingUri({ ...ticket, addresses: [nowhere] })
  await assert.rejects(pair({ uri, credentialFile: await newFile(t) }), { code: 'UNREACHABLE' })
})

test('a gateway that falls silent: DEADLINE_EXCEEDED; the signal of the caller: its reason', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const { uri } = new PairingGateway(address.port)
  const credentialFile = await newFile(t)
  await assert.rejects(pair({ uri, credentialFile, timeoutMs: 80 }), { code: 'DEADLINE_EXCEEDED' })
  await assert.rejects(pair({ uri, credentialFile, signal: AbortSignal.abort() }), { name: 'AbortError' })
})
