// The device as a network of wpa_supplicant. That wpa_supplicant takes it is proved by test/interop/radius.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveGpskPsk } from '@opencpns/protocol'
import { Credential, exportNetwork, networkOf } from '../src/index.ts'

const euKey = Buffer.alloc(32, 7)
const fields = {
  pneId: 'pne-a',
  realm: 'example.org',
  gateway: 'home@example.org',
  secondSeed: Buffer.alloc(32, 1),
  euKey,
}
const credential = new Credential(fields)
const identity = `${Buffer.alloc(32, 1).toString('base64url')}@example.org`
const password = deriveGpskPsk(euKey).toString('hex')

test('a block for a wire', () => {
  const lines = ['key_mgmt=IEEE8021X', 'eapol_flags=0', 'eap=GPSK', `identity="${identity}"`, `password=${password}`]
  assert.equal(
    exportNetwork(credential),
    ['network={', ...lines.map((line) => `  ${line}`), '  phase1="cipher=2"', '}'].join('\n'),
  )
})

test('a block for Wi-Fi names the network, in hexadecimal where quotes could go wrong', () => {
  const ssidIn = (ssid: string) => /^ {2}ssid=(.*)$/m.exec(exportNetwork(credential, { ssid }))?.[1]
  assert.equal(ssidIn('Lobby 5-GHz'), '"Lobby 5-GHz"')
  for (const ssid of ['a"b', 'a\nb', 'Café', '#1', '}']) assert.equal(ssidIn(ssid), Buffer.from(ssid).toString('hex'))
  assert.match(exportNetwork(credential, { ssid: 'Lobby' }), /key_mgmt=WPA-EAP/)
})

test('a name that no Wi-Fi can have is refused', () => {
  for (const ssid of ['', 'x'.repeat(33), 'é'.repeat(17)]) {
    assert.throws(() => exportNetwork(credential, { ssid }), { name: 'PneError', code: 'BAD_SSID' })
  }
})

test('the password is the key of EAP-GPSK, never the EUKey', () => {
  assert.deepEqual(networkOf(credential), { eap: 'GPSK', identity, password, phase1: 'cipher=2' })
  assert.ok(!JSON.stringify(networkOf(credential)).includes(euKey.toString('hex')))
})
