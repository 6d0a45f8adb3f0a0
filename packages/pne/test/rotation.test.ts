// Rotation, the device's side: what is on the disk before it is said, which key is tried when, and that no word in the clear
// takes a key away.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import type { FrameLink } from '@opencpns/io'
import {
  decode,
  deriveEuKey,
  deriveLocalKey,
  encode,
  Pong,
  Result,
  RotationConfirmation,
  RotationDone,
  RotationOffer,
  RotationRequest,
} from '@opencpns/protocol'
import { Credential, type CredentialFields, connect, type Key, readCredential, rotate } from '../src/index.ts'
import { confirmedFile, credentialFile, unconfirmedFile } from './files.ts'
import { euKey, home, limits, lobby, realm, scriptedGateway, secondSeed } from './gateway.ts'

const old: Key = { secondSeed, euKey }
const [next, later] = [keyOf(11), keyOf(12)]

function keyOf(octet: number): Key {
  const seed = Buffer.alloc(32, octet)
  return { secondSeed: seed, euKey: deriveEuKey({ firstSeed: Buffer.alloc(32, 1), secondSeed: seed, realm }) }
}

const text = ({ secondSeed, euKey }: Key) => ({
  secondSeed: Buffer.from(secondSeed).toString('base64url'),
  euKey: Buffer.from(euKey).toString('base64url'),
})
const fileOf = (current: Key, other?: Key) => ({
  ...confirmedFile,
  ...text(current),
  ...(other && { next: text(other) }),
})

async function contentOf(file: { path: string }): Promise<unknown> {
  return JSON.parse(await readFile(file.path, 'utf8'))
}

/** A gateway where these keys are active, in the local case; what it says in a presence is up to `play`. */
async function gatewayOf(t: TestContext, active: Key[], play: (link: FrameLink) => unknown = () => {}) {
  const named: Key[] = []
  const at = await scriptedGateway(t, async (device) => {
    const request = await device.request()
    const key = [old, next, later].find((each) => Buffer.compare(each.secondSeed, request.secondSeed) === 0)
    if (key) named.push(key)
    if (!key || !active.includes(key)) return await device.refuse(Result.authenticationFailed)
    await play(await device.respond(await device.secure(deriveLocalKey(key.euKey))))
  })
  return { host: at.host, port: at.port, named, failures: at.failures }
}

const offer = (key: Key) => encode(RotationOffer, { secondSeed: key.secondSeed, euKey: key.euKey })
const done = (key: Key) => encode(RotationDone, { secondSeed: key.secondSeed })

test('an offered key is on the disk, beside the current one, before it is confirmed', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const { promise: confirmed, resolve } = Promise.withResolvers<unknown>()
  const gateway = await gatewayOf(t, [old], async (link) => {
    await link.send(offer(next))
    const { secondSeed } = decode(await link.receive(limits), RotationConfirmation)
    resolve([Buffer.from(secondSeed), await contentOf(file)])
  })
  const session = await connect({ ...gateway, credential: await readCredential(file.path) })
  assert.deepEqual(await confirmed, [next.secondSeed, fileOf(old, next)])
  await session.close()
})

test('rotate asks, keeps the new key, and uses it: then the old one is forgotten', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const active = [old]
  const gateway = await gatewayOf(t, active, async (link) => {
    if (active.includes(next)) return
    decode(await link.receive(limits), RotationRequest)
    await link.send(offer(next))
    decode(await link.receive(limits), RotationConfirmation)
    active.push(next)
    await link.send(done(next))
  })
  const credential = await readCredential(file.path)
  await rotate({ ...gateway, credential })
  assert.deepEqual(gateway.named, [old, next])
  assert.deepEqual(await contentOf(file), fileOf(next))
  assert.deepEqual(text(credential), text(next))
  assert.deepEqual(text(await readCredential(file.path)), text(next))
})

test('a rotation that the gateway begins is told of, and the session goes on', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const gateway = await gatewayOf(t, [old], async (link) => {
    await link.send(offer(next))
    decode(await link.receive(limits), RotationConfirmation)
    await link.send(done(next))
  })
  const { promise: told, resolve } = Promise.withResolvers<void>()
  const session = await connect({ ...gateway, credential: await readCredential(file.path), onRotated: resolve })
  await told
  assert.equal(session.stream.destroyed, false)
  await session.close()
})

test('of two keys the new one is tried first, and the current one when it is refused', async (t) => {
  for (const [active, tried, left] of [
    [[old, next], [next], fileOf(next)],
    [[old], [next, old], fileOf(old, next)],
    [[next], [next], fileOf(next)],
  ] as const) {
    const file = await credentialFile(t, fileOf(old, next))
    const gateway = await gatewayOf(t, [...active])
    await (await connect({ ...gateway, credential: await readCredential(file.path) })).close()
    assert.deepEqual(gateway.named, tried)
    assert.deepEqual(await contentOf(file), left)
  }
})

for (const result of [Result.authenticationFailed, Result.serverUnreachable, Result.busy]) {
  test(`result ${result} in the clear takes no key away, and each key is tried once`, async (t) => {
    const file = await credentialFile(t, fileOf(old, next))
    const named: Buffer[] = []
    const gateway = await scriptedGateway(t, async (device) => {
      named.push(Buffer.from((await device.request()).secondSeed))
      await device.refuse(result)
    })
    const credential = await readCredential(file.path)
    for (let i = 0; i < 2; i++) await assert.rejects(connect({ ...gateway, credential }), { name: 'PneError' })
    assert.deepEqual(
      named,
      [next, old, next, old].map(({ secondSeed }) => secondSeed),
    )
    await file.assertUntouched()
  })
}

test('a gateway that closes or is not there is no reason to try the other key', async (t) => {
  const file = await credentialFile(t, fileOf(old, next))
  let connections = 0
  const gateway = await scriptedGateway(t, async (device) => {
    connections++
    await device.request()
    device.link.destroy()
  })
  await assert.rejects(connect({ ...gateway, credential: await readCredential(file.path) }), { code: 'UNREACHABLE' })
  assert.equal(connections, 1)
  await file.assertUntouched()
})

test('both keys are kept when the new one was good elsewhere: the home gateway may not know it yet', async (t) => {
  const file = await credentialFile(t, fileOf(next, old))
  const elsewhere = await scriptedGateway(t, (device) => device.remote(), lobby)
  const session = await connect({ ...elsewhere, credential: await readCredential(file.path) })
  assert.equal(session.facts.case, 'remote')
  await session.close()
  await file.assertUntouched()
})

test('in the remote case there is no rotation', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const elsewhere = await scriptedGateway(
    t,
    async (device) => {
      const link = await device.remote()
      await link.send(offer(next))
    },
    lobby,
  )
  const credential = await readCredential(file.path)
  const session = await connect({ ...elsewhere, credential })
  await assert.rejects(session.rotate(), { code: 'ROTATION_UNAVAILABLE' })
  assert.equal(await session.closed, 'violation')
  await file.assertUntouched()
})

test('another offer takes the place of the new key, never that of the one in use', async (t) => {
  for (const [used, before, after] of [
    [old, fileOf(old, next), fileOf(old, later)],
    [next, fileOf(old, next), fileOf(next, later)],
  ] as const) {
    const file = await credentialFile(t, before)
    const { promise: confirmed, resolve } = Promise.withResolvers<unknown>()
    const gateway = await gatewayOf(t, [used], async (link) => {
      // The file could not be written when the key was used: it still holds both.
      await writeFile(file.path, JSON.stringify(before))
      await link.send(offer(later))
      resolve(decode(await link.receive(limits), RotationConfirmation))
    })
    const session = await connect({ ...gateway, credential: await readCredential(file.path) })
    await confirmed
    assert.deepEqual(await contentOf(file), after)
    await session.close()
  }
})

test('an offer of the same key again is confirmed again', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const { promise: confirmed, resolve } = Promise.withResolvers<void>()
  const gateway = await gatewayOf(t, [old], async (link) => {
    for (let i = 0; i < 2; i++) {
      await link.send(offer(next))
      decode(await link.receive(limits), RotationConfirmation)
    }
    resolve()
  })
  const session = await connect({ ...gateway, credential: await readCredential(file.path) })
  await confirmed
  assert.deepEqual(await contentOf(file), fileOf(old, next))
  await session.close()
})

test('an offer of the very 2nd seed in use changes nothing', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const { promise, resolve } = Promise.withResolvers<void>()
  const gateway = await gatewayOf(t, [old], async (link) => {
    await link.send(offer({ secondSeed: old.secondSeed, euKey: randomBytes(32) }))
    await link.send(encode(Pong, {}))
    resolve()
  })
  const session = await connect({ ...gateway, credential: await readCredential(file.path) })
  await promise
  await assert.rejects(session.rotate({ timeoutMs: 100 }), { code: 'DEADLINE_EXCEEDED' })
  await session.close()
  await file.assertUntouched()
})

test('a file that has moved on, or that is of another pairing, is not overwritten', async (t) => {
  for (const content of [fileOf(later), { ...confirmedFile, pneId: 'another' }, unconfirmedPairing()]) {
    const file = await credentialFile(t, confirmedFile)
    const gateway = await gatewayOf(t, [old], async (link) => {
      await writeFile(file.path, JSON.stringify(content))
      await link.send(offer(next))
    })
    const session = await connect({ ...gateway, credential: await readCredential(file.path) })
    await assert.rejects(session.rotate({ timeoutMs: 200 }), { code: 'DEADLINE_EXCEEDED' })
    assert.deepEqual(await contentOf(file), content)
    await session.close()
  }
})

function unconfirmedPairing(): object {
  const { type, version, gateway, ticketId, deviceNonce } = unconfirmedFile
  return { type, version, state: 'pairing', gateway, ticketId, deviceNonce }
}

test('when every key is refused, one that another process has kept meanwhile is tried too', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const credential = await readCredential(file.path)
  await writeFile(file.path, JSON.stringify(fileOf(next)))
  const gateway = await gatewayOf(t, [next])
  await (await connect({ ...gateway, credential })).close()
  assert.deepEqual(gateway.named, [old, next])
  await (await connect({ ...gateway, credential })).close()
  assert.deepEqual(gateway.named, [old, next, next])
})

test('a file that cannot be written: no confirmation, the error for who asked, and the keys as they were', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  let confirmed = false
  const gateway = await gatewayOf(t, [old], async (link) => {
    decode(await link.receive(limits), RotationRequest)
    await link.send(offer(next))
    await link.receive(limits).then(() => {
      confirmed = true
    })
  })
  const credential = await readCredential(file.path)
  const session = await connect({ ...gateway, credential })
  await chmod(file.path, 0o644) // not even root may use it then
  await assert.rejects(session.rotate(), { code: /^CREDENTIAL_/ })
  assert.deepEqual([text(credential), credential.keys.next], [text(old), undefined])
  await session.close()
  assert.equal(confirmed, false)
})

test('a credential that nobody keeps is not rotated: the offer is ignored, and asking is refused', async (t) => {
  const gateway = await gatewayOf(t, [old], async (link) => {
    await link.send(offer(next))
    await link.send(encode(Pong, {}))
  })
  const held = new Credential({ pneId: 'meter-017', realm, gateway: home, ...old })
  const session = await connect({ ...gateway, credential: held })
  await assert.rejects(session.rotate(), { code: 'ROTATION_UNAVAILABLE', message: /credential from a file/ })
  assert.equal(held.keys.next, undefined)
  assert.equal(session.stream.destroyed, false)
  await session.close()
})

test('a credential that the caller keeps is rotated through the caller', async (t) => {
  const kept: (CredentialFields & { next?: Key | undefined })[] = []
  const save = async (fields: CredentialFields & { next?: Key | undefined }) => void kept.push(fields)
  const active = [old]
  const gateway = await gatewayOf(t, active, async (link) => {
    if (active.includes(next)) return
    decode(await link.receive(limits), RotationRequest)
    await link.send(offer(next))
    decode(await link.receive(limits), RotationConfirmation)
    assert.equal(kept.length, 1)
    active.push(next)
    await link.send(done(next))
  })
  const held = new Credential({ pneId: 'meter-017', realm, gateway: home, ...old }, { save })
  await rotate({ ...gateway, credential: held })
  assert.deepEqual(
    kept.map((fields) => [text(fields), fields.next && text(fields.next)]),
    [
      [text(old), text(next)],
      [text(next), undefined],
    ],
  )
  assert.deepEqual(gateway.failures, [])
})

test('a session for a service is not rotated', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const gateway = await gatewayOf(t, [old])
  const session = await connect({ ...gateway, credential: await readCredential(file.path), service: 'mqtt' })
  await assert.rejects(session.rotate(), { code: 'ROTATION_UNAVAILABLE' })
  await session.close()
})

test('asking ends with the session, with the deadline, or with the signal', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const gateway = await gatewayOf(t, [old])
  const session = await connect({ ...gateway, credential: await readCredential(file.path) })
  await assert.rejects(session.rotate({ timeoutMs: 50 }), { code: 'DEADLINE_EXCEEDED' })
  const reason = new Error('enough')
  await assert.rejects(session.rotate({ signal: AbortSignal.abort(reason) }), reason)
  const stop = new AbortController()
  const aborted = assert.rejects(session.rotate({ signal: stop.signal }), reason)
  stop.abort(reason)
  await aborted
  const lost = assert.rejects(session.rotate(), { code: 'UNREACHABLE' })
  await session.close()
  await lost
})

test('a RotationDone for another key tells nothing', async (t) => {
  const file = await credentialFile(t, confirmedFile)
  const gateway = await gatewayOf(t, [old], async (link) => {
    await link.send(done(next))
    await link.send(offer(next))
    decode(await link.receive(limits), RotationConfirmation)
    await link.send(done(later))
  })
  let told = false
  const onRotated = () => {
    told = true
  }
  const session = await connect({ ...gateway, credential: await readCredential(file.path), onRotated })
  await assert.rejects(session.rotate({ timeoutMs: 300 }), { code: 'DEADLINE_EXCEEDED' })
  assert.equal(told, false)
  await session.close()
})

test('a file with a next key that is none is corrupt', async (t) => {
  const whole = fileOf(old, next)
  for (const wrong of [
    null,
    'x',
    [],
    {},
    { secondSeed: whole.secondSeed },
    { ...text(next), more: 'x' },
    { ...text(next), euKey: '' },
    { ...text(next), euKey: 7 },
  ]) {
    const file = await credentialFile(t, { ...whole, next: wrong })
    await assert.rejects(readCredential(file.path), { code: 'CREDENTIAL_CORRUPT' })
  }
  const file = await credentialFile(t, { ...unconfirmedFile, next: text(next) })
  await assert.rejects(readCredential(file.path), { code: 'CREDENTIAL_CORRUPT' })
})

test('neither key shows in inspect or JSON', async (t) => {
  const file = await credentialFile(t, fileOf(old, next))
  const read = await readCredential(file.path)
  const shown = [
    inspect(read, { showHidden: true, depth: 9 }),
    JSON.stringify(read),
    JSON.stringify({ ...read }),
  ].join()
  for (const key of [old, next]) {
    assert.ok(!shown.includes(text(key).euKey))
    assert.ok(!shown.includes(inspect(Buffer.from(key.euKey)).slice(8, 30)))
  }
})
