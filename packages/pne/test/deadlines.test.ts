// Every wait of the device ends: a gateway that falls silent, or gives an octet at a time, at each point of the flow; and
// the caller's signal, which ends it at once.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Case, Challenge, deriveLocalKey, deriveTransientKey, encode, SessionOffer } from '@opencpns/protocol'
import { connect } from '../src/index.ts'
import { credential, type Device, euKey, home, type Script, scriptedGateway } from './gateway.ts'

const timeoutMs = 120
const never = new Promise<never>(() => {})

const silent: Record<string, Script> = {
  'after the TCP connection': () => never,
  'after step 1': (device) => device.request(),
  'after a Challenge': async (device) => {
    await device.request()
    await device.challenge()
  },
  'after a second Challenge': async (device) => {
    await device.request()
    await device.challenge(device.vouch(await device.challenge()).gpsk3)
  },
  'within a frame': async (device) => {
    await device.request()
    device.link.socket.write(Buffer.of(0, 0, 0, 9, 1))
  },
  'after the SessionOffer, local case': async (device) => {
    await device.request()
    await device.offer()
  },
  'after the SessionOffer, remote case': async (device) => {
    await device.request()
    const { gpsk3 } = device.vouch(await device.challenge())
    await device.offer({ case: Case.remote, eap: gpsk3 })
  },
  'after TLS, local case': async (device) => {
    await device.request()
    await device.secure(deriveLocalKey(euKey))
  },
  'after TLS, remote case': async (device) => {
    await device.request()
    const { gpsk3, msk } = device.vouch(await device.challenge())
    await device.secure(deriveTransientKey({ msk, gateway: home }), { case: Case.remote, eap: gpsk3 })
  },
  'within step 8': async (device) => {
    await device.request()
    const tls = await device.secure(deriveLocalKey(euKey))
    tls.write(Buffer.of(0, 0, 0, 5, 0xa2))
  },
}
for (const [when, script] of Object.entries(silent)) {
  test(`silence ${when} ends in DEADLINE_EXCEEDED`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { promise: fallenSilent, resolve: fallSilent } = Promise.withResolvers<void>()
    const gateway = await scriptedGateway(t, async (device) => {
      if (script === silent['after the TCP connection']) fallSilent()
      await script(device).finally(fallSilent)
    })
    const connecting = assert.rejects(connect({ ...gateway, credential, timeoutMs: 30_000 }), {
      name: 'PneError',
      code: 'DEADLINE_EXCEEDED',
    })
    await fallenSilent
    // The device may be about to wait.
    const passing = setInterval(() => t.mock.timers.tick(30_000), 1)
    await connecting
    clearInterval(passing)
    assert.deepEqual(gateway.failures, [])
  })
}

/** One octet each 10 ms. */
async function dribble(stream: { write(octets: Buffer): unknown; destroyed: boolean }, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    if (stream.destroyed) return
    stream.write(Buffer.of(octet))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const dribbled: Record<string, Script> = {
  'a Challenge': async (device) => {
    await device.request()
    await dribble(device.link.socket, frame(encode(Challenge, { version: 1, gateway: home, eap: device.gpsk1() })))
  },
  'a SessionOffer': async (device) => {
    await device.request()
    const offer = { version: 1, gateway: home, sessionId: Buffer.alloc(16), case: Case.local }
    await dribble(device.link.socket, frame(encode(SessionOffer, offer)))
  },
  'TLS records': async (device) => {
    await device.request()
    await device.offer()
    const socket = device.link.release().resume()
    await once(socket, 'data') // the ClientHello
    await dribble(socket, Buffer.from(`1603030100${'ff'.repeat(100)}`, 'hex'))
  },
  'step 8': async (device) => {
    await device.request()
    const tls = await device.secure(deriveLocalKey(euKey))
    await dribble(tls, frame(Buffer.alloc(200)))
  },
}
for (const [what, script] of Object.entries(dribbled)) {
  test(`an octet at a time of ${what} does not prolong the deadline`, async (t) => {
    const gateway = await scriptedGateway(t, script)
    await assert.rejects(connect({ ...gateway, credential, timeoutMs }), { code: 'DEADLINE_EXCEEDED' })
  })
}

function frame(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

test('the deadline counts for the whole flow, not for each message', async (t) => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, timeoutMs * 0.6))
  const gateway = await scriptedGateway(t, async (device: Device) => {
    await device.request()
    await pause()
    const gpsk2 = await device.challenge()
    await pause()
    await device.offer({ case: Case.remote, eap: device.vouch(gpsk2).gpsk3 })
  })
  await assert.rejects(connect({ ...gateway, credential, timeoutMs }), { code: 'DEADLINE_EXCEEDED' })
})

test('the signal ends the flow at each point, with its own reason', async (t) => {
  for (const script of Object.values(silent)) {
    const aborting = new AbortController()
    const gateway = await scriptedGateway(t, async (device) => {
      await script(device)
      aborting.abort(new Error('asked to stop'))
    })
    const connecting = connect({ ...gateway, credential, signal: aborting.signal })
    if (script === silent['after the TCP connection']) aborting.abort(new Error('asked to stop'))
    await assert.rejects(connecting, { message: 'asked to stop' })
  }
})

test('a signal that is aborted already: no connection', async () => {
  await assert.rejects(connect({ host: '127.0.0.1', port: 9, credential, signal: AbortSignal.abort() }), {
    name: 'AbortError',
  })
})

test('nobody listens: UNREACHABLE, and the message says where and why', async () => {
  await assert.rejects(connect({ host: '127.0.0.1', port: 1, credential }), {
    name: 'PneError',
    code: 'UNREACHABLE',
    message: 'cannot reach 127.0.0.1:1: connection refused',
  })
})
