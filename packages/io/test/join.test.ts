import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { Duplex, type Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { connectTcp, join, listenTcp, reset } from '../src/index.ts'

const limits = { timeoutMs: 30_000 }

/** Both ends of a connection, which may be half open. */
async function connection(t: TestContext): Promise<[Socket, Socket]> {
  const accepted = Promise.withResolvers<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, accepted.resolve)
  const { host, port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  const near = await connectTcp({ host, port, ...limits })
  near.allowHalfOpen = true
  const far = (await accepted.promise).on('error', () => {})
  t.after(() => {
    server.close()
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

async function all(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A stream that is no socket: what is written comes out of `written`, what is pushed is read. */
function plainDuplex() {
  const written: Buffer[] = []
  const write = (chunk: Buffer, _: string, done: () => void) => {
    written.push(Buffer.from(chunk))
    done()
  }
  return { written, stream: new Duplex({ read() {}, write, autoDestroy: true }) }
}

test('octets of all sizes arrive in their order, both ways, and each direction ends by itself', async (t) => {
  const [client, a] = await connection(t)
  const [b, service] = await connection(t)
  const joined = join(a, b)
  const sizes = [1, 100, 16_383, 16_384, 16_385, 70_000, 300_000, 2_000_000, 5]
  const sent = sizes.map((size) => randomBytes(size))
  const there = all(service)
  for (const chunk of sent) client.write(chunk)
  client.end()
  assert.ok((await there).equals(Buffer.concat(sent)))
  const back = all(client)
  for (const chunk of sent) service.write(chunk)
  service.end()
  assert.ok((await back).equals(Buffer.concat(sent)))
  await joined
})

test('what a socket holds already comes first', async (t) => {
  const [client, a] = await connection(t)
  const [b, service] = await connection(t)
  client.write('first, ')
  await once(a, 'readable')
  a.unshift('zeroth, ')
  void join(a, b)
  client.end('second')
  assert.equal(String(await all(service)), 'zeroth, first, second')
})

test('many connections, which share their buffers, do not mix what they carry', async (t) => {
  const pairs = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const [client, a] = await connection(t)
      const [b, service] = await connection(t)
      void join(a, b)
      return { client, service, octets: randomBytes(700_000) }
    }),
  )
  const heard = await Promise.all(
    pairs.map(({ client, service, octets }) => {
      client.end(octets)
      return all(service)
    }),
  )
  for (const [at, { octets }] of pairs.entries()) assert.ok(heard[at]?.equals(octets), `connection ${at}`)
})

test('a slow reader makes the writer wait, and still gets everything', async (t) => {
  const [client, a] = await connection(t)
  const [b, service] = await connection(t)
  void join(a, b)
  service.pause()
  const octets = randomBytes(30_000_000)
  client.end(octets)
  let carried = -1
  while (b.bytesWritten !== carried) {
    carried = b.bytesWritten
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(b.writableLength < 1_000_000, `${b.writableLength} octets wait in memory`)
  assert.ok(a.bytesRead < octets.length, 'the writer waits')
  assert.ok((await all(service)).equals(octets))
})

test('a reset on one side is a reset on the other, and no end', async (t) => {
  const [client, a] = await connection(t)
  const [b, service] = await connection(t)
  const joined = join(a, b)
  client.write('half of a mes')
  await once(service, 'data')
  let ended = false
  service.on('end', () => {
    ended = true
  })
  const closed = new Promise((resolve) => service.once('close', resolve))
  reset(client)
  await joined
  await closed
  assert.equal(ended, false)
})

test('streams that are no sockets are joined too', async (t) => {
  const [client, a] = await connection(t)
  const { stream, written } = plainDuplex()
  const joined = join(a, stream)
  client.end('question')
  stream.push('answer')
  stream.push(null)
  assert.equal(String(await all(client)), 'answer')
  await joined
  assert.equal(String(Buffer.concat(written)), 'question')
})
