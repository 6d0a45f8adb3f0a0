// RADIUS over TLS: whose certificate is let in. What goes over it is proved in radius.test.ts.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { deriveEuKey } from '@opencpns/protocol'
import { Code, RadiusClient } from '@opencpns/radius'
import { initDataFolder, openDataFolder, Registry, type RunningServer, runServer } from '../../src/index.ts'
import { temporaryFolder } from '../temp-folder.ts'
import { type Pne, Station } from './station.ts'

const REALM = 'example.org'
const anyPort = { host: '127.0.0.1', port: 0 }
const folder = temporaryFolder({ after })
const dataDir = `${folder}/server`
const refused: string[] = []
const warn = ({ event }: { event?: string }) => void (event && refused.push(event))
const logger = { debug() {}, info() {}, warn, error() {} }
const clients: RadiusClient[] = []
let server: RunningServer
let pne: Pne

before(async () => {
  openssl('-subj', '/CN=CA', '-keyout', `${folder}/ca.key`, '-out', `${folder}/ca.pem`)
  await initDataFolder(dataDir, { realm: REALM })
  pne = await withRegistry(async (registry) => {
    await registry.addUser('alice')
    for (const name of ['hub', 'gone', 'leaving']) await registry.addGateway({ name, user: 'alice' })
    await registry.addGateway({ name: 'ap', user: 'alice', radius: '192.0.2.1' })
    await registry.revokeGateway(`gone@${REALM}`)
    const of = { gatewayIdentity: `hub@${REALM}`, secondSeed: randomBytes(32) }
    const { firstSeed } = await registry.assignPne(of)
    await registry.confirmPne(of)
    return { secondSeed: of.secondSeed, euKey: deriveEuKey({ firstSeed, secondSeed: of.secondSeed, realm: REALM }) }
  })
  const radsec = { ...anyPort, ...certificate('server', 'IP:127.0.0.1') }
  server = await runServer({ dataDir, listen: anyPort, admin: anyPort, radsec, logger })
})

after(async () => {
  for (const client of clients) client.close()
  await server.close({ graceMs: 100 })
})

async function withRegistry<T>(act: (registry: Registry) => Promise<T>): Promise<T> {
  const { store, vault, realm } = await openDataFolder(dataDir)
  try {
    return await act(new Registry({ store, vault, realm }))
  } finally {
    await store.close()
  }
}

function openssl(...args: string[]): void {
  const key = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' ')
  execFileSync('openssl', [...key, ...args], { stdio: 'ignore' })
}

/** Of a CA that the server trusts. */
function certificate(commonName: string, subjectAltName: string) {
  const [key, cert] = [`${folder}/one.key`, `${folder}/one.pem`]
  const extensions = ['-addext', `subjectAltName=${subjectAltName}`, '-addext', 'basicConstraints=CA:FALSE']
  const ca = ['-CA', `${folder}/ca.pem`, '-CAkey', `${folder}/ca.key`]
  openssl('-subj', `/CN=${commonName}`, ...extensions, ...ca, '-keyout', key, '-out', cert)
  const read = (path: string) => readFileSync(path, 'utf8')
  return { cert: read(cert), key: read(key), ca: read(`${folder}/ca.pem`) }
}

/** @param timeoutMs  by default, only a fault takes so long */
function client(commonName: string, subjectAltName = 'DNS:none.invalid', timeoutMs = 30_000): RadiusClient {
  const { host, port } = server.addresses.radsec ?? assert.fail('no door')
  const made = new RadiusClient({ host, port, tls: certificate(commonName, subjectAltName), timeoutMs })
  clients.push(made)
  return made
}

const accepted: [string, string, string?][] = [
  ['the NAME of a gateway as CN', 'hub'],
  ['the identity of a gateway as CN', `hub@${REALM}`],
  ['the NAME of a gateway among its DNS names', 'Somebody', 'DNS:other.invalid,DNS:hub'],
  ['the NAME of a RADIUS gateway', 'ap'],
]
for (const [what, commonName, names] of accepted) {
  test(`a certificate with ${what} is let in`, async () => {
    const station = new Station(client(commonName, names), pne)
    const answer = await station.run()
    assert.equal(answer.code, Code.AccessAccept)
    assert.deepEqual(answer.msk, station.peer.keys?.msk)
  })
}

const strangers: [string, string, string?][] = [
  ['no name of ours', 'nobody'],
  ['the NAME of a revoked gateway', 'gone'],
  ['the identity of a gateway in another realm', 'hub@example.net'],
  ['a NAME in capitals', 'HUB'],
  ['a NAME that only begins like one', 'hub.example.org', 'DNS:hub.example.org'],
  ['a NAME as another kind of name', 'nobody', 'URI:hub,email:hub@example.org'],
]
for (const [what, commonName, names] of strangers) {
  test(`a certificate with ${what} is refused, and the operator is told`, async () => {
    refused.length = 0
    await assert.rejects(new Station(client(commonName, names), pne).begin(), { code: 'RADIUS_UNREACHABLE' })
    assert.deepEqual(refused, ['radsec-refused'])
  })
}

test('a connection that stands is not answered once its gateway is revoked', async () => {
  const leaving = new Station(client('leaving', 'DNS:leaving', 5000), pne)
  const first = await leaving.begin()
  await withRegistry((registry) => registry.revokeGateway(`leaving@${REALM}`))
  await assert.rejects(leaving.ask(leaving.reply(first), first), { code: 'RADIUS_NO_ANSWER' })
})

test('a certificate that is none cannot be served with, and the option is told', async () => {
  const other = `${folder}/other`
  await initDataFolder(other, { realm: REALM })
  const radsec = { ...anyPort, cert: 'none', key: 'none', ca: 'none' }
  const starting = runServer({ dataDir: other, listen: anyPort, admin: anyPort, radsec })
  await assert.rejects(starting, { code: 'LISTEN_FAILED', message: /--radsec/ })
})
