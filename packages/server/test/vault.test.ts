import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Vault, VaultError } from '../src/vault.ts'

const masterKey = Buffer.alloc(32, 1)
const secret = Buffer.from('0123456789abcdef0123456789abcdef')

test('what is sealed opens in its place, under the same master key', () => {
  const sealed = new Vault(masterKey).seal('first-seed', 'alice/1', secret)
  assert.equal(sealed.length, 1 + 12 + 32 + 16)
  assert.deepEqual(new Vault(masterKey).open('first-seed', 'alice/1', sealed), secret)
})

test('a sealed value opens in no other row, and for no other purpose', () => {
  const vault = new Vault(masterKey)
  const sealed = vault.seal('first-seed', 'alice/1', secret)
  for (const row of ['alice/2', 'bob/1', '', 'alice/1 ', 'alice/11']) {
    assert.throws(() => vault.open('first-seed', row, sealed), VaultError, row)
  }
  assert.throws(() => vault.open('gateway-secret', 'alice/1', sealed), { code: 'VAULT_CANNOT_OPEN' })
})

test('a sealed value opens under no other master key', () => {
  const sealed = new Vault(masterKey).seal('first-seed', 'alice/1', secret)
  assert.throws(() => new Vault(randomBytes(32)).open('first-seed', 'alice/1', sealed), { code: 'VAULT_CANNOT_OPEN' })
})

test('a sealed value with any bit changed does not open', () => {
  const vault = new Vault(masterKey)
  const sealed = vault.seal('first-seed', 'alice/1', secret)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.throws(() => vault.open('first-seed', 'alice/1', changed), VaultError, `bit ${bit}`)
  }
})

test('a sealed value cut at any length, or prolonged, does not open', () => {
  const vault = new Vault(masterKey)
  const sealed = vault.seal('first-seed', 'alice/1', secret)
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => vault.open('first-seed', 'alice/1', sealed.subarray(0, length)), VaultError, `${length} octets`)
  }
  assert.throws(() => vault.open('first-seed', 'alice/1', Buffer.concat([sealed, Buffer.of(0)])), VaultError)
})

test('the same value is never sealed to the same octets', () => {
  const vault = new Vault(masterKey)
  const sealed = Array.from({ length: 100 }, () => vault.seal('first-seed', 'alice/1', secret).toString('hex'))
  assert.equal(new Set(sealed).size, 100)
})

test('each use has a key of its own, the same in every process', () => {
  const vault = new Vault(masterKey)
  const keys = [masterKey, vault.challengeKey(), vault.checkValue()].map((key) => key.toString('hex'))
  assert.equal(new Set(keys).size, 3)
  assert.deepEqual(new Vault(masterKey).challengeKey(), vault.challengeKey())
  assert.notDeepEqual(new Vault(randomBytes(32)).challengeKey(), vault.challengeKey())
})

test('a key that was given out can be overwritten without harm', () => {
  const vault = new Vault(masterKey)
  const before = vault.challengeKey().toString('hex')
  vault.challengeKey().fill(0)
  assert.equal(vault.challengeKey().toString('hex'), before)
})

test('a master key has 32 octets', () => {
  for (const octets of [0, 31, 33]) assert.throws(() => new Vault(randomBytes(octets)), RangeError)
})

test('nothing shows a key of the vault', () => {
  const vault = new Vault(masterKey)
  const shown = [inspect(vault, { showHidden: true, depth: 9 }), String(vault), JSON.stringify(vault)].join()
  assert.equal(shown, 'Vault {},[object Object],{}')
})

test('an error of the vault shows neither key nor value', () => {
  const vault = new Vault(masterKey)
  const sealed = vault.seal('first-seed', 'alice/1', secret)
  try {
    vault.open('first-seed', 'bob/1', sealed)
    assert.fail('it opened')
  } catch (error) {
    const shown = inspect(error, { depth: 9 })
    for (const octets of [secret, sealed, masterKey]) {
      for (const form of ['hex', 'base64url', 'latin1'] as const) assert.ok(!shown.includes(octets.toString(form)))
    }
  }
})
