// RADIUS over TLS on loopback, with a throw-away CA by the openssl command.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, createServer } from 'node:tls'
import { RadiusClient, type TlsClientOptions } from '../src/client/client.ts'
import { Code, decodePacket, encodePacket } from '../src/packet.ts'
import { encodeRequest } from '../src/request.ts'
import { checkResponse, type Response } from '../src/response.ts'
import { State, UserName } from '../src/rfc2865.ts'
import { SharedSecret } from '../src/secret.ts'
import type { RequestContext } from '../src/server/exchange.ts'
import { createRadiusServer, type RadiusServerOptions } from '../src/server/server.ts'
import type { TlsOptions } from '../src/server/tls.ts'
import { attributes, until } from './helpers.ts'

const host = '127.0.0.1'
const accept: Response = { code: Code.AccessAccept, attributes: [] }
const folder = mkdtempSync(join(tmpdir(), 'radius-tls-'))
after(() => rmSync(folder, { recursive: true }))

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
}

function authority(name: string): string {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  )
  return readFileSync(join(folder, `${name}.pem`), 'utf8')
}

function certificate(name: string, issuer: string, subjectAltName: string) {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=${subjectAltName}`,
    '-addext',
    'basicConstraints=CA:FALSE',
    '-CA',
    `${issuer}.pem`,
    '-CAkey',
    `${issuer}.key`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  )
  const read = (suffix: string) => readFileSync(join(folder, `${name}.${suffix}`), 'utf8')
  return { cert: read('pem'), key: read('key') }
}

const ca = authority('ca')
const otherCa = authority('other-ca')
const serverCertificate = certificate('radius.example.org', 'ca', 'DNS:radius.example.org')
const clientCertificate = certificate('ap1.example.org', 'ca', 'DNS:ap1.example.org')
const strangerCertificate = certificate('stranger.example.org', 'other-ca', 'DNS:stranger.example.org')

async function serve(t: TestContext, options: Partial<RadiusServerOptions & TlsOptions> = {}) {
  const server = createRadiusServer({ clients: () => undefined, handle: () => accept, ...options })
  t.after(() => server.close({ graceMs: 0 }))
  const { port } = await server.listenTls({ host, port: 0, ca, ...serverCertificate, ...options })
  return { server, port }
}

function connect(
  t: TestContext,
  port: number,
  tls: Partial<TlsClientOptions['tls']> = {},
  options: Partial<TlsClientOptions> = {},
): RadiusClient {
  const credentials = { ca, ...clientCertificate, serverName: 'radius.example.org', ...tls }
  const client = new RadiusClient({ host, port, tls: credentials, ...options })
  t.after(() => client.close())
  return client
}

/** A bare TLS connection with the certificate of a client. */
async function bareConnection(t: TestContext, port: number, options: ConnectionOptions = {}) {
  const socket = connectTls({ host, port, ca, ...clientCertificate, servername: 'radius.example.org', ...options })
  t.after(() => socket.destroy())
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return { socket, received, closed: once(socket, 'close') }
}

const request = (identifier = 1) => encodeRequest(Code.AccessRequest, identifier, attributes, SharedSecret.radsec)

test('a request is answered, and the handler learns whose certificate it was', async (t) => {
  const contexts: RequestContext[] = []
  const { port } = await serve(t, {
    handle(_request, context) {
      contexts.push(context)
      return accept
    },
  })
  assert.equal((await connect(t, port).request(attributes)).code, Code.AccessAccept)
  const [context] = contexts
  assert.equal(context?.transport, 'tls')
  assert.equal(context?.address, host)
  assert.equal(context?.client.name, 'ap1.example.org')
  assert.equal(context?.certificate?.commonName, 'ap1.example.org')
  assert.equal(context?.certificate?.subjectAltName, 'DNS:ap1.example.org')
  assert.match(context?.certificate?.fingerprint256 ?? '', /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
})

test('many requests are in flight on one connection', async (t) => {
  const ports = new Set<number>()
  const { port } = await serve(t, {
    async handle(packet, context) {
      ports.add(context.port)
      await new Promise(setImmediate)
      return {
        code: Code.AccessChallenge,
        attributes: [State.of(Buffer.from(UserName.find(packet.attributes) as string))],
      }
    },
  })
  const client = connect(t, port)
  const names = Array.from({ length: 200 }, (_, i) => `user${i}`)
  const answers = await Promise.all(names.map((name) => client.request([UserName.of(name)])))
  assert.deepEqual(
    answers.map((answer) => String(State.find(answer.attributes))),
    names,
  )
  assert.equal(ports.size, 1)
})

test('the MSK comes through', async (t) => {
  const msk = Buffer.alloc(64, 'msk')
  const { port } = await serve(t, { handle: () => ({ ...accept, msk }) })
  assert.deepEqual((await connect(t, port).request(attributes)).msk, msk)
})

test('Status-Server is answered', async (t) => {
  const { port } = await serve(t)
  await connect(t, port).status()
})

test('a client with a certificate of another CA is not served', async (t) => {
  const { server, port } = await serve(t)
  await assert.rejects(connect(t, port, strangerCertificate).request(attributes), { code: 'RADIUS_UNREACHABLE' })
  assert.equal(server.counters().received, 0)
})

test('a client without a certificate is not served', async (t) => {
  const { server, port } = await serve(t)
  const socket = connectTls({ host, port, ca, servername: 'radius.example.org' })
  t.after(() => socket.destroy())
  socket.on('secureConnect', () => socket.write(request().octets))
  socket.on('data', () => assert.fail('it was answered'))
  await once(socket, 'error')
  assert.equal(server.counters().received, 0)
})

test('a client that is not authorized is not served', async (t) => {
  const { server, port } = await serve(t, { authorize: ({ commonName }) => commonName !== 'ap1.example.org' })
  await assert.rejects(connect(t, port).request(attributes), { code: 'RADIUS_UNREACHABLE' })
  assert.equal(server.counters().received, 0)
})

test('who authorizes a client may take its time, and give it its name', async (t) => {
  let name: string | undefined
  const authorize = async ({ commonName }: { commonName: string | undefined }) => `client ${commonName}`
  const { port } = await serve(t, {
    authorize,
    handle(_request, { client }) {
      name = client.name
      return accept
    },
  })
  await connect(t, port).request(attributes)
  assert.equal(name, 'client ap1.example.org')
})

test('a client is refused when who authorizes it fails', async (t) => {
  const { server, port } = await serve(t, { authorize: () => Promise.reject(new Error('no store')) })
  await assert.rejects(connect(t, port).request(attributes), { code: 'RADIUS_UNREACHABLE' })
  assert.equal(server.counters().received, 0)
})

test('a look-up that does not end does not keep the connection', async (t) => {
  const { port } = await serve(t, { authorize: () => new Promise<boolean>(() => {}), idleTimeoutMs: 50 })
  const { closed } = await bareConnection(t, port)
  await closed
})

test('TLS 1.1 is not spoken', async (t) => {
  const { port } = await serve(t)
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const socket = connectTls({ host, port, ca, ...clientCertificate, servername: 'radius.example.org', ...old })
  await assert.rejects(once(socket, 'secureConnect'), { code: /SSL/ })
})

test('the client refuses a server of another CA or another name', async (t) => {
  const { server, port } = await serve(t)
  await assert.rejects(connect(t, port, { ca: otherCa }).request(attributes), { code: 'RADIUS_UNREACHABLE' })
  await assert.rejects(connect(t, port, { serverName: 'other.example.org' }).request(attributes), {
    code: 'RADIUS_UNREACHABLE',
  })
  assert.equal(server.counters().received, 0)
})

test('a request in pieces of one octet is answered', async (t) => {
  const { port } = await serve(t)
  const { socket, received } = await bareConnection(t, port)
  socket.setNoDelay(true)
  const sent = request()
  for (const octet of sent.octets) socket.write(Buffer.of(octet))
  await until(() => received.length > 0, 'it is answered')
  checkResponse(decodePacket(Buffer.concat(received)), sent, SharedSecret.radsec)
})

const lengthOf = (length: number) => Buffer.from([1, 1, length >> 8, length & 0xff])
const offensive: [string, Buffer][] = [
  ['a Length of 19', lengthOf(19)],
  ['a Length of 4097', lengthOf(4097)],
  ['an attribute of length 0', Buffer.concat([Buffer.from([1, 1, 0, 22]), Buffer.alloc(16), Buffer.from([1, 0])])],
  ['an Access-Accept', encodePacket({ code: Code.AccessAccept, identifier: 1, authenticator: Buffer.alloc(16) }, [])],
  [
    'a request without Message-Authenticator',
    encodePacket({ code: 1, identifier: 1, authenticator: Buffer.alloc(16) }, attributes),
  ],
  ['a request of another secret', encodeRequest(Code.AccessRequest, 1, attributes, SharedSecret.of('other')).octets],
]
for (const [what, octets] of offensive) {
  test(`RFC 6613 section 2.6.4: ${what} closes the connection`, async (t) => {
    const { server, port } = await serve(t)
    const { socket, received, closed } = await bareConnection(t, port)
    socket.write(octets)
    await closed
    assert.deepEqual(received, [])
    assert.equal(server.counters().answered, 0)
  })
}

test('a packet that does not come to its end closes the connection', async (t) => {
  const { port } = await serve(t, { packetTimeoutMs: 100 })
  const { socket, closed } = await bareConnection(t, port)
  socket.write(request().octets.subarray(0, 30))
  await closed
})

test('an idle connection is closed', async (t) => {
  const { port } = await serve(t, { idleTimeoutMs: 50 })
  const { closed } = await bareConnection(t, port)
  await closed
})

test('a connection above the bound is closed', async (t) => {
  const { port } = await serve(t, { maxConnections: 1 })
  await bareConnection(t, port)
  await assert.rejects(connect(t, port).request(attributes), { code: 'RADIUS_UNREACHABLE' })
})

test('a server that does not answer counts as dead: the next request connects anew', async (t) => {
  let connections = 0
  const silent = createServer({ ...serverCertificate, ca, requestCert: true }, (socket) => {
    connections++
    socket.on('error', () => {}).resume()
  })
  silent.listen(0, host)
  await once(silent, 'listening')
  t.after(() => silent.close())
  const { port } = silent.address() as { port: number }
  const client = connect(t, port, {}, { timeoutMs: 20 })
  await assert.rejects(client.request(attributes), { code: 'RADIUS_NO_ANSWER' })
  await assert.rejects(client.request(attributes), { code: 'RADIUS_NO_ANSWER' })
  assert.equal(connections, 2)
})

test('a connection that breaks fails what is in flight; the next request connects anew', async (t) => {
  const hanging = new Promise<Response>(() => {})
  let answer: () => Response | Promise<Response> = () => hanging
  const first = await serve(t, { handle: () => answer() })
  const client = connect(t, first.port)
  const inFlight = client.request(attributes)
  await until(() => first.server.counters().received === 1, 'it has come')
  const broken = assert.rejects(inFlight, { code: 'RADIUS_UNREACHABLE' })
  await first.server.close({ graceMs: 0 })
  await broken
  answer = () => accept
  await first.server.listenTls({ host, port: first.port, ca, ...serverCertificate })
  assert.equal((await client.request(attributes)).code, Code.AccessAccept)
})

test('a certificate that is none cannot be listened with', async (t) => {
  await assert.rejects(serve(t, { cert: 'no certificate' }), { name: 'RadiusError', code: 'RADIUS_LISTEN_FAILED' })
})
