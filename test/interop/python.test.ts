// A PNE in Python, written from docs/protocol.md alone, with real gateways and a real server, each in a process of its own.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { linked, opencpns, type Running, start } from './python/processes.ts'
import { runPython, withoutPython } from './python/run.ts'

const REALM = 'example.org'

suite('a PNE in Python', { skip: withoutPython }, () => {
  let folder: string
  let credential: string
  let uri: string
  let echo: Server
  let server: Running<{ cpns: string; admin: string }>
  const gateways = new Map<string, Running<{ pne: string }>>()

  const data = (name: string) => join(folder, name)
  const address = (gateway: string) => gateways.get(gateway)?.listen.pne ?? ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'python-pne-'))
    credential = join(folder, 'watch.json')
    echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    await opencpns('server', 'init', '--data', data('server'), '--realm', REALM)
    server = await start('server', 'run', '--data', data('server'), '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0')
    await opencpns('admin', 'user', 'add', 'alice', '--data', data('server'))
    await Promise.all(['home', 'hotel'].map(startGateway))
    uri = (await newTicket()).uri
  })

  after(async () => {
    await Promise.all([...gateways.values(), server].map((one) => one?.stop()))
    echo?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function startGateway(name: string): Promise<void> {
    const file = join(folder, `${name}.json`)
    await opencpns('admin', 'gateway', 'add', name, '--user', 'alice', '--out', file, '--data', data('server'))
    const service = `echo=127.0.0.1:${(echo.address() as AddressInfo).port}`
    const where = ['--server', server.listen.cpns, '--listen', '127.0.0.1:0', '--service', service]
    gateways.set(name, await start('gateway', 'run', '--credential', file, '--data', data(name), ...where))
    await linked(data(name))
  }

  function newTicket(): Promise<{ uri: string }> {
    return opencpns('gateway', 'pair', '--data', data('home'), '--address', address('home'), '--name', 'watch')
  }

  /** Runs the PNE; gives the line that it printed, having checked that its exit code says the same. */
  async function pne(...args: string[]) {
    const { code, stdout, stderr } = await runPython('pne.py', args)
    assert.match(stdout, /^\{.*\}\n$/, stderr)
    const facts = JSON.parse(stdout)
    assert.equal(code, facts.result === 'success' ? 0 : 1, stderr)
    return facts
  }

  const connect = (gateway: string, ...more: string[]) =>
    pne('connect', address(gateway), '--credential', credential, ...more)

  test('pairs, and keeps its credential to itself', async () => {
    const { result, realm, gateway } = await pne('pair', uri, '--credential', credential)
    assert.deepEqual({ result, realm, gateway }, { result: 'success', realm: REALM, gateway: `home@${REALM}` })
    assert.equal((await stat(credential)).mode & 0o777, 0o600)
  })

  test('is told, once inside TLS, that the ticket was used', async () => {
    assert.deepEqual(await pne('pair', uri, '--credential', join(folder, 'other.json')), { result: 'ticket-used' })
  })

  test('is refused without the secret of the ticket', async () => {
    const ticket = (await newTicket()).uri.replace(/&s=[^&]+/, `&s=${'A'.repeat(22)}`)
    const { result } = await pne('pair', ticket, '--credential', join(folder, 'other.json'))
    assert.equal(result, 'authentication-failed')
  })

  test('opens a session at the gateway that assigned its key: local case', async () => {
    const facts = await connect('home')
    assert.deepEqual(
      { result: facts.result, case: facts.case, gateway: facts.gateway },
      { result: 'success', case: 'local', gateway: `home@${REALM}` },
    )
    assert.match(facts.sessionId, /^[A-Za-z0-9_-]{22}$/)
  })

  test('opens a session at another gateway, which the server vouches to: remote case', async () => {
    const facts = await connect('hotel')
    assert.deepEqual(
      { result: facts.result, case: facts.case, gateway: facts.gateway, resumed: facts.resumed },
      { result: 'success', case: 'remote', gateway: `hotel@${REALM}`, resumed: false },
    )
  })

  test('opens a further session there by the transient key of the first', async () => {
    const { again } = await connect('hotel', '--again')
    assert.deepEqual(
      { result: again.result, case: again.case, resumed: again.resumed },
      { result: 'success', case: 'remote', resumed: true },
    )
  })

  for (const gateway of ['home', 'hotel']) {
    test(`speaks to a service through ${gateway}`, async () => {
      const text = 'Grüße, '.repeat(1000)
      const facts = await connect(gateway, '--service', 'echo', '--echo', text)
      assert.equal(facts.result, 'success')
      assert.ok(facts.echo === text, 'the service got and gave other octets')
    })

    test(`is told inside TLS that ${gateway} has no such service`, async () => {
      assert.deepEqual(await connect(gateway, '--service', 'mqtt'), { result: 'service-unavailable' })
    })

    test(`is refused at ${gateway} with another EUKey`, async () => {
      const other = join(folder, 'forged.json')
      const stored = JSON.parse(await readFile(credential, 'utf8'))
      await writeFile(other, JSON.stringify({ ...stored, euKey: Buffer.alloc(32, 1).toString('base64url') }))
      const { result } = await pne('connect', address(gateway), '--credential', other)
      assert.equal(result, 'authentication-failed')
    })
  }

  test('is refused with a 2nd seed that nobody knows', async () => {
    const other = join(folder, 'unknown.json')
    const stored = JSON.parse(await readFile(credential, 'utf8'))
    await writeFile(other, JSON.stringify({ ...stored, secondSeed: Buffer.alloc(32, 2).toString('base64url') }))
    assert.deepEqual(await pne('connect', address('hotel'), '--credential', other), { result: 'authentication-failed' })
  })
})
