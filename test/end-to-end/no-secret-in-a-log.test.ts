// A whole story at --log-level trace: no key, seed, ticket or token of it is in anything that any command prints, but the ticket
// in what `gateway pair` shows. And each kind of refusal looks the same at the command line.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { type Address, formatHostPort } from '@opencpns/io'
import { connect, readCredential, TransientKeys } from '@opencpns/pne'
import { deriveGpskPsk, deriveLocalKey, parsePairingUri, peerIdentity } from '@opencpns/protocol'
import { openDataFolder, Registry } from '@opencpns/server'
import { findSecrets, type Secrets } from '../support/secrets.ts'
import { until } from '../support/until.ts'
import { addressOf, ProcessTown } from './town.ts'

let town: ProcessTown
let home: Address
let hotel: Address
const secrets: Record<string, Uint8Array> = {}
const refusals: { code: number | null; stdout: string; stderr: string }[] = []

const base64url = (text: unknown) => Buffer.from(String(text), 'base64url')
const json = async (name: string) => JSON.parse(await readFile(town.path(name), 'utf8'))

before(async () => {
  town = await ProcessTown.open('--log-level', 'trace')
  const server = await town.startServer()
  const cpns = addressOf(server, 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  const gateways = [await town.startGateway('home-gw', cpns), await town.startGateway('hotel-gw', cpns)]
  const [atHome, atHotel] = gateways.map((gateway) => addressOf(gateway, 'pne'))
  await town.haveServer('home-gw', 'hotel-gw')
  home = atHome as Address
  hotel = atHotel as Address

  await pairAndConnect()
  await beRefused()
  await operate()

  for (const running of [...gateways, server]) await running.stop()
  await gatherKeptSecrets()
})

after(() => town?.close())

const connecting = (gateway: Address, credential: string) =>
  town.attempt('pne', 'connect', formatHostPort(gateway), '--credential', town.path(credential), '--once')

async function pairAndConnect(): Promise<void> {
  for (const name of ['watch', 'lost']) {
    const { uri } = await town.run('gateway', 'pair', '--data', town.path('home-gw'), '--name', name)
    secrets[`ticket of ${name}`] = parsePairingUri(String(uri)).secret
    const credential = ['--credential', town.path(`${name}.json`)]
    await town.run('pne', 'pair', String(uri), ...credential)
    const again = await town.attempt('pne', 'pair', String(uri), '--credential', town.path('again.json'))
    assert.equal(again.code, 3, again.stderr)
  }
  for (const gateway of [home, hotel]) assert.equal((await connecting(gateway, 'watch.json')).code, 0)

  const transientKeys = new TransientKeys()
  const credential = await readCredential(town.path('watch.json'))
  for (let n = 0; n < 2; n++) await (await connect({ ...hotel, credential, transientKeys })).close()
  const held = transientKeys.find({ pne: peerIdentity(credential.secondSeed, credential.realm), ...hotel })
  assert.ok(held, 'the test knows the TK of the session')
  secrets['TK'] = held.key
}

const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64url')

async function beRefused(): Promise<void> {
  const watch = await json('watch.json')
  const guess = randomBytes(32)
  secrets['guessed EUKey'] = guess
  await writeFile(town.path('guess.json'), JSON.stringify({ ...watch, euKey: base64(guess) }), { mode: 0o600 })
  const stranger = { ...watch, secondSeed: base64(randomBytes(32)) }
  await writeFile(town.path('stranger.json'), JSON.stringify(stranger), { mode: 0o600 })
  const { pneId } = await json('lost.json')
  await town.run('admin', 'pne', 'revoke', pneId, '--data', town.path('server'))
  await until(async () => (await connecting(home, 'lost.json')).code !== 0)
  for (const name of ['guess', 'stranger', 'lost']) refusals.push(await connecting(hotel, `${name}.json`))
  assert.equal((await connecting(home, 'guess.json')).code, 3)
  // Errors about files, which hold what must not be told.
  await writeFile(town.path('broken.json'), JSON.stringify({ ...watch, version: 99 }), { mode: 0o600 })
  assert.equal((await connecting(home, 'broken.json')).code, 5)
  const uri = `cpns:127.0.0.1:1?g=home-gw@example.org&t=short&s=${base64(guess)}&x=1`
  assert.equal((await town.attempt('pne', 'pair', uri, '--credential', town.path('never.json'))).code, 2)
}

async function operate(): Promise<void> {
  const at = ['--data', town.path('server')]
  for (const list of [['user'], ['gateway'], ['pne'], ['event']]) await town.run('admin', ...list, 'list', ...at)
  await town.run('admin', 'pne', 'show', 'watch', ...at)
  assert.equal((await town.attempt('admin', 'user', 'add', 'alice', ...at)).code, 2)
}

/** What the parties keep in their folders, opened with their own keys. */
async function gatherKeptSecrets(): Promise<void> {
  for (const name of ['home-gw', 'hotel-gw']) {
    secrets[`secret of ${name}`] = base64url((await json(`${name}.json`)).secret)
    secrets[`storage key of ${name}`] = await readFile(town.path(`${name}/storage.key`))
  }
  secrets['master key'] = base64url(await readFile(town.path('server/master.key'), 'utf8'))
  secrets['admin token'] = base64url(await readFile(town.path('server/admin.token'), 'utf8'))
  const { store, vault, realm } = await openDataFolder(town.path('server'))
  const registry = new Registry({ store, vault, realm })
  secrets['challenge key'] = vault.challengeKey()
  for (const name of ['watch', 'lost']) {
    const { secondSeed, euKey } = await readCredential(town.path(`${name}.json`))
    const peer = await registry.findPeer(secondSeed)
    assert.ok(peer, 'the server knows it')
    secrets['1st seed of alice'] = peer.firstSeed
    secrets[`EUKey of ${name}`] = euKey
    secrets[`GPSK PSK of ${name}`] = deriveGpskPsk(euKey)
    secrets[`local session key of ${name}`] = deriveLocalKey(euKey)
  }
  registry.close()
  await store.close()
}

/** All that was printed, but the ticket where it is meant to be seen. */
function printed(): Buffer {
  const pieces = town.machine.said.filter(
    ({ command, stream }) => !(command.startsWith('gateway pair') && stream === 'stdout'),
  )
  return Buffer.concat(pieces.map(({ octets }) => octets))
}

test('nothing that any command printed holds a secret', () => {
  assert.ok(Object.keys(secrets).length >= 18, Object.keys(secrets).join(', '))
  assert.deepEqual(findSecrets(printed(), secrets), [])
})

test('what was searched is the whole story', () => {
  const text = printed().toString()
  for (const said of [
    '"event":"ready"',
    '"event":"server-started"',
    '"event":"link-connected"',
    '"event":"server-connected"',
    '"event":"authentication"',
    '"event":"pairing"',
    '"event":"revocations"',
    '"result":"authentication-failed"',
    '"case":"local"',
    '"case":"remote"',
    'PNE_REVOKED',
    'UNKNOWN_PNE',
    'not a pairing URI',
  ]) {
    assert.ok(text.includes(said), `nobody said ${said}`)
  }
})

test('the search finds a secret in each spelling, wherever it stands', () => {
  const planted: Secrets = { key: randomBytes(32) }
  const { key = Buffer.of() } = planted
  const around = (spelled: string | Uint8Array) => Buffer.concat([printed(), Buffer.from(spelled), printed()])
  const spelled: [string, string | Uint8Array][] = [
    ['octets', key],
    ['hex', Buffer.from(key).toString('hex')],
    ['hex', Buffer.from(key).toString('hex').toUpperCase()],
    ['hex', inspect(Buffer.from(key), { maxArrayLength: 100 })],
    ['base64', Buffer.from(key).toString('base64')],
    ['base64url', base64(key)],
    ['numbers', JSON.stringify(Buffer.from(key))],
    ['numbers', String([...key].join(', '))],
    ['an object of numbers', JSON.stringify(new Uint8Array(key))],
    ...[1, 2, 3, 4].flatMap((before): [string, string][] => {
      const inside = Buffer.concat([randomBytes(before), key, randomBytes(5)])
      return [
        ['base64', inside.toString('base64')],
        ['base64url', inside.toString('base64url')],
      ]
    }),
  ]
  for (const [spelling, text] of spelled) {
    assert.ok(findSecrets(around(text), planted).includes(`key as ${spelling}`), `${spelling} is not found: ${text}`)
  }
  assert.deepEqual(findSecrets(printed(), planted), [])
})

test('a wrong EUKey, an unknown device and a revoked one are told the same, with exit code 3', () => {
  assert.equal(refusals.length, 3)
  for (const refusal of refusals) assert.deepEqual(withoutStack(refusal), withoutStack(refusals[0]))
  assert.equal(refusals[0]?.code, 3)
  assert.equal(JSON.parse(refusals[0]?.stdout ?? '').result, 'authentication-failed')
})

/** At `trace` an error comes with its stack trace, and its cause tells the owner of the device more. */
function withoutStack(refusal: (typeof refusals)[number] | undefined) {
  return { ...refusal, stderr: refusal?.stderr.split('\n')[0] }
}
