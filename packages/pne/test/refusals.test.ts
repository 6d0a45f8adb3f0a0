// What a device does not put up with. To whoever reads the error every refused authentication is the same one; a frame or an
// order that the protocol does not know is PROTOCOL_VIOLATION; and the credential file stays as it is, octet by octet.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AuthenticationResponse,
  Case,
  Challenge,
  deriveLocalKey,
  deriveTransientKey,
  encode,
  Result,
  SessionOffer,
} from '@opencpns/protocol'
import { connect, type PneError, readCredential, TransientKeys } from '../src/index.ts'
import { credentialFile } from './files.ts'
import { credential, type Device, euKey, home, lobby, type Script, scriptedGateway } from './gateway.ts'

const localKey = deriveLocalKey(euKey)
const alike =
  'authentication failed: the gateway does not accept this device, or it is no gateway to be trusted. ' +
  'The credential is unchanged; if this goes on, ask the operator whether the device is known'

/** Connects, and gives the error that must come of it. */
async function refused(t: TestContext, script: Script, { identity = home, ...options } = {}): Promise<PneError> {
  const gateway = await scriptedGateway(t, script, identity)
  const file = await credentialFile(t)
  const connecting = connect({ ...gateway, credential: await readCredential(file.path), timeoutMs: 30_000, ...options })
  const error = await connecting.then(
    (session) => session.close().then(() => assert.fail(`a session came of it: ${JSON.stringify(session.facts)}`)),
    (error: PneError) => error,
  )
  await file.assertUntouched()
  return error
}

function refuses(what: string, code: PneError['code'], script: Script, identity = home): void {
  test(`${what}: ${code}`, async (t) => {
    const error = await refused(t, script, { identity })
    assert.equal(error.name, 'PneError')
    assert.equal(error.code, code)
    if (code === 'AUTHENTICATION_FAILED') assert.equal(error.message, alike)
  })
}

/** Sends octets as they are, in place of the answer to step 1. */
function answersWith(...frames: Uint8Array[]): Script {
  return async (device) => {
    await device.request()
    device.link.socket.write(Buffer.concat(frames))
  }
}

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

// The checks of docs/protocol.md section 4.1

refuses(
  'the local case at another gateway than the one that assigned the key',
  'AUTHENTICATION_FAILED',
  (device) => device.local(),
  lobby,
)
refuses('the local case after a Challenge', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.challenge()
  await device.secure(localKey)
})
refuses('the local case with an EAP packet', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.secure(localKey, { eap: device.gpsk1() })
})
refuses(
  'another gateway identity in the SessionOffer than in the Challenge',
  'AUTHENTICATION_FAILED',
  async (device) => {
    await device.request()
    const { gpsk3, msk } = device.vouch(await device.challenge())
    const key = deriveTransientKey({ msk, gateway: home })
    await device.secure(key, { case: Case.remote, gateway: lobby, eap: gpsk3 })
  },
)
refuses('another gateway identity in the second Challenge', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { gpsk3 } = device.vouch(await device.challenge())
  await device.challenge(gpsk3, lobby)
})
refuses('the remote case without any Challenge and without a TK', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.secure(localKey, { case: Case.remote })
})
refuses(
  'the remote case without any Challenge, but with GPSK-1 as its proof',
  'AUTHENTICATION_FAILED',
  async (device) => {
    await device.request()
    await device.secure(localKey, { case: Case.remote, eap: device.gpsk1() })
  },
)
refuses('the remote case without GPSK-3', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { msk } = device.vouch(await device.challenge())
  await device.secure(deriveTransientKey({ msk, gateway: home }), { case: Case.remote })
})
refuses('GPSK-1 again in the place of GPSK-3', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { msk } = device.vouch(await device.challenge())
  const key = deriveTransientKey({ msk, gateway: home })
  await device.secure(key, { case: Case.remote, eap: device.gpsk1() })
})
refuses('GPSK-3 a second time', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { gpsk3, msk } = device.vouch(await device.challenge())
  await device.challenge(gpsk3)
  const key = deriveTransientKey({ msk, gateway: home })
  await device.secure(key, { case: Case.remote, eap: gpsk3 })
})
refuses('EAP-Success in the place of GPSK-3', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { msk } = device.vouch(await device.challenge())
  const key = deriveTransientKey({ msk, gateway: home })
  await device.secure(key, { case: Case.remote, eap: hex('03 07 0004') })
})
refuses('a held TK after a Challenge', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const { gpsk3, msk } = device.vouch(await device.challenge())
  const key = deriveTransientKey({ msk, gateway: home })
  await device.secure(key, { case: Case.remote, eap: gpsk3, transientKeyId: Buffer.alloc(16) })
})
refuses('EAP-Request/Identity in a Challenge', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.challenge(hex('01 01 0005 01'))
})
refuses('an EAP packet that is no EAP', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.challenge(Buffer.alloc(64, 0xff))
})

test('GPSK-3 with any octet changed: AUTHENTICATION_FAILED', async (t) => {
  let at = 0
  let octets = 1
  const gateway = await scriptedGateway(t, (device) =>
    device.remote((gpsk3) => {
      octets = gpsk3.length
      const changed = Buffer.from(gpsk3)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      return changed
    }),
  )
  // The identifier alone (octet 1) is under no MAC: a Request is whatever identifier the server gives it.
  for (at = 0; at < octets; at += at === 0 ? 2 : 1) {
    await assert.rejects(
      connect({ ...gateway, credential }),
      { code: 'AUTHENTICATION_FAILED', message: alike },
      `octet ${at}`,
    )
  }
  assert.ok(octets > 100)
})

test('a TK that was named: another id, another gateway, no id and another key are refused, and the TK is kept', async (t) => {
  const transientKeys = new TransientKeys()
  const key = Buffer.alloc(32, 5)
  const offers: ((device: Device, id: Uint8Array) => Promise<unknown>)[] = [
    (device) => device.secure(key, { case: Case.remote, transientKeyId: Buffer.alloc(16) }),
    (device, transientKeyId) => device.secure(key, { case: Case.remote, transientKeyId, gateway: home }),
    (device) => device.secure(key, { case: Case.remote }),
    (device, transientKeyId) => device.secure(Buffer.alloc(32), { case: Case.remote, transientKeyId }),
    (device, transientKeyId) => device.secure(key, { case: Case.remote, transientKeyId, eap: device.gpsk1() }),
  ]
  let offer = 0
  const gateway = await scriptedGateway(
    t,
    async (device) => {
      const { transientKeyId } = await device.request()
      assert.ok(transientKeyId)
      await offers[offer]?.(device, transientKeyId)
    },
    lobby,
  )
  const pne = `${Buffer.from(credential.secondSeed).toString('base64url')}@${credential.realm}`
  transientKeys.add({ pne, host: gateway.host, port: gateway.port }, { key, gateway: lobby }, 600)
  for (offer = 0; offer < offers.length; offer++) {
    await assert.rejects(connect({ ...gateway, credential, transientKeys }), {
      code: 'AUTHENTICATION_FAILED',
      message: alike,
    })
  }
  assert.equal(transientKeys.size, 1)
})

// Step 7

refuses('TLS with another PSK', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.secure(Buffer.alloc(32, 9))
})
refuses(
  'a gateway that tells the PNE another identity than the server knows it by',
  'AUTHENTICATION_FAILED',
  async (device) => {
    await device.request()
    const { gpsk3, msk } = device.vouch(await device.challenge(undefined, home))
    const key = deriveTransientKey({ msk, gateway: lobby })
    await device.secure(key, { case: Case.remote, eap: gpsk3 })
  },
)
refuses('the connection ends in the place of TLS', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.offer()
  device.link.close()
})
refuses('a frame in the clear in the place of TLS', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.offer()
  const socket = device.link.release()
  socket.once('data', () => socket.write(framed(refusal))).resume()
})

// Step 8

refuses('the connection ends in the place of step 8', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  const tls = await device.secure(localKey)
  tls.end()
})
const codes = [
  [Result.authenticationFailed, 'AUTHENTICATION_FAILED'],
  [Result.unsupportedVersion, 'UNSUPPORTED_VERSION'],
  [Result.malformedMessage, 'PROTOCOL_VIOLATION'],
  [Result.busy, 'BUSY'],
  [Result.serverUnreachable, 'SERVER_UNREACHABLE'],
  [Result.ticketUsed, 'TICKET_USED'],
  [Result.ticketExpired, 'TICKET_EXPIRED'],
  [Result.serviceUnavailable, 'SERVICE_UNAVAILABLE'],
  [Result.notPermitted, 'PROTOCOL_VIOLATION'],
  [Result.challengeRefused, 'PROTOCOL_VIOLATION'],
] as const
for (const [result, code] of codes) {
  refuses(`step 8 with result ${result}`, code, async (device) => {
    await device.request()
    await device.respond(await device.secure(localKey), { result })
  })
}
refuses('another message in the place of step 8', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  const tls = await device.secure(localKey)
  tls.write(framed(encode(SessionOffer, { version: 1, gateway: home, sessionId: Buffer.alloc(16), case: Case.local })))
})

// A refusal in the clear is a hint

for (const [result, code] of codes) {
  const insideTlsOnly = [Result.ticketUsed, Result.ticketExpired, Result.serviceUnavailable] as Result[]
  const expected = insideTlsOnly.includes(result) ? 'PROTOCOL_VIOLATION' : code
  refuses(`result ${result} in the clear, in answer to step 1`, expected, async (device) => {
    await device.request()
    await device.refuse(result)
  })
}
refuses('authenticationFailed in the clear, after a Challenge', 'AUTHENTICATION_FAILED', async (device) => {
  await device.request()
  await device.challenge()
  await device.refuse(Result.authenticationFailed)
})
refuses('success in the clear', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  await device.refuse(Result.success)
})
refuses('success in the clear, after a Challenge', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  await device.challenge()
  await device.refuse(Result.success)
})

// Frames and their order

refuses('more than four Challenges', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  for (let count = 0; count < 5; count++) await device.challenge()
})
refuses('its own AuthenticationRequest reflected', 'PROTOCOL_VIOLATION', async (device) => {
  device.link.release().pipe(device.link.socket)
})
refuses('its own ChallengeAnswer reflected', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  await device.link.send(encode(Challenge, { version: 1, gateway: home, eap: device.gpsk1() }))
  device.link.release().pipe(device.link.socket)
})
refuses('a version that was not offered, in a Challenge', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  await device.challenge(undefined, home, 2)
})
refuses('a version that was not offered, in the SessionOffer', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  await device.secure(localKey, { version: 2 })
})
refuses('octets after the SessionOffer, before TLS', 'PROTOCOL_VIOLATION', async (device) => {
  await device.request()
  const offer = encode(SessionOffer, { version: 1, gateway: home, sessionId: Buffer.alloc(16), case: Case.local })
  device.link.socket.write(Buffer.concat([framed(offer), framed(offer)]))
})

const refusal = encode(AuthenticationResponse, { result: Result.busy })
refuses('a frame of 4,097 octets', 'PROTOCOL_VIOLATION', answersWith(framed(Buffer.alloc(4097))))
refuses('a length prefix of 4 GiB', 'PROTOCOL_VIOLATION', answersWith(hex('ffffffff')))
refuses('an empty frame', 'PROTOCOL_VIOLATION', answersWith(hex('00000000')))
refuses('an answer of another protocol', 'PROTOCOL_VIOLATION', answersWith(Buffer.from('HTTP/1.1 400 Bad Request\r\n')))
refuses(
  'a message with trailing octets',
  'PROTOCOL_VIOLATION',
  answersWith(framed(Buffer.concat([refusal, hex('00')]))),
)
refuses(
  'a message that is not in deterministic encoding',
  'PROTOCOL_VIOLATION',
  answersWith(framed(hex('a2 00 05 01 18 04'))),
)
refuses('a message with an unknown key', 'PROTOCOL_VIOLATION', answersWith(framed(hex('a3 00 05 01 04 18 63 00'))))
refuses('a message with a duplicate key', 'PROTOCOL_VIOLATION', answersWith(framed(hex('a3 00 05 01 04 01 04'))))
refuses('a message of another family', 'PROTOCOL_VIOLATION', answersWith(framed(hex('a1 00 06'))))
refuses('deep nesting', 'PROTOCOL_VIOLATION', answersWith(framed(Buffer.alloc(4096, 0x81))))
refuses('a connection that ends after step 1', 'UNREACHABLE', async (device) => {
  await device.request()
  device.link.close()
})
refuses('a connection that ends within a frame', 'UNREACHABLE', async (device) => {
  await device.request()
  device.link.socket.end(framed(refusal).subarray(0, 6))
})
