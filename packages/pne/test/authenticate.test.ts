// The flow of authentication with a gateway that keeps to it: both cases, and every way that leads to step 7.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Case, deriveLocalKey, deriveTransientKey, transientKeyId } from '@opencpns/protocol'
import { connect, type Step, TransientKeys } from '../src/index.ts'
import { credential, euKey, home, lobby, realm, scriptedGateway, secondSeed } from './gateway.ts'

test('local case: a session with the gateway that assigned the key', async (t) => {
  const gateway = await scriptedGateway(t, async (device) => {
    const request = await device.request()
    assert.deepEqual(request.versions, [1])
    assert.deepEqual(Buffer.from(request.secondSeed), secondSeed)
    assert.equal(request.realm, realm)
    assert.equal(request.service, undefined)
    await device.respond(await device.secure(deriveLocalKey(euKey)))
  })
  const steps: Step[] = []
  const session = await connect({ ...gateway, credential, onStep: (step) => steps.push(step) })
  const { ms, sessionId, ...facts } = session.facts
  const tls = { version: 'TLSv1.3', group: 'X25519MLKEM768', cipher: 'TLS_AES_128_GCM_SHA256' }
  assert.deepEqual(facts, { case: 'local', gateway: home, tls })
  assert.match(sessionId, /^[\w-]{22}$/)
  assert.ok(ms > 0 && ms < 60_000)
  assert.deepEqual(
    steps.map(({ step, from, to, message }) => `${step} ${from} > ${to}: ${message}`),
    [
      '1 PNE > PN GW: AuthenticationRequest',
      '7 PN GW > PNE: SessionOffer',
      '7 PNE > PN GW: TLS 1.3 handshake',
      '8 PN GW > PNE: AuthenticationResponse',
    ],
  )
  assert.ok(steps.every(({ at }, index) => at >= (steps[index - 1]?.at ?? 0) && Math.abs(at - Date.now()) < 60_000))
  assert.deepEqual(gateway.failures, [])
  await session.close()
})

test('remote case: GPSK-3 in the SessionOffer, a TK as the key', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.remote(), lobby)
  const steps: Step[] = []
  const session = await connect({ ...gateway, credential, onStep: (step) => steps.push(step) })
  assert.equal(session.facts.case, 'remote')
  assert.equal(session.facts.gateway, lobby)
  assert.equal(session.facts.lifetimeS, 600)
  assert.deepEqual(
    steps.map(({ step, message }) => `${step} ${message}`),
    [
      '1 AuthenticationRequest',
      '5 Challenge',
      '5 ChallengeAnswer',
      '5 SessionOffer',
      '7 TLS 1.3 handshake',
      '8 AuthenticationResponse',
    ],
  )
  await session.close()
})

test('remote case through RADIUS: GPSK-3 in a second Challenge, answered by GPSK-4', async (t) => {
  const gateway = await scriptedGateway(
    t,
    async (device) => {
      await device.request()
      const { gpsk3, msk } = device.vouch(await device.challenge())
      const gpsk4 = await device.challenge(gpsk3)
      assert.equal(gpsk4[5], 4)
      const key = deriveTransientKey({ msk, gateway: lobby })
      await device.respond(await device.secure(key, { case: Case.remote }))
    },
    lobby,
  )
  const session = await connect({ ...gateway, credential })
  assert.equal(session.facts.case, 'remote')
  assert.equal(session.facts.lifetimeS, undefined)
  assert.deepEqual(gateway.failures, [])
  await session.close()
})

test('remote case at the gateway that assigned the key, which may have lost it', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.remote())
  const session = await connect({ ...gateway, credential })
  assert.equal(session.facts.case, 'remote')
  assert.equal(session.facts.gateway, home)
  await session.close()
})

test('further session: the TK of the first one is named, and the server is not asked', async (t) => {
  const transientKeys = new TransientKeys()
  let key: Uint8Array = Buffer.alloc(0)
  const gateway = await scriptedGateway(
    t,
    async (device) => {
      const { transientKeyId: named } = await device.request()
      if (named) {
        assert.deepEqual(Buffer.from(named), transientKeyId(key))
        const tls = await device.secure(key, { case: Case.remote, transientKeyId: named })
        return await device.respond(tls, { lifetimeS: 500 })
      }
      const { gpsk3, msk } = device.vouch(await device.challenge())
      key = deriveTransientKey({ msk, gateway: lobby })
      const tls = await device.secure(key, { case: Case.remote, eap: gpsk3 })
      return await device.respond(tls, { lifetimeS: 600 })
    },
    lobby,
  )
  for (const lifetimeS of [600, 500, 500]) {
    const session = await connect({ ...gateway, credential, transientKeys })
    assert.equal(session.facts.case, 'remote')
    assert.equal(session.facts.lifetimeS, lifetimeS)
    await session.close()
  }
  assert.equal(transientKeys.size, 1)
  assert.deepEqual(gateway.failures, [])
})

test('further session: a gateway that has lost the TK goes on as if none had been named', async (t) => {
  const transientKeys = new TransientKeys()
  const gateway = await scriptedGateway(t, (device) => device.remote(), lobby)
  for (let round = 0; round < 2; round++) {
    const session = await connect({ ...gateway, credential, transientKeys })
    assert.equal(session.facts.case, 'remote')
    await session.close()
  }
  assert.deepEqual(gateway.failures, [])
})

test('a service: octets in the same TLS record as step 8, and all after them, are the stream', async (t) => {
  const gateway = await scriptedGateway(t, async (device) => {
    assert.equal((await device.request()).service, 'mqtt')
    const tls = await device.secure(deriveLocalKey(euKey))
    tls.cork()
    await device.respond(tls)
    tls.write('banner ')
    tls.uncork()
    tls.end('and the rest')
  })
  const session = await connect({ ...gateway, credential, service: 'mqtt' })
  const octets = Buffer.concat(await session.stream.toArray())
  assert.equal(octets.toString(), 'banner and the rest')
  assert.equal(await session.closed, 'lost')
  assert.deepEqual(gateway.failures, [])
})

test('a service: a megabyte goes there and back unchanged', async (t) => {
  const gateway = await scriptedGateway(t, async (device) => {
    await device.request()
    const tls = await device.secure(deriveLocalKey(euKey))
    const link = await device.respond(tls)
    link.handOver()
    tls.pipe(tls)
  })
  const session = await connect({ ...gateway, credential, service: 'echo' })
  const sent = Buffer.alloc(1024 * 1024, 'opencpns')
  session.stream.write(sent)
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of session.stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    octets += chunk.length
    if (octets === sent.length) break
  }
  assert.ok(Buffer.concat(chunks).equals(sent))
  await session.close()
  assert.equal(await session.closed, 'here')
})
