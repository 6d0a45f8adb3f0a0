// eapol_test, the EAP peer of wpa_supplicant with a RADIUS client, asks the real server: what is let in, and what is not.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { type Attempt, eapolTest } from './eapol-test.ts'
import { without } from './peers.ts'
import { type Device, Stage } from './stage.ts'

suite('eapol_test at the RADIUS door', { skip: without('eapol_test') }, () => {
  const stage = new Stage('--radius', '127.0.0.1:0')
  let secret: string
  let watch: Device
  let revoked: Device

  before(async () => {
    await stage.open()
    secret = await stage.accessPoint('lobby-ap', '127.0.0.1')
    const devices = await stage.pair('watch', 'camera')
    watch = devices[0] as Device
    revoked = devices[1] as Device
  })
  after(() => stage.close())

  const attempt = (of: Partial<Attempt>) =>
    eapolTest(stage, { device: watch, port: stage.port('radius'), secret, ...of })

  for (const ciphersuite of [2, 1] as const) {
    test(`ciphersuite ${ciphersuite}: accepted, and both sides have the same keys`, async () => {
      const { accepted, sameKeys, output } = await attempt({ ciphersuite })
      assert.ok(accepted && sameKeys, output)
      assert.equal(await stage.newestReason(), null)
    })
  }

  const password = randomBytes(32).toString('hex')
  const stranger = `${randomBytes(32).toString('base64url')}@example.org`
  const refusals: [string, () => Partial<Attempt>, string][] = [
    ['with another key', () => ({ device: { ...watch, password } }), 'EAP_BAD_MAC'],
    ['with another key and ciphersuite 1', () => ({ device: { ...watch, password }, ciphersuite: 1 }), 'EAP_BAD_MAC'],
    ['that nobody paired', () => ({ device: { identity: stranger, password } }), 'UNKNOWN_PNE'],
    [
      'of another realm',
      () => ({ device: { ...watch, identity: watch.identity.replace('org', 'net') } }),
      'IDENTITY_INVALID',
    ],
    ['with a name as its identity', () => ({ device: { ...watch, identity: 'alice' } }), 'IDENTITY_INVALID'],
    ['with EAP-MD5', () => ({ method: ['eap=MD5', 'password="secret"'] }), 'EAP_METHOD_REFUSED'],
    [
      'with PEAP',
      () => ({ method: ['eap=PEAP', 'password="secret"', 'phase2="auth=MSCHAPV2"'] }),
      'EAP_METHOD_REFUSED',
    ],
  ]
  for (const [name, of, reason] of refusals) {
    test(`a device ${name} is told so at once by EAP-Failure`, async () => {
      const { accepted, sameKeys, failed, output } = await attempt(of())
      assert.deepEqual({ accepted, sameKeys, failed }, { accepted: false, sameKeys: false, failed: true }, output)
      assert.equal(await stage.newestReason(), reason)
    })
  }

  test('a device is accepted until it is revoked', async () => {
    assert.ok((await attempt({ device: revoked })).accepted)
    await stage.revoke(revoked)
    const { accepted, failed, output } = await attempt({ device: revoked })
    assert.deepEqual({ accepted, failed }, { accepted: false, failed: true }, output)
    assert.equal(await stage.newestReason(), 'PNE_REVOKED')
  })
})
