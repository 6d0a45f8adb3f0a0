// TLS 1.3 with an external PSK on a connection in use: docs/protocol.md section 5.3.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, createSecureContext, TLSSocket } from 'node:tls'
import { acceptTlsPsk, connectTlsPsk, FrameLink, type TlsPskOptions, tlsFacts } from '../src/index.ts'
import { closed, nothingHeld, serve, socketPair } from './support.ts'

const options: TlsPskOptions = { identity: 'c2Vzc2lvbg', psk: Buffer.alloc(32, 7), alpn: 'test/1', timeoutMs: 30_000 }
const OPENSSL = process.env['OPENSSL'] ?? 'openssl'
const refused = { name: 'IoError', code: 'TLS_REFUSED' }

function handshake(
  [server, client]: readonly [Socket, Socket],
  ours: Partial<TlsPskOptions> & { alpnOptional?: boolean } = {},
  theirs: Partial<TlsPskOptions> = {},
) {
  return [acceptTlsPsk(server, { ...options, ...ours }), connectTlsPsk(client, { ...options, ...theirs })] as const
}

/** A client that is not ours: no ALPN unless given. */
function foreignClient(socket: Socket, { alpn, certificate = false }: { alpn?: string; certificate?: boolean } = {}) {
  const { psk, identity } = options
  const tls = connect({
    socket,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
    ...(certificate ? {} : { pskCallback: () => ({ psk, identity }) }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
  })
  return tls.on('error', () => {})
}

async function bothRefuse(pair: readonly [Socket, Socket], attempts: readonly Promise<TLSSocket>[]): Promise<void> {
  for (const attempt of attempts) await assert.rejects(attempt, refused)
  await Promise.all(pair.map(closed))
}

test('both sides agree on TLS 1.3, the post-quantum group, and the ALPN protocol', async (t) => {
  const [server, client] = await Promise.all(handshake(await socketPair(t)))
  assert.deepEqual(tlsFacts(client), {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    group: 'X25519MLKEM768',
  })
  assert.equal(tlsFacts(server).version, 'TLSv1.3')
  assert.deepEqual([server.alpnProtocol, client.alpnProtocol], ['test/1', 'test/1'])
})

test('a link is upgraded in place after frames in the clear, and carries frames again', async (t) => {
  const [a, b] = await socketPair(t)
  const limits = { timeoutMs: 30_000 }
  const frames = { maxFrameOctets: 100 }
  const gateway = async () => {
    const clear = new FrameLink(a, frames)
    await clear.receive(limits)
    await clear.send(Buffer.from('offer'))
    const inside = new FrameLink(await acceptTlsPsk(clear.release(), options), frames)
    await inside.send(Buffer.from('welcome'))
  }
  const device = async () => {
    const clear = new FrameLink(b, frames)
    await clear.send(Buffer.from('request'))
    await clear.receive(limits)
    const inside = new FrameLink(await connectTlsPsk(clear.release(), options), frames)
    return (await inside.receive(limits)).toString()
  }
  assert.equal((await Promise.all([device(), gateway()]))[0], 'welcome')
})

test('a wrong PSK is refused on both sides', async (t) => {
  const pair = await socketPair(t)
  await bothRefuse(pair, handshake(pair, {}, { psk: Buffer.alloc(32, 8) }))
})

test('an identity that differs in one character, in case or in length is refused on both sides', async (t) => {
  for (const identity of ['c2Vzc2lvbh', 'C2Vzc2lvbg', 'c2Vzc2lvb', 'c2Vzc2lvbgg']) {
    const pair = await socketPair(t)
    await bothRefuse(pair, handshake(pair, {}, { identity }))
  }
})

test('another ALPN protocol is refused on both sides', async (t) => {
  const pair = await socketPair(t)
  await bothRefuse(pair, handshake(pair, { alpnOptional: true }, { alpn: 'test/2' }))
})

test('a client without ALPN is refused, unless it is allowed', async (t) => {
  const [a, b] = await socketPair(t)
  foreignClient(b)
  await assert.rejects(acceptTlsPsk(a, options), refused)
  const [c, d] = await socketPair(t)
  foreignClient(d)
  const tls = await acceptTlsPsk(c, { ...options, alpnOptional: true })
  assert.equal(tls.alpnProtocol, false)
})

test('a server without ALPN is refused', async (t) => {
  const [a, b] = await socketPair(t)
  const server = { isServer: true, minVersion: 'TLSv1.3' as const, pskCallback: () => options.psk }
  new TLSSocket(a, server).on('error', () => {})
  await assert.rejects(connectTlsPsk(b, options), refused)
})

test('a client without the PSK is refused', async (t) => {
  const [a, b] = await socketPair(t)
  foreignClient(b, { alpn: 'test/1', certificate: true })
  await assert.rejects(acceptTlsPsk(a, options), refused)
})

test('a server that has a certificate instead of the PSK is refused', async (t) => {
  const made = spawnSync(OPENSSL, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', '/CN=localhost', '-keyout', '-', '-out', '-', '-days', '1'],
  ])
  if (made.error) return t.skip('openssl is not installed: apt-get install openssl')
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0' // even where every certificate is good
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  const [a, b] = await socketPair(t)
  const secureContext = createSecureContext({ key: made.stdout, cert: made.stdout })
  new TLSSocket(a, { isServer: true, secureContext, ALPNProtocols: ['test/1'] }).on('error', () => {})
  await assert.rejects(connectTlsPsk(b, options), { ...refused, message: /did not use the pre-shared key/ })
})

test('TLS 1.2 is refused', async (t) => {
  const [a, b] = await socketPair(t)
  const { psk, identity } = options
  const old = { maxVersion: 'TLSv1.2' as const, minVersion: 'TLSv1.2' as const, ciphers: 'PSK-AES128-GCM-SHA256' }
  connect({ socket: b, ...old, pskCallback: () => ({ psk, identity }) }).on('error', () => {})
  await assert.rejects(acceptTlsPsk(a, options), refused)
})

test('garbage instead of TLS is refused, at each side', async (t) => {
  for (const start of [acceptTlsPsk, connectTlsPsk]) {
    const [ours, theirs] = await socketPair(t)
    const attempt = start(ours, options)
    theirs.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await assert.rejects(attempt, refused)
    await closed(theirs)
  }
})

test('the alert of the refusal reaches the client before the end', async (t) => {
  const pair = await socketPair(t)
  const [accepting, connecting] = handshake(pair, {}, { psk: Buffer.alloc(32, 8) })
  accepting.catch(() => {})
  await assert.rejects(connecting, (error: Error) => /ALERT/.test((error.cause as { code: string }).code))
})

test('a silent client, a silent server, and one that dribbles meet the deadline', async (t) => {
  for (const start of [acceptTlsPsk, connectTlsPsk]) {
    const [ours, theirs] = await socketPair(t)
    const header = Buffer.from('16030100ff010000fb', 'hex')
    let sent = 0
    const dribble = setInterval(() => theirs.write(header.subarray(sent, ++sent)), 20)
    await assert.rejects(start(ours, { ...options, timeoutMs: 150 }), { code: 'DEADLINE_EXCEEDED' })
    clearInterval(dribble)
    theirs.destroy()
    await Promise.all([closed(ours), closed(theirs)])
  }
  await nothingHeld()
})

test('the signal ends the handshake and frees all that it held', async (t) => {
  for (const start of [acceptTlsPsk, connectTlsPsk]) {
    const [ours, theirs] = await socketPair(t)
    const controller = new AbortController()
    const attempt = start(ours, { ...options, timeoutMs: 60_000, signal: controller.signal })
    controller.abort()
    await assert.rejects(attempt, { code: 'ABORTED' })
    theirs.destroy()
    await Promise.all([closed(ours), closed(theirs)])
  }
  await nothingHeld()
})

test('a connection that ends within the handshake, or ended before, is refused', async (t) => {
  const [a, b] = await socketPair(t)
  const attempt = acceptTlsPsk(a, options)
  b.end()
  await assert.rejects(attempt, refused)
  await assert.rejects(acceptTlsPsk(a, options), refused)
  const [c, d] = await socketPair(t)
  const other = connectTlsPsk(c, options)
  d.resetAndDestroy()
  await assert.rejects(other, refused)
})

test('octets that are no TLS right behind a good handshake end the connection, not the process', async (t) => {
  const [a, b] = await socketPair(t)
  const accepting = acceptTlsPsk(a, options)
  const client = foreignClient(b, { alpn: 'test/1' })
  client.once('secureConnect', () => setImmediate(() => b.write(Buffer.alloc(100, 0xff))))
  const tls = await accepting
  await closed(tls.resume())
})

test('a socket leaves a finished handshake with no listener but those that swallow errors', async (t) => {
  const pair = await socketPair(t)
  const [server] = await Promise.all(handshake(pair))
  const client = new TLSSocket((await socketPair(t))[0], { isServer: true })
  for (const event of ['secure', 'close', 'error']) {
    const swallow = event === 'error' ? 1 : 0
    assert.equal(server.listenerCount(event), client.listenerCount(event) + swallow, event)
  }
})

test('no session ticket is sent: nothing comes after the handshake but what is written', async (t) => {
  const pair = await socketPair(t)
  const [accepting, connecting] = handshake(pair)
  const client = await connecting
  client.on('session', () => assert.fail('a session ticket came'))
  const before = pair[1].bytesRead
  const server = await accepting
  server.write('x')
  await once(client, 'data')
  const record = 5 + 1 + 1 + 16 // header, octet, content type, tag
  assert.equal(pair[1].bytesRead - before, record)
})

test('openssl s_client, with the PSK, gets in and sees no session ticket', async (t) => {
  const output = await openssl(t, options.psk)
  if (output === undefined) return t.skip('openssl is not installed: apt-get install openssl')
  assert.match(output, /TLSv1\.3, Cipher is TLS_(AES_128_GCM|CHACHA20_POLY1305)_SHA256/)
  assert.match(output, /hello from the service/)
  assert.doesNotMatch(output, /New Session Ticket/i)
})

test('openssl s_client with another PSK is refused', async (t) => {
  const output = await openssl(t, Buffer.alloc(32, 9))
  if (output === undefined) return t.skip('openssl is not installed: apt-get install openssl')
  assert.doesNotMatch(output, /hello from the service/)
})

/** What `openssl s_client` says of our server, which greets and ends; undefined where there is no openssl. */
async function openssl(t: TestContext, psk: Uint8Array): Promise<string | undefined> {
  const { port } = await serve(t, (socket) => {
    acceptTlsPsk(socket, options).then(
      (tls) => tls.end('hello from the service\n'),
      () => {},
    )
  })
  const hex = Buffer.from(psk).toString('hex')
  const client = spawn(OPENSSL, [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-alpn', options.alpn],
    ...['-psk_identity', options.identity, '-psk', hex],
  ])
  client.stdin.on('error', () => {})
  try {
    await once(client, 'spawn')
  } catch {
    return undefined
  }
  const output: Buffer[] = []
  for (const stream of [client.stdout, client.stderr]) stream.on('data', (chunk) => output.push(chunk))
  await once(client, 'close')
  return Buffer.concat(output).toString()
}
