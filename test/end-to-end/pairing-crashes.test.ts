// kill -9 of the PNE, of the gateway and of the server at each point of a pairing, as processes of their own. The same ticket
// then finishes it; no key is in use before; afterwards all stores agree.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTicket, runGateway } from '@opencpns/gateway'
import { type Address, formatHostPort, silent } from '@opencpns/io'
import { type Credential, connect, type PneError, pair, readCredential } from '@opencpns/pne'
import { passOn, Relay } from '../support/relay.ts'
import { anyPort } from '../support/stage.ts'
import { until } from '../support/until.ts'
import type { Running } from './processes.ts'
import { addressOf, ProcessTown } from './town.ts'

const launcher = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))

/** Each round starts processes, which takes a busy machine seconds. */
const SLOW = { timeout: 400_000 }

type Victim = 'PNE' | 'gateway' | 'server'
/** Where the pieces are counted: PNE and gateway, or gateway and server. */
type Line = 'door' | 'trunk'

let town: ProcessTown
let server: Running
let serverAt: Address
let gateway: Running
let home: Address
/** Between PNE and gateway, and between gateway and server. */
const lines = {} as Record<Line, Relay>
/** Pieces of a pairing that nobody disturbs, and how many they are at least. */
const pieces = {} as Record<Line, number>
const PIECES: Record<Line, number> = { door: 7, trunk: 4 }
let rounds = 0
/** Pairings that came to their end. */
let paired = 0

before(async () => {
  town = await ProcessTown.open()
  server = await town.startServer()
  serverAt = addressOf(server, 'cpns')
  await town.addUser()
  for (const name of ['home-gw', 'hotel-gw']) await town.addGateway(name)
  lines.trunk = await Relay.to(serverAt)
  gateway = await town.startGateway('home-gw', lines.trunk.address)
  home = addressOf(gateway, 'pne')
  lines.door = await Relay.to(home)
  await town.haveServer('home-gw')
  // Where a process has to wait, several pieces may come as one.
  await until(async () => (await isUndisturbed()) && pieces.door >= PIECES.door && pieces.trunk >= PIECES.trunk)
})

after(async () => {
  await Promise.all(Object.values(lines).map((line) => line.close()))
  await town?.close()
})

async function newTicket(): Promise<{ uri: string; credentialFile: string }> {
  const name = `pne-${rounds++}`
  const addresses = [formatHostPort(lines.door.address)]
  const { uri } = await createTicket({ dataDir: town.path('home-gw'), name, addresses })
  return { uri, credentialFile: town.path(`${name}.json`) }
}

/** Counts the pieces of a pairing, and tells whether it went undisturbed. */
async function isUndisturbed(): Promise<boolean> {
  for (const line of ['door', 'trunk'] as const) {
    pieces[line] = 0
    lines[line].tamper = (piece) => {
      pieces[line]++
      return passOn(piece)
    }
  }
  const ticket = await newTicket()
  const isPaired = await pair(ticket).then(
    () => true,
    () => false,
  )
  if (isPaired) paired++
  else await finish(ticket)
  return isPaired
}

interface Attempt {
  readonly uri: string
  readonly credentialFile: string
}

/** Ends the victim at once, as `kill -9` does. */
function kill(victim: Victim, pne: ChildProcess | undefined): void {
  if (victim === 'PNE') pne?.kill('SIGKILL')
  else void (victim === 'gateway' ? gateway : server).stop('SIGKILL')
}

/** One attempt to pair, in which the victim is killed when the piece of this number is on its way, or after some milliseconds. */
async function attempt(
  { uri, credentialFile }: Attempt,
  victim: Victim,
  when: { line: Line; piece: number } | { ms: number },
) {
  let pne: ChildProcess | undefined
  for (const line of Object.values(lines)) line.tamper = passOn
  if ('piece' in when) {
    let count = 0
    lines[when.line].tamper = (piece) => {
      if (++count !== when.piece) return count < when.piece ? passOn(piece) : undefined
      kill(victim, pne)
      return undefined
    }
  }
  if (victim === 'PNE') {
    pne = spawn(process.execPath, [launcher, 'pne', 'pair', uri, '--credential', credentialFile], { stdio: 'ignore' })
    await once(pne, 'exit')
  } else {
    const attempt = pair({ uri, credentialFile, timeoutMs: 5000 }).catch(() => {})
    if ('ms' in when) {
      await sleep(when.ms)
      kill(victim, pne)
    }
    await attempt
  }
  for (const line of Object.values(lines)) line.tamper = passOn
}

async function restart(victim: Victim): Promise<void> {
  if (victim === 'gateway') {
    await gateway.stop()
    gateway = await town.startGateway('home-gw', lines.trunk.address, home.port)
  } else if (victim === 'server') {
    await server.stop()
    server = await town.startServer(serverAt.port)
  }
}

interface Row {
  id: string
  name: string
  state: string
}

async function atServer(): Promise<Row[]> {
  return (await town.admin<{ items: Row[] }>('/v1/pnes?limit=1000')).items
}

/** What the gateway has stored, by PNE id. */
function atGateway(): Map<string, string> {
  const db = new DatabaseSync(town.path('home-gw/gateway.db'), { readOnly: true, timeout: 5000 })
  const rows = db.prepare('SELECT pne_id, state FROM eu_keys').all()
  db.close()
  return new Map(rows.map((row) => [String(row['pne_id']), String(row['state'])]))
}

/** The case, or the code of the refusal; a gateway that is on its way to the server is asked again. */
async function outcomeAt(at: Address, credential: Credential): Promise<string> {
  let outcome = ''
  await until(async () => {
    outcome = await connect({ ...at, credential }).then(
      async (session) => {
        await session.close()
        return session.facts.case
      },
      (error: PneError) => error.code,
    )
    return outcome !== 'SERVER_UNREACHABLE' && outcome !== 'BUSY'
  }, 'there is no server')
  return outcome
}

/** A gateway that never heard of any of these PNEs, as long as it is needed. */
async function atHotel<T>(work: (hotel: Address) => Promise<T>): Promise<T> {
  const hotel = await runGateway({
    credentialFile: town.path('hotel-gw.json'),
    dataDir: town.path('hotel-gw'),
    server: serverAt,
    listen: anyPort,
    logger: silent,
  })
  try {
    return await work(hotel.address)
  } finally {
    await hotel.close({ graceMs: 0 })
  }
}

/** A key that is not active on the one side or the other opens nothing there. */
async function checkNothingHalf({ credentialFile }: Attempt): Promise<void> {
  const { state } = JSON.parse(await readFile(credentialFile, 'utf8').catch(() => '{}'))
  if (state !== 'unconfirmed') return
  const credential = await readCredential(credentialFile)
  const isVouched = async () => (await atServer()).find(({ id }) => id === credential.pneId)?.state === 'active'
  // A request of the dead may still be on its way, so what only grows is asked for in this order.
  const isAssigned = atGateway().get(credential.pneId) === 'active'
  const wasVouched = await isVouched()
  assert.ok(wasVouched || !isAssigned, 'the gateway is never ahead of the server')
  const outcome = await atHotel((hotel) => outcomeAt(hotel, credential))
  assert.match(outcome, wasVouched ? /^remote$/ : /^(remote|AUTHENTICATION_FAILED)$/)
  if (outcome === 'remote') assert.ok(await isVouched(), 'it is not in use before the server vouches for it')
}

/** Pairs again with the same ticket and file, as a person would, until it is done. */
async function finish({ uri, credentialFile }: Attempt): Promise<Credential> {
  await until(
    async () => {
      const code = await pair({ uri, credentialFile }).then(
        () => 'done',
        (error: PneError) => error.code,
      )
      assert.match(code, /^(done|CREDENTIAL_EXISTS|SERVER_UNREACHABLE|UNREACHABLE|BUSY)$/)
      if (code === 'done' || code === 'CREDENTIAL_EXISTS') return true
      await sleep(50)
      return false
    },
    'the ticket does not finish the pairing',
    60_000,
  )
  const credential = await readCredential(credentialFile)
  assert.equal(credential.confirmed, true)
  paired++
  return credential
}

async function round(victim: Victim, when: Parameters<typeof attempt>[2]): Promise<void> {
  const ticket = await newTicket()
  await attempt(ticket, victim, when)
  await restart(victim)
  await checkNothingHalf(ticket)
  const credential = await finish(ticket)
  assert.equal(await outcomeAt(home, credential), 'local')
  await atHotel(async (hotel) => assert.equal(await outcomeAt(hotel, credential), 'remote'))
}

const at = (line: Line) => Array.from({ length: pieces[line] }, (_, index) => ({ line, piece: index + 1 }))
const everyOther = <T>(all: T[], first: 0 | 1) => all.filter((_, index) => index % 2 === first)

test('the PNE is killed at each message of a pairing', SLOW, async (t) => {
  t.diagnostic(`a pairing is ${pieces.door} pieces between PNE and gateway, ${pieces.trunk} between gateway and server`)
  for (const when of at('door').slice(2)) await round('PNE', when)
})

// In turn, because a gateway that lost its server several times in a row waits longer and longer before it connects again.
test(
  'the server and the gateway are killed in turn, at each message between them and at the last ones with the PNE',
  SLOW,
  async () => {
    const trunk = at('trunk')
    const door = at('door').slice(-4)
    const ofServer = [...everyOther(trunk, 0), ...everyOther(door, 0)]
    const ofGateway = [...everyOther(trunk, 1), ...everyOther(door, 1)]
    for (const [index, when] of ofServer.entries()) {
      await round('server', when)
      const other = ofGateway[index]
      if (other) await round('gateway', other)
    }
  },
)

test('the server and the gateway are killed in turn, at any moment of a pairing', SLOW, async (t) => {
  for (let n = 0; n < 2; n++) {
    const ms = Math.random() * 30
    t.diagnostic(`after ${ms.toFixed(1)} ms`)
    await round('server', { ms })
    await round('gateway', { ms })
  }
})

test('after all that server and gateway agree on every PNE, and each has one key', async () => {
  const known = await atServer()
  assert.equal(new Set(known.map(({ name }) => name)).size, known.length, 'one PNE for each ticket')
  assert.equal(known.length, paired, 'each pairing that was finished, and no other')
  assert.ok(paired >= 15)
  assert.deepEqual(new Set(known.map(({ state }) => state)), new Set(['active']))
  const held = atGateway()
  assert.deepEqual([...held.keys()].sort(), known.map(({ id }) => id).sort())
  assert.deepEqual(new Set(held.values()), new Set(['active']))
})
