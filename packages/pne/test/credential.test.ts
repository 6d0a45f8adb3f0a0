// The credential: what its file must be, what it never shows, and when it counts as confirmed.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Credential, connect, readCredential } from '../src/index.ts'
import { confirmedFile, credentialFile, folder, unconfirmedFile } from './files.ts'
import { credential, euKey, home, lobby, realm, scriptedGateway, secondSeed } from './gateway.ts'

test('a confirmed file and an unconfirmed one give the same credential, told apart by `confirmed`', async (t) => {
  for (const [content, confirmed] of [
    [confirmedFile, true],
    [unconfirmedFile, false],
  ] as const) {
    const file = await credentialFile(t, content)
    const read = await readCredential(file.path)
    assert.deepEqual(Buffer.from(read.euKey), euKey)
    assert.deepEqual(Buffer.from(read.secondSeed), secondSeed)
    assert.deepEqual([read.pneId, read.realm, read.gateway], ['meter-017', realm, home])
    assert.equal(read.confirmed, confirmed)
    await file.assertUntouched()
  }
})

test('no secret shows in inspect, JSON, templates, spreads or console formats', async (t) => {
  const file = await credentialFile(t, unconfirmedFile)
  const read = await readCredential(file.path)
  const shown = [
    inspect(read, { showHidden: true, depth: 9 }),
    JSON.stringify(read),
    `${read}`,
    format('%o %O %j %s', read, read, read, read),
    JSON.stringify({ ...read }),
    inspect(Object.entries(read)),
    inspect(new Error('x', { cause: read })),
  ].join('\n')
  for (const secret of [euKey, Buffer.alloc(32, 3)]) {
    assert.ok(!shown.includes(secret.toString('base64url')))
    assert.ok(!shown.includes(secret.toString('hex')))
    assert.ok(!shown.replace(/[\s,]+/g, ' ').includes([...secret].join(' ')))
    assert.ok(!shown.includes(inspect(secret).slice(8, 30)))
  }
  assert.match(`${read}`, /^credential of meter-017, assigned by home-gw@example.org$/)
})

test('no file, and a pairing that was cut off before the keys came: CREDENTIAL_MISSING, with what to do', async (t) => {
  const missing = join(await folder(t), 'none.json')
  await assert.rejects(readCredential(missing), {
    name: 'PneError',
    code: 'CREDENTIAL_MISSING',
    message: `there is no credential in ${missing}: make one with: opencpns pne pair URI`,
  })
  const { type, version, gateway, ticketId, deviceNonce } = unconfirmedFile
  const file = await credentialFile(t, { type, version, state: 'pairing', gateway, ticketId, deviceNonce })
  await assert.rejects(readCredential(file.path), { code: 'CREDENTIAL_MISSING', message: /was cut off: run again/ })
})

test('a file that others may read or write: CREDENTIAL_TOO_OPEN', async (t) => {
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
    const file = await credentialFile(t, confirmedFile)
    await chmod(file.path, mode)
    await assert.rejects(readCredential(file.path), { code: 'CREDENTIAL_TOO_OPEN', message: /chmod 600/ })
  }
})

test('what is not a file: CREDENTIAL_UNREADABLE', async (t) => {
  const path = join(await folder(t), 'pne.json')
  await mkdir(path, { mode: 0o700 })
  await assert.rejects(readCredential(path), { code: 'CREDENTIAL_UNREADABLE' })
})

const { euKey: key, ...withoutKey } = confirmedFile
const corrupt: Record<string, unknown> = {
  empty: '',
  'no JSON': '{',
  'no object': '7',
  null: 'null',
  'an array': [],
  'another type': { ...confirmedFile, type: 'opencpns-gateway' },
  'another version': { ...confirmedFile, version: 2 },
  'an unknown state': { ...confirmedFile, state: 'lost' },
  'a null state': { ...confirmedFile, state: null },
  'an unknown name': { ...confirmedFile, more: 1 },
  'no key': withoutKey,
  'a key under another name': { ...withoutKey, key },
  'a key of 31 octets': { ...confirmedFile, euKey: Buffer.alloc(31).toString('base64url') },
  'a key with padding': { ...confirmedFile, euKey: `${key}=` },
  'a key in another spelling': { ...confirmedFile, euKey: `${'A'.repeat(42)}B` },
  'a key in base64': { ...confirmedFile, euKey: Buffer.alloc(32, 0xff).toString('base64') },
  'a key as numbers': { ...confirmedFile, euKey: [...euKey] },
  'a 2nd seed that is none': { ...confirmedFile, secondSeed: '' },
  'a realm that is none': { ...confirmedFile, realm: 'Example.org' },
  'a gateway that is none': { ...confirmedFile, gateway: 'home' },
  'a PNE id with a control character': { ...confirmedFile, pneId: 'a\nb' },
  'a PNE id of 65 octets': { ...confirmedFile, pneId: 'a'.repeat(65) },
  'unconfirmed without a nonce': { ...confirmedFile, state: 'unconfirmed', ticketId: unconfirmedFile.ticketId },
  'confirmed with a nonce': { ...confirmedFile, deviceNonce: unconfirmedFile.deviceNonce },
  'more than 4,096 octets': JSON.stringify(confirmedFile) + ' '.repeat(4096),
}
for (const [what, content] of Object.entries(corrupt)) {
  test(`a file with ${what}: CREDENTIAL_CORRUPT, and no secret in the message`, async (t) => {
    const file = await credentialFile(t, content)
    await assert.rejects(readCredential(file.path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'CREDENTIAL_CORRUPT')
      assert.ok(!inspect(error).includes(key))
      return true
    })
    await file.assertUntouched()
  })
}

test('a file cut at any length, as by a full disk: CREDENTIAL_CORRUPT', async (t) => {
  const whole = JSON.stringify(confirmedFile)
  for (let length = 0; length < whole.length; length += 7) {
    const file = await credentialFile(t, whole.slice(0, length))
    await assert.rejects(readCredential(file.path), { code: 'CREDENTIAL_CORRUPT' })
  }
})

test('the local case confirms an unconfirmed credential in its file', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.local())
  const file = await credentialFile(t, unconfirmedFile)
  const session = await connect({ ...gateway, credential: await readCredential(file.path) })
  await session.close()
  assert.deepEqual(JSON.parse(await readFile(file.path, 'utf8')), confirmedFile)
  assert.equal((await stat(file.path)).mode & 0o777, 0o600)
})

test('the remote case does not: the server may be ahead of the gateway, where the pairing must go on', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.remote(), lobby)
  const file = await credentialFile(t, unconfirmedFile)
  await (await connect({ ...gateway, credential: await readCredential(file.path) })).close()
  await file.assertUntouched()
})

test('an authentication leaves a confirmed file alone, and one that holds another credential by now', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.local())
  const other = { ...unconfirmedFile, secondSeed: randomBytes(32).toString('base64url') }
  for (const content of [confirmedFile, other]) {
    const file = await credentialFile(t, content)
    const fields = { pneId: 'meter-017', realm, gateway: home, secondSeed, euKey }
    const held = new Credential(fields, { confirmed: false, file: file.path })
    await (await connect({ ...gateway, credential: held })).close()
    await file.assertUntouched()
  }
})

test('an authentication succeeds though its file cannot be written any more', async (t) => {
  const gateway = await scriptedGateway(t, (device) => device.local())
  const fields = { pneId: 'meter-017', realm, gateway: home, secondSeed, euKey }
  const held = new Credential(fields, { confirmed: false, file: '/nonexistent/pne.json' })
  await (await connect({ ...gateway, credential: held })).close()
})

test('a credential made by hand is checked: a bug of the caller', () => {
  const fields = { pneId: 'a', realm, gateway: home, secondSeed, euKey }
  assert.throws(() => new Credential({ ...fields, euKey: euKey.subarray(1) }), TypeError)
  assert.throws(() => new Credential({ ...fields, secondSeed: Buffer.alloc(33) }), TypeError)
  assert.throws(() => new Credential({ ...fields, gateway: 'home' }), TypeError)
  assert.equal(credential.confirmed, true)
})
