// Presence reaches the server's table: whatever happens to the gateway, the server and the line between them, in the end the
// server knows who is there, and what it was told it was told once and in order.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readGatewayStatus } from '@opencpns/gateway'
import type { Address } from '@opencpns/io'
import { type Credential, connect, type Session } from '@opencpns/pne'
import { freePort } from '../support/ports.ts'
import { anyPort, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { operate, registered } from './operator.ts'

const REGISTRATIONS = 100
const PNES = 10

async function openStage(t: TestContext): Promise<Stage> {
  const stage = await Stage.open()
  t.after(() => stage.close())
  return stage
}

async function pairSome(stage: Stage, count: number, gateway = 'home-gw'): Promise<Credential[]> {
  const credentials: Credential[] = []
  for (let i = 0; i < count; i++) credentials.push(await stage.pair(`pne-${i}`, gateway))
  return credentials
}

function sessionIds(sessions: Iterable<[Credential, Session]>): Record<string, string> {
  return Object.fromEntries([...sessions].map(([{ pneId }, { facts }]) => [pneId, facts.sessionId]))
}

async function untilRegistered(stage: Stage, expected: Record<string, string>): Promise<void> {
  let seen = {}
  const same = async () => {
    seen = await registered(stage, 'home-gw')
    return JSON.stringify(Object.entries(seen).sort()) === JSON.stringify(Object.entries(expected).sort())
  }
  await until(same, 'the server does not know who is present').catch(() => assert.deepEqual(seen, expected))
}

/** The gateway knows that the server has heard all it had to say. */
async function untilCounted(stage: Stage): Promise<void> {
  await until(async () => (await readGatewayStatus(stage.path('home-gw'))).outbox === 0, 'the gateway has more to tell')
}

/** The sessions that a gateway has noted, and whose end it has not, in base64url. */
function presencesAt(dataDir: string): Set<string> {
  const db = new DatabaseSync(join(dataDir, 'gateway.db'), { readOnly: true, timeout: 5000 })
  const rows = db.prepare('SELECT session_id FROM presences').all()
  db.close()
  return new Set(rows.map((row) => Buffer.from(row['session_id'] as Uint8Array).toString('base64url')))
}

/** What happened to each PNE, oldest first. */
async function history(stage: Stage): Promise<Map<string, string[]>> {
  const { items } = await operate(stage, 'GET', '/v1/events?type=registration&limit=1000')
  const of = new Map<string, string[]>()
  for (const { pne, result } of items.reverse()) of.set(pne, [...(of.get(pne) ?? []), result])
  return of
}

test('a PNE is registered while its presence lasts, at home and away', async (t) => {
  const stage = await openStage(t)
  const home = await stage.gateway('home-gw')
  const hotel = await stage.gateway('hotel-gw')
  const watch = await stage.pair('watch', 'home-gw')
  const atHome = await connect({ ...home.address, credential: watch })
  const away = await connect({ ...hotel.address, credential: watch })
  await untilRegistered(stage, { [watch.pneId]: atHome.facts.sessionId })
  await until(async () => watch.pneId in (await registered(stage, 'hotel-gw')))
  const { items } = await operate(stage, 'GET', `/v1/sessions?pne=${watch.pneId}`)
  assert.deepEqual(
    items.map((item: Record<string, string>) => [item['gateway'], item['case'], item['name'], item['user']]),
    [
      [hotel.identity, 'remote', 'watch', 'alice'],
      [home.identity, 'local', 'watch', 'alice'],
    ],
  )
  await atHome.close()
  await untilRegistered(stage, {})
  assert.deepEqual(await registered(stage, 'hotel-gw'), { [watch.pneId]: away.facts.sessionId })
  const pns = (await operate(stage, 'GET', '/v1/pns')).items
  assert.deepEqual(
    pns.map(({ gateway, registered }: Record<string, string>) => [gateway, registered]),
    [
      [home.identity, 0],
      [hotel.identity, 1],
    ],
  )
  await away.close()
})

test('what happens while the server is away is told when it is back, in order', async (t) => {
  const stage = await openStage(t)
  const gateway = await stage.gateway('home-gw')
  const [one, two] = (await pairSome(stage, 2)) as [Credential, Credential]
  const before = await connect({ ...gateway.address, credential: one })
  await untilRegistered(stage, sessionIds([[one, before]]))
  await untilCounted(stage)

  const address = await stage.stopServer()
  await before.close()
  for (let i = 0; i < 5; i++) await (await connect({ ...gateway.address, credential: one })).close()
  const open = await connect({ ...gateway.address, credential: two })
  await until(async () => (await readGatewayStatus(stage.path('home-gw'))).outbox === 12)

  await stage.startServer(address)
  await untilRegistered(stage, sessionIds([[two, open]]))
  const happened = await history(stage)
  assert.deepEqual(happened.get(one.pneId), Array.from({ length: 6 }, () => ['began', 'ended']).flat())
  assert.deepEqual(happened.get(two.pneId), ['began'])
  await untilCounted(stage)
  await open.close()
})

test('a presence that comes again takes the place of the older one, which is told so', async (t) => {
  const stage = await openStage(t)
  const gateway = await stage.gateway('home-gw')
  const [pne] = (await pairSome(stage, 1)) as [Credential]
  const older = await connect({ ...gateway.address, credential: pne })
  const newer = await connect({ ...gateway.address, credential: pne })
  assert.equal(await older.closed, 'replaced')
  await untilRegistered(stage, sessionIds([[pne, newer]]))
  assert.deepEqual((await history(stage)).get(pne.pneId), ['began', 'ended', 'began'])
  await newer.close()
})

test('a gateway that closes tells the server that its sessions have ended', async (t) => {
  const stage = await openStage(t)
  const gateway = await stage.gateway('home-gw')
  const [pne] = (await pairSome(stage, 1)) as [Credential]
  const session = await connect({ ...gateway.address, credential: pne })
  await untilRegistered(stage, sessionIds([[pne, session]]))
  await gateway.close({ graceMs: 0 })
  assert.equal(await session.closed, 'closing')
  await untilRegistered(stage, {})
  assert.deepEqual((await history(stage)).get(pne.pneId), ['began', 'ended'])
})

test(`${REGISTRATIONS} registrations while the gateway is killed and the server comes and goes`, {
  timeout: 300_000,
}, async (t) => {
  const stage = await openStage(t)
  const { file: credentialFile } = await stage.register('home-gw')
  const { cpns } = stage.server.addresses
  let child: ChildProcess | undefined
  const address: Address = { ...anyPort, port: await freePort() }
  const start = async () => {
    const options = { credentialFile, dataDir: stage.path('home-gw'), server: cpns, listen: address }
    child = fork(join(import.meta.dirname, 'gateway-process.ts'), [JSON.stringify(options)])
    const ended = once(child, 'exit').then(() => assert.fail('the gateway has ended'))
    await Promise.race([once(child, 'message'), ended])
  }
  const kill = async () => {
    const exited = child && once(child, 'exit')
    child?.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  await start()
  const pnes = await pairSome(stage, PNES)
  const open = new Map<Credential, Session>()
  /** Of each PNE, sessions that were on the gateway's disk: from then on no crash loses them. */
  const seen = new Map<string, Set<string>>(pnes.map(({ pneId }) => [pneId, new Set()]))
  let serverIsUp = true

  const arrive = async (credential: Credential) => {
    const session = await connect({ ...address, credential }).catch(() => undefined)
    if (!session) return
    open.set(credential, session)
    void session.closed.then(() => {
      if (open.get(credential) === session) open.delete(credential)
    })
  }
  /** Resolves when all sessions that are open are on the disk. */
  const written = () =>
    until(() => {
      const onDisk = presencesAt(stage.path('home-gw'))
      const sessions = [...open].map(([{ pneId }, { facts }]) => [pneId, facts.sessionId] as const)
      for (const [pneId, sessionId] of sessions) if (onDisk.has(sessionId)) seen.get(pneId)?.add(sessionId)
      return sessions.every(([, sessionId]) => onDisk.has(sessionId))
    })

  for (let round = 0; round * PNES < REGISTRATIONS; round++) {
    const arriving = pnes.map((pne) => arrive(pne))
    if (round % 3 === 1) {
      await sleep(Math.random() * 60) // in the middle of it
      await kill()
    }
    await Promise.all(arriving)
    await written()
    await sleep(Math.random() * 50)
    if (round % 3 === 2) await Promise.all([...open.values()].slice(0, PNES / 2).map((session) => session.close()))
    if (round % 3 !== 1 && round % 2 === 0) await kill()
    if (child?.signalCode) await start()
    if (round % 4 === 1) await stage.stopServer()
    if (round % 4 === 3) await stage.startServer(cpns)
    serverIsUp = round % 4 === 0 || round % 4 === 3
  }
  if (!serverIsUp) await stage.startServer(cpns)
  await Promise.all(pnes.map((pne) => arrive(pne)))
  await untilRegistered(stage, sessionIds(open))
  assert.equal(open.size, PNES)

  const happened = await history(stage)
  for (const { pneId } of pnes) {
    const of = happened.get(pneId) ?? []
    assert.deepEqual(
      of,
      of.map((_, i) => (i % 2 === 0 ? 'began' : 'ended')),
      `of ${pneId} something is missing, doubled, or in the wrong order`,
    )
    const began = of.filter((result) => result === 'began').length
    assert.ok(
      began >= (seen.get(pneId)?.size ?? 0) + 1,
      `${began} sessions reported, ${seen.get(pneId)?.size} were there before this one`,
    )
  }
  await Promise.all([...open.values()].map((session) => session.close()))
  await untilRegistered(stage, {})
})
