// A device that stays connected: whatever ends its presence, or keeps it from one, it comes back.

import assert from 'node:assert/strict'
import { connect as dial, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { type Address, listenTcp } from '@opencpns/io'
import {
  decode,
  deriveLocalKey,
  EndReason,
  encode,
  Result,
  RotationConfirmation,
  RotationDone,
  RotationOffer,
  SessionEnd,
} from '@opencpns/protocol'
import { until } from '../../../test/support/until.ts'
import { type Device, type DeviceEvent, type DeviceOptions, readCredential, runDevice } from '../src/index.ts'
import { confirmedFile, credentialFile } from './files.ts'
import { credential, home, limits, lobby, scriptedGateway } from './gateway.ts'

type Name = DeviceEvent['event']
type EventOf<N extends Name> = Extract<DeviceEvent, { event: N }>

interface Run {
  readonly device: Device
  readonly events: DeviceEvent[]
  /** The n-th event of this name, counted from 1, as soon as there is one. */
  event<N extends Name>(name: N, nth?: number): Promise<EventOf<N>>
}

/** A device without pauses, closed with the test. */
async function running(
  t: TestContext,
  options: Partial<DeviceOptions> & Pick<DeviceOptions, 'gateways'>,
): Promise<Run> {
  const events: DeviceEvent[] = []
  let changed = Promise.withResolvers<void>()
  const onEvent = (event: DeviceEvent) => {
    events.push(event)
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const device = await runDevice({ credential, random: () => 0, onEvent, ...options })
  t.after(() => device.close())
  async function event<N extends Name>(name: N, nth = 1): Promise<EventOf<N>> {
    for (;;) {
      const found = events.filter((one) => one.event === name)[nth - 1]
      if (found) return found as EventOf<N>
      await Promise.race([changed.promise, late(`no ${nth}. ${name} among ${events.map(({ event }) => event)}`)])
    }
  }
  return { device, events, event }
}

async function late(what: string): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 30_000).unref())
  throw new Error(what)
}

/** Nobody listens there, and no system gives that port to anybody who asks for any. */
const nowhere: Address = { host: '127.0.0.1', port: 1 }

test('a lost session is followed by another, and each is told', async (t) => {
  let count = 0
  const at = await scriptedGateway(t, async (pne) => {
    const link = await pne.local()
    if (++count < 3) link.close()
  })
  const { event, events } = await running(t, { gateways: [at] })
  const { facts } = await event('connected', 3)
  assert.equal(facts.gateway, home)
  assert.deepEqual(
    events.filter(({ event }) => event !== 'waiting').map((one) => [one.event, 'reason' in one && one.reason]),
    [
      ['connected', false],
      ['disconnected', 'lost'],
      ['connected', false],
      ['disconnected', 'lost'],
      ['connected', false],
    ],
  )
})

test('a device whose key was renewed comes back with the new one', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const next = Buffer.alloc(32, 11)
  const nextKey = Buffer.alloc(32, 12)
  const named: Buffer[] = []
  const at = await scriptedGateway(t, async (pne) => {
    const { secondSeed } = await pne.request()
    named.push(Buffer.from(secondSeed))
    if (named.length > 1) return pne.respond(await pne.secure(deriveLocalKey(nextKey)))
    const link = await pne.local()
    await link.send(encode(RotationOffer, { secondSeed: next, euKey: nextKey }))
    decode(await link.receive(limits), RotationConfirmation)
    return link.send(encode(RotationDone, { secondSeed: next }))
  })
  const { event } = await running(t, { gateways: [at], credential: await readCredential(file.path) })
  assert.equal((await event('disconnected')).reason, 'here')
  await event('connected', 2)
  assert.deepEqual(named, [credential.secondSeed, next])
  const kept = await readCredential(file.path)
  assert.deepEqual([Buffer.from(kept.secondSeed), kept.keys.next], [next, undefined])
})

for (const [name, reason] of Object.entries(EndReason)) {
  test(`SessionEnd ${name} is told, and the device tries again all the same`, async (t) => {
    const at = await scriptedGateway(t, async (pne) => {
      const link = await pne.local()
      await link.send(encode(SessionEnd, { reason }))
      link.close()
    })
    const { event } = await running(t, { gateways: [at] })
    assert.equal((await event('disconnected')).reason, name)
    await event('connected', 2)
  })
}

test('refusals are hints: it goes on trying, and the credential stays as it is', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  let refusals = 0
  const at = await scriptedGateway(t, async (pne) => {
    await pne.request()
    if (++refusals > 5) await pne.local()
    else await pne.refuse(Result.authenticationFailed)
  })
  const { event } = await running(t, { gateways: [at], credential: await readCredential(file.path) })
  assert.equal((await event('failed', 5)).error.code, 'AUTHENTICATION_FAILED')
  await event('connected')
  await file.assertUntouched()
})

test('the first gateway that takes it, in the order of preference; after a loss the first is tried first again', async (t) => {
  let isAway = true
  const first = await scriptedGateway(t, async (pne) => {
    if (isAway) pne.link.destroy()
    else await pne.local()
  })
  const second = await scriptedGateway(
    t,
    async (pne) => {
      const link = await pne.remote()
      isAway = false
      link.close()
    },
    lobby,
  )
  const { event } = await running(t, { gateways: [first, second] })
  assert.equal((await event('connected')).facts.gateway, lobby)
  assert.equal((await event('connected', 2)).facts.gateway, home)
})

test('a TK serves the next session: no Challenge comes again', async (t) => {
  const named: boolean[] = []
  const at = await scriptedGateway(
    t,
    async (pne) => {
      if (named.length === 0) {
        named.push(false)
        const link = await pne.remote()
        link.close()
        return
      }
      named.push((await pne.request()).transientKeyId !== undefined)
      pne.link.destroy()
    },
    lobby,
  )
  const { event } = await running(t, { gateways: [at] })
  await event('failed')
  assert.deepEqual(named.slice(0, 2), [false, true])
})

test('gateways that have to be found are looked for before each round, and to find none or to fail ends nothing', async (t) => {
  const at = await scriptedGateway(t, (pne) => pne.local())
  let rounds = 0
  const gateways = async () => {
    rounds++
    if (rounds === 1) return []
    if (rounds === 2) throw new Error('no network')
    return rounds === 3 ? [nowhere] : [at]
  }
  const { event, events } = await running(t, { gateways })
  await event('connected')
  const seen = events.map(({ event }) => event).filter((event) => event !== 'waiting')
  assert.deepEqual(seen, ['none-found', 'none-found', 'failed', 'connected'])
})

/** What a client gets from a local port. */
function ask(at: Address, question: string): Promise<string> {
  const socket: Socket = dial(at)
  socket.end(question)
  return text(socket)
}

test('a forward leads to where the device is, and a client that comes early waits for that', async (t) => {
  const goes = Promise.withResolvers<void>()
  const at = await scriptedGateway(t, async (pne) => {
    const { service } = await pne.request()
    if (service === undefined) await goes.promise
    const link = await pne.local()
    if (service !== undefined) link.handOver().end(`hello from ${service}`)
  })
  const forwards = [{ listen: { host: '127.0.0.1', port: 0 }, service: 'mqtt' }]
  const { device, event } = await running(t, { gateways: [at], forwards })
  const answer = ask(device.forwards[0]?.address as Address, '')
  goes.resolve()
  assert.equal(await answer, 'hello from mqtt')
  await event('connected')
})

test('a service that is refused resets that client, and the presence stays', async (t) => {
  const at = await scriptedGateway(t, async (pne) => {
    const { service } = await pne.request()
    if (service === undefined) await pne.local()
    else pne.link.destroy()
  })
  const forwards = [{ listen: { host: '127.0.0.1', port: 0 }, service: 'mqtt' }]
  const { device, event, events } = await running(t, { gateways: [at], forwards })
  await event('connected')
  await assert.rejects(ask(device.forwards[0]?.address as Address, 'x'), { code: 'ECONNRESET' })
  const { service, error } = await event('no-session')
  assert.deepEqual([service, (error as { code?: string }).code], ['mqtt', 'UNREACHABLE'])
  assert.ok(!events.some((one) => one.event === 'disconnected'))
})

test('a port that is taken: it says so, runs nothing, and holds no other port', async (t) => {
  const { server, ...taken } = await listenTcp(() => {}, { host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  const listening = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
  const before = listening()
  const free = { host: '127.0.0.1', port: 0 }
  const forwards = [free, taken].map(({ host, port }) => ({ listen: { host, port }, service: 'mqtt' }))
  await assert.rejects(runDevice({ credential, gateways: [nowhere], forwards }), { code: 'PORT_TAKEN' })
  await until(() => listening() === before)
})

test('close ends it in each of its states, and again does no harm', async (t) => {
  const states: Record<string, (run: Run) => Promise<unknown>> = {
    connecting: async () => {},
    waiting: ({ event }) => event('waiting'),
    connected: ({ event }) => event('connected'),
  }
  const silent = await scriptedGateway(t, async () => {})
  const kind = await scriptedGateway(t, (pne) => pne.local())
  const gateways = { connecting: [silent], waiting: [nowhere], connected: [kind] }
  for (const [state, reached] of Object.entries(states)) {
    const run = await running(t, { gateways: gateways[state as keyof typeof gateways], random: () => 0.99 })
    await reached(run)
    const startedAt = performance.now()
    await run.device.close()
    await run.device.close()
    await run.device.ended
    assert.ok(
      performance.now() - startedAt < 8000,
      `${state}: it does not wait for a deadline, nor for the end of a pause`,
    )
  }
})
