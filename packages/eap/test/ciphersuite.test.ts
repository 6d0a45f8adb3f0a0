import assert from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { ciphersuite, gkdf } from '../src/gpsk/ciphersuite.ts'
import { aesCmac } from '../src/gpsk/cmac.ts'
import { GpskKeys } from '../src/index.ts'
import { eapError, PSK } from './support.ts'

// RFC 4493 section 4.
const KEY = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex')
const MESSAGE = Buffer.from(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  'hex',
)
const RFC_4493: readonly (readonly [length: number, mac: string])[] = [
  [0, 'bb1d6929e95937287fa37d129b756746'],
  [16, '070a16b46b4d4144f79bdd9dd04a287c'],
  [40, 'dfa66747de9ae63030ca32611497c827'],
  [64, '51f0bebf7e3b9d92fc49741779363cfe'],
]

for (const [length, mac] of RFC_4493) {
  test(`AES-CMAC of ${length} octets, RFC 4493 section 4`, () => {
    assert.equal(aesCmac(KEY)(MESSAGE.subarray(0, length)).toString('hex'), mac)
  })
}

test('AES-CMAC: one keyed function gives every message its own MAC, in any order', () => {
  const mac = aesCmac(KEY)
  for (const [length, expected] of [...RFC_4493, ...RFC_4493.toReversed()]) {
    assert.equal(mac(MESSAGE.subarray(0, length)).toString('hex'), expected)
  }
})

test('AES-CMAC: a caller that overwrites a MAC does not spoil the next one', () => {
  const mac = aesCmac(KEY)
  mac(MESSAGE).fill(0)
  assert.equal(mac(MESSAGE).toString('hex'), RFC_4493[3]?.[1])
})

test('AES-CMAC: the second subkey is right when the first one carries', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ maxLength: 70 }), (key, message) => {
      assert.deepEqual(aesCmac(key)(message), referenceCmac(key, message))
    }),
  )
})

/** RFC 4493 in whole numbers: nothing shared with the code under test but AES itself. */
function referenceCmac(key: Uint8Array, message: Uint8Array): Buffer {
  const encrypt = aesBlock(key)
  const double = (n: bigint) => ((n << 1n) ^ (n >> 127n ? 0x87n : 0n)) & ((1n << 128n) - 1n)
  const k1 = double(encrypt(0n))
  const whole = message.length > 0 && message.length % 16 === 0
  const padded = whole ? Buffer.from(message) : Buffer.concat([message, Buffer.of(0x80), Buffer.alloc(15)])
  const blocks = Math.floor(padded.length / 16)
  let x = 0n
  for (let i = 0; i < blocks; i++) {
    const subkey = i < blocks - 1 ? 0n : whole ? k1 : double(k1)
    x = encrypt(x ^ subkey ^ BigInt(`0x${padded.subarray(16 * i, 16 * i + 16).toString('hex')}`))
  }
  return toBlock(x)
}

function aesBlock(key: Uint8Array): (n: bigint) => bigint {
  const cipher = createCipheriv('aes-128-ecb', key, null)
  return (n) => BigInt(`0x${cipher.update(toBlock(n)).toString('hex')}`)
}

function toBlock(n: bigint): Buffer {
  return Buffer.from(n.toString(16).padStart(32, '0'), 'hex')
}

test('GKDF: M_1 || M_2 || … cut to size, by RFC 5433 section 7', () => {
  const suite = ciphersuite(2)
  const data = Buffer.from('input')
  const block = (i: number) =>
    createHmac('sha256', PSK)
      .update(Buffer.from([0, i]))
      .update(data)
      .digest()
  const all = Buffer.concat([block(1), block(2), block(3)])
  for (const size of [0, 1, 31, 32, 33, 64, 96]) {
    assert.deepEqual(gkdf(suite, suite.mac(PSK), [data], size), all.subarray(0, size))
  }
})

test('GKDF: a part from an offset is that part of the whole, for both ciphersuites', () => {
  for (const suite of [ciphersuite(1), ciphersuite(2)]) {
    const mac = suite.mac(PSK.subarray(0, suite.ks))
    const whole = gkdf(suite, mac, [PSK], 160)
    assert.deepEqual(gkdf(suite, mac, [PSK], 160 - 2 * suite.ks, 2 * suite.ks), whole.subarray(2 * suite.ks))
    assert.throws(() => gkdf(suite, mac, [PSK], 16, suite.ks / 2), RangeError)
  }
})

test('no ciphersuite but 1 and 2 of the IETF is known', () => {
  for (const id of [0, 3, 2 ** 16 + 1, 2 ** 32 + 2, 2 ** 48 - 1]) {
    assert.throws(() => ciphersuite(id), eapError('EAP_UNSUPPORTED_CIPHERSUITE'))
  }
})

const RAND = Buffer.alloc(32, 1)
const INPUT = { randPeer: RAND, idPeer: RAND, randServer: RAND, idServer: RAND, csuiteSel: 2 }

test('a PSK shorter than KS is refused, and told as any other failure to authenticate', () => {
  assert.throws(() => new GpskKeys(PSK.subarray(0, 31), INPUT), eapError('EAP_WEAK_PSK', 2))
  assert.throws(() => new GpskKeys(PSK.subarray(0, 15), { ...INPUT, csuiteSel: 1 }), eapError('EAP_WEAK_PSK', 2))
  assert.doesNotThrow(() => new GpskKeys(PSK.subarray(0, 16), { ...INPUT, csuiteSel: 1 }))
  assert.throws(() => new GpskKeys(new Uint8Array(65_536), INPUT), RangeError)
})

test('keys are derived once, survive the wiping of the PSK, and show nowhere', () => {
  const psk = Buffer.from(PSK)
  const keys = new GpskKeys(psk, INPUT)
  psk.fill(0)
  const same = new GpskKeys(PSK, INPUT)
  for (const name of ['msk', 'emsk', 'sk', 'sessionId'] as const) {
    assert.deepEqual(keys[name], same[name])
    assert.equal(keys[name], keys[name])
  }
  const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys)
  for (const octets of [keys.msk, keys.sk, PSK]) {
    assert.ok(!shown.includes(octets.toString('hex').slice(0, 8)))
    assert.ok(!shown.includes(inspect(octets).slice(8, 20)))
  }
})
