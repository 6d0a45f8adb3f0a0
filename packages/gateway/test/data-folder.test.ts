import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect, promisify } from 'node:util'
import { listenTcp, silent } from '@opencpns/io'
import { deriveLocalKey, parsePairingUri, revocationTag } from '@opencpns/protocol'
import { readGatewayCredential } from '../src/credential.ts'
import { createTicket, runGateway } from '../src/index.ts'
import { claimDataFolder, openDataFolder } from '../src/keystore/data-folder.ts'
import { name, temporaryFolder } from './support/harness.ts'

const index = pathToFileURL(join(import.meta.dirname, '../src/index.ts')).href
const nowhere = { host: '127.0.0.1', port: 1 }
const anyPort = { host: '127.0.0.1', port: 0 }

async function credentialFile(dir: string, changes: object = {}): Promise<string> {
  const file = join(dir, 'gateway.json')
  const secret = randomBytes(32).toString('base64url')
  const credential = { type: 'opencpns-gateway', version: 1, ...name, secret, ...changes }
  await writeFile(file, JSON.stringify(credential), { mode: 0o600 })
  return file
}

async function gatewayOptions(t: TestContext) {
  const dir = await temporaryFolder(t)
  const dataDir = join(dir, 'data')
  return { credentialFile: await credentialFile(dir), dataDir, server: nowhere, listen: anyPort, logger: silent }
}

async function folderWithKey(t: TestContext) {
  const dir = await temporaryFolder(t)
  const folder = await claimDataFolder(dir, name)
  const key = { pneId: 'pne-1', euKey: randomBytes(32) }
  const ticket = { ticketId: randomBytes(16), secret: randomBytes(16), expiresAtS: Math.floor(Date.now() / 1000) + 60 }
  folder.tickets.add(ticket)
  const state = folder.tickets.assign(ticket.ticketId, randomBytes(32), Date.now())
  assert.ok(state.is === 'assigned')
  const { secondSeed } = state
  folder.keys.storePending(secondSeed, key)
  assert.ok(folder.tickets.complete(ticket.ticketId, secondSeed, Date.now()))
  t.after(() => folder.close())
  return { dir, folder, secondSeed, ...key, ticket }
}

test('the folder, the key and the database are for their owner alone; no secret is in the database in the clear', async (t) => {
  const { dir, folder, euKey, ticket } = await folderWithKey(t)
  folder.close()
  for (const file of ['storage.key', 'gateway.db']) {
    assert.equal((await stat(join(dir, file))).mode & 0o077, 0, file)
  }
  const database = await readFile(join(dir, 'gateway.db'))
  assert.equal(database.includes(euKey), false)
  assert.equal(database.includes(ticket.secret), false)
})

test('an EUKey is found again after a restart, opened', async (t) => {
  const { dir, folder, secondSeed, euKey } = await folderWithKey(t)
  folder.close()
  const again = await claimDataFolder(dir, name)
  t.after(() => again.close())
  assert.deepEqual(Buffer.from(again.keys.find(secondSeed)?.localKey ?? []), deriveLocalKey(euKey))
  assert.equal(again.keys.find(randomBytes(32)), undefined)
})

test('a database of the first release is taken over: its keys stay, of users unknown', async (t) => {
  const { dir, folder, secondSeed } = await folderWithKey(t)
  folder.close()
  const db = new DatabaseSync(join(dir, 'gateway.db'))
  db.exec(`
    CREATE TABLE first (
      second_seed    BLOB PRIMARY KEY CHECK (length(second_seed) = 32),
      revocation_tag BLOB NOT NULL UNIQUE CHECK (length(revocation_tag) = 32),
      pne_id         TEXT NOT NULL,
      sealed         BLOB NOT NULL,
      state          TEXT NOT NULL CHECK (state IN ('pending', 'active')),
      created_at     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO first SELECT second_seed, revocation_tag, pne_id, sealed, state, created_at FROM eu_keys;
    DROP TABLE eu_keys;
    ALTER TABLE first RENAME TO eu_keys;
    DROP TABLE outbox;
    DROP TABLE presences;
    PRAGMA user_version = 1`)
  db.close()
  const again = await claimDataFolder(dir, name)
  t.after(() => again.close())
  assert.deepEqual([again.keys.find(secondSeed)?.pneId, again.keys.find(secondSeed)?.user], ['pne-1', undefined])
  const euKey = randomBytes(32)
  again.keys.storePending(secondSeed, { pneId: 'pne-1', euKey, user: 'alice', generation: 2 })
  assert.equal(again.keys.find(secondSeed)?.user, 'alice')
})

test('a database of the third schema is taken over: its keys stay as they were, and can be rotated', async (t) => {
  const { dir, folder, secondSeed, euKey } = await folderWithKey(t)
  const pending = randomBytes(32)
  folder.keys.storePending(pending, { pneId: 'pne-2', euKey: randomBytes(32), user: 'alice', generation: 3 })
  folder.close()
  const db = new DatabaseSync(join(dir, 'gateway.db'))
  db.exec(`
    CREATE TABLE third (
      second_seed    BLOB PRIMARY KEY CHECK (length(second_seed) = 32),
      revocation_tag BLOB NOT NULL UNIQUE CHECK (length(revocation_tag) = 32),
      pne_id         TEXT NOT NULL,
      sealed         BLOB NOT NULL,
      state          TEXT NOT NULL CHECK (state IN ('pending', 'active')),
      created_at     INTEGER NOT NULL,
      user           TEXT,
      generation     INTEGER
    ) STRICT, WITHOUT ROWID;
    INSERT INTO third SELECT second_seed, revocation_tag, pne_id, sealed, state, created_at, user, generation FROM eu_keys;
    DROP TABLE eu_keys;
    ALTER TABLE third RENAME TO eu_keys;
    PRAGMA user_version = 3`)
  db.close()
  const again = await claimDataFolder(dir, name)
  t.after(() => again.close())
  assert.deepEqual(Buffer.from(again.keys.find(secondSeed)?.localKey ?? []), deriveLocalKey(euKey))
  assert.equal(again.keys.find(pending), undefined)
  assert.equal(again.keys.findAssigned(pending)?.user, 'alice')
  assert.equal(again.rotations.begin(secondSeed)?.length, 32)
  assert.equal(again.rotations.begin(pending), undefined)
})

test('a revoked EUKey is gone, from memory and from the disk, and the number stays', async (t) => {
  const { dir, folder, secondSeed } = await folderWithKey(t)
  assert.ok(folder.keys.find(secondSeed), 'opened in memory')
  folder.keys.revoke([randomBytes(32), revocationTag(secondSeed)], 7)
  assert.equal(folder.keys.find(secondSeed), undefined)
  folder.close()
  const again = await claimDataFolder(dir, name)
  t.after(() => again.close())
  assert.equal(again.keys.find(secondSeed), undefined)
  assert.equal(again.keys.revokedUpTo(), 7)
})

test('the number of a revocation that concerns nobody here holds at once, and is on the disk soon', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { dir, folder } = await folderWithKey(t)
  const other = await openDataFolder(dir)
  t.after(() => other.close())
  folder.keys.revoke([randomBytes(32)], 5)
  folder.keys.revoke([randomBytes(32)], 6)
  assert.deepEqual([folder.keys.revokedUpTo(), other.keys.revokedUpTo()], [6, 0])
  t.mock.timers.tick(1000)
  assert.equal(other.keys.revokedUpTo(), 6)
})

test('a sealed EUKey that was moved to another row does not open', async (t) => {
  const { dir, folder, secondSeed } = await folderWithKey(t)
  folder.close()
  const db = new DatabaseSync(join(dir, 'gateway.db'))
  db.exec(`UPDATE eu_keys SET second_seed = x'${'01'.repeat(32)}'`)
  db.close()
  const again = await claimDataFolder(dir, name)
  t.after(() => again.close())
  assert.equal(again.keys.find(secondSeed), undefined)
  assert.throws(() => again.keys.find(Buffer.alloc(32, 1)), { code: 'DATABASE_CORRUPT' })
})

test('a rotation is where it was after a restart, at every step', async (t) => {
  const { dir, folder, secondSeed, euKey } = await folderWithKey(t)
  let open = folder
  const restart = async () => {
    open.close()
    open = await claimDataFolder(dir, name)
    return open.rotations
  }
  t.after(() => open.close())
  const assigned = { pneId: 'pne-1', user: 'alice', generation: 2, euKey: randomBytes(32) }
  const successor = Uint8Array.from(folder.rotations.begin(secondSeed) ?? [])
  let rotations = await restart()
  assert.deepEqual(rotations.begin(secondSeed), successor, 'the same 2nd seed again')
  assert.deepEqual(rotations.find(secondSeed)?.successor, { secondSeed: successor, active: false })
  assert.equal(rotations.euKeyOf(successor), undefined)
  assert.equal(rotations.activate(successor), false)

  assert.equal(rotations.storeSuccessor(secondSeed, successor, { ...assigned, euKey: randomBytes(32) }), true)
  assert.equal(rotations.storeSuccessor(secondSeed, successor, assigned), true)
  rotations = await restart()
  assert.deepEqual(Buffer.from(rotations.euKeyOf(successor) ?? []), assigned.euKey)
  assert.equal(open.keys.find(successor), undefined, 'pending')

  assert.deepEqual([rotations.activate(successor), rotations.activate(successor)], [true, false])
  rotations = await restart()
  assert.deepEqual(rotations.find(secondSeed)?.successor, { secondSeed: successor, active: true })
  assert.deepEqual(Buffer.from(open.keys.find(secondSeed)?.localKey ?? []), deriveLocalKey(euKey))
  assert.deepEqual(Buffer.from(open.keys.find(successor)?.localKey ?? []), deriveLocalKey(assigned.euKey))
  assert.deepEqual([open.keys.find(secondSeed)?.replaces, open.keys.find(successor)?.replaces], [false, true])
  assert.equal(rotations.find(successor)?.generation, 2)

  assert.deepEqual([rotations.retireReplacedBy(successor), rotations.retireReplacedBy(successor)], [1, 0])
  assert.equal(open.keys.find(secondSeed), undefined, 'gone from memory too')
  assert.equal(open.keys.find(successor)?.replaces, false)
  rotations = await restart()
  assert.equal(open.keys.find(secondSeed), undefined)
  assert.equal(rotations.euKeyOf(secondSeed), undefined)
  assert.equal(rotations.begin(secondSeed), undefined)
  assert.deepEqual(
    rotations.retired().map((seed) => Buffer.from(seed)),
    [Buffer.from(secondSeed)],
  )
  rotations.forgetRetired(secondSeed)
  rotations.forgetRetired(successor)
  rotations = await restart()
  assert.deepEqual(rotations.retired(), [])
  assert.ok(open.keys.find(successor))
})

test('a rotation does not outlive the revocation of its key', async (t) => {
  const { folder, secondSeed } = await folderWithKey(t)
  const successor = folder.rotations.begin(secondSeed) ?? Buffer.of()
  folder.keys.revoke([revocationTag(secondSeed)], 1)
  const assigned = { pneId: 'pne-1', euKey: randomBytes(32) }
  assert.equal(folder.rotations.storeSuccessor(secondSeed, successor, assigned), false)
  assert.equal(folder.rotations.euKeyOf(successor), undefined)
  assert.equal(folder.rotations.begin(secondSeed), undefined)
})

test('a key that a device is being paired with is not made active by a rotation', async (t) => {
  const { folder } = await folderWithKey(t)
  const pending = randomBytes(32)
  folder.keys.storePending(pending, { pneId: 'pne-2', euKey: randomBytes(32) })
  assert.equal(folder.rotations.activate(pending), false)
  assert.equal(folder.keys.find(pending), undefined)
})

test('a pending EUKey of a rotation is not forgotten while the old key is there: the PNE may hold it', async (t) => {
  const { folder, secondSeed } = await folderWithKey(t)
  const successor = folder.rotations.begin(secondSeed) ?? Buffer.of()
  folder.rotations.storeSuccessor(secondSeed, successor, { pneId: 'pne-1', euKey: randomBytes(32) })
  folder.tickets.forgetOld(Date.now() + 100 * 3_600_000)
  assert.ok(folder.rotations.euKeyOf(successor))
  folder.keys.revoke([revocationTag(secondSeed)], 1)
  folder.tickets.forgetOld(Date.now() + 100 * 3_600_000)
  assert.equal(folder.rotations.euKeyOf(successor), undefined)
})

test('tickets and pending EUKeys are forgotten an hour after their time; active EUKeys stay', async (t) => {
  const { folder, secondSeed, ticket } = await folderWithKey(t)
  const pending = randomBytes(32)
  folder.keys.storePending(pending, { pneId: 'pne-2', euKey: randomBytes(32) })
  folder.tickets.forgetOld(Date.now() + 3_500_000)
  assert.ok(folder.keys.findAssigned(pending))
  folder.tickets.forgetOld(Date.now() + 3_700_000)
  assert.equal(folder.keys.findAssigned(pending), undefined)
  assert.equal(folder.tickets.find(ticket.ticketId), undefined)
  assert.ok(folder.keys.find(secondSeed))
})

test('another storage key is noticed at once, and so is none, or one that others may read', async (t) => {
  const { dir, folder } = await folderWithKey(t)
  folder.close()
  const keyFile = join(dir, 'storage.key')
  await copyFile(keyFile, join(dir, 'saved.key'))
  await chmod(keyFile, 0o644)
  await assert.rejects(claimDataFolder(dir, name), { code: 'STORAGE_KEY_WRONG', message: /chmod 600/ })
  await chmod(keyFile, 0o600)
  await writeFile(keyFile, randomBytes(32))
  await assert.rejects(claimDataFolder(dir, name), { code: 'STORAGE_KEY_WRONG' })
  await truncate(keyFile, 31)
  await assert.rejects(openDataFolder(dir), { code: 'STORAGE_KEY_WRONG' })
  await copyFile(join(dir, 'saved.key'), keyFile)
  const again = await claimDataFolder(dir, name)
  again.close()
})

test('a damaged database is noticed: cut short, or overwritten', async (t) => {
  const { dir, folder } = await folderWithKey(t)
  folder.close()
  for (const octets of [5000, 100, 1]) {
    await truncate(join(dir, 'gateway.db'), octets)
    await assert.rejects(claimDataFolder(dir, name), { code: 'DATABASE_CORRUPT' }, `${octets} octets`)
  }
  await writeFile(join(dir, 'gateway.db'), 'this is no database, and has not been one for a long time')
  await assert.rejects(claimDataFolder(dir, name), { code: 'DATABASE_CORRUPT' })
})

test('the folder of one gateway is not for another', async (t) => {
  const { dir, folder } = await folderWithKey(t)
  folder.close()
  const other = { ...name, identity: 'lobby-gw@example.org' }
  await assert.rejects(claimDataFolder(dir, other), { code: 'DATA_FOLDER_OTHER_GATEWAY' })
})

test('a first start that was cut off after the key was written goes on', async (t) => {
  const dir = await temporaryFolder(t)
  await writeFile(join(dir, 'storage.key'), randomBytes(32), { mode: 0o600 })
  const folder = await claimDataFolder(dir, name)
  t.after(() => folder.close())
  assert.equal(folder.keys.revokedUpTo(), 0)
})

test('a second gateway on a folder is refused, in this process and in another; after a crash it is free', async (t) => {
  const dir = await temporaryFolder(t)
  const script = `
    const { runGateway } = await import(${JSON.stringify(index)})
    const [credentialFile, dataDir] = process.argv.slice(1)
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const host = '127.0.0.1'
    await runGateway({ credentialFile, dataDir, server: { host, port: 1 }, listen: { host, port: 0 }, logger })
    console.log('running')`
  const file = await credentialFile(dir)
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', script, file, join(dir, 'data')])
  t.after(() => process_.kill('SIGKILL'))
  await once(process_.stdout, 'data')
  const options = { credentialFile: file, dataDir: join(dir, 'data'), server: nowhere, listen: anyPort, logger: silent }
  await assert.rejects(runGateway(options), { code: 'DATA_FOLDER_LOCKED' })
  process_.kill('SIGKILL')
  await once(process_, 'exit')
  const gateway = await runGateway(options)
  t.after(() => gateway.close())
  await assert.rejects(runGateway(options), { code: 'DATA_FOLDER_LOCKED' })
})

test('a ticket made by another process is known to the running gateway', async (t) => {
  const options = await gatewayOptions(t)
  const gateway = await runGateway(options)
  t.after(() => gateway.close())
  const script = `
    const { createTicket } = await import(${JSON.stringify(index)})
    console.log(JSON.stringify(await createTicket({ dataDir: process.argv[1], name: 'watch' })))`
  const args = ['--input-type=module', '-e', script, options.dataDir]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { uri, expiresAt } = JSON.parse(stdout)
  const ticket = parsePairingUri(uri)
  assert.deepEqual(ticket.addresses, [`127.0.0.1:${gateway.address.port}`])
  assert.equal(ticket.gateway, name.identity)
  assert.equal(Date.parse(expiresAt), ticket.expiresAtS * 1000)
  const folder = await openDataFolder(options.dataDir)
  t.after(() => folder.close())
  const stored = folder.tickets.find(ticket.ticketId)
  assert.deepEqual([stored?.name, stored?.expiresAtS], ['watch', ticket.expiresAtS])
  assert.deepEqual(stored?.secret, Buffer.from(ticket.secret))
})

test('a ticket needs a gateway that ran once', async (t) => {
  const dataDir = await temporaryFolder(t)
  await assert.rejects(createTicket({ dataDir }), { code: 'DATA_FOLDER_NOT_INITIALISED', message: /gateway run/ })
})

test('a ticket with a name or an address that cannot be is refused, and its secret is in no error', async (t) => {
  const { dir, folder } = await folderWithKey(t)
  folder.noteAddress('127.0.0.1:7411')
  for (const wrong of [
    { name: '' },
    { name: 'é'.repeat(33) },
    { name: 'a\nb' },
    { addresses: [] },
    { addresses: ['hub'] },
    { addresses: Array(5).fill('hub:1') },
    { addresses: ['hub:1?s=x'] },
  ]) {
    await assert.rejects(createTicket({ dataDir: dir, ...wrong }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'BAD_ARGUMENT')
      assert.doesNotMatch(inspect(error), /s=[\w-]{20}/)
      return true
    })
  }
})

test('a taken port is told, and the folder is free again', async (t) => {
  const options = await gatewayOptions(t)
  const { server, host, port } = await listenTcp(createServer(), anyPort)
  t.after(() => server.close())
  await assert.rejects(runGateway({ ...options, listen: { host, port } }), { code: 'PORT_TAKEN' })
  const gateway = await runGateway(options)
  await gateway.close()
  await gateway.close()
})

test('a folder that cannot be made is told', async (t) => {
  const options = await gatewayOptions(t)
  const dataDir = join(options.credentialFile, 'data')
  await assert.rejects(runGateway({ ...options, dataDir }), { code: 'DATA_FOLDER_UNUSABLE' })
})

test('credentials: missing, open to others, and in eight ways wrong', async (t) => {
  const dir = await temporaryFolder(t)
  await assert.rejects(readGatewayCredential(join(dir, 'none.json')), { code: 'CREDENTIAL_MISSING' })
  const file = await credentialFile(dir)
  await chmod(file, 0o640)
  await assert.rejects(readGatewayCredential(file), { code: 'CREDENTIAL_TOO_OPEN' })
  await chmod(file, 0o600)
  for (const changes of [
    { type: 'opencpns-pne' },
    { version: 2 },
    { identity: 'Home@example.org' },
    { realm: 'example.net' },
    { secret: 'short' },
    { secret: `${randomBytes(32).toString('base64url')}=` },
    { secret: undefined },
  ]) {
    await assert.rejects(readGatewayCredential(await credentialFile(dir, changes)), { code: 'CREDENTIAL_CORRUPT' })
  }
  await writeFile(file, '{"secret": "AAAA')
  await assert.rejects(readGatewayCredential(file), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CREDENTIAL_CORRUPT')
    assert.doesNotMatch(inspect(error), /AAAA/)
    return true
  })
})

test('a credential shows its secret neither to inspect nor to JSON', async (t) => {
  const credential = await readGatewayCredential(await credentialFile(await temporaryFolder(t)))
  const secret = Buffer.from(credential.secret)
  for (const shown of [inspect(credential), JSON.stringify(credential)]) {
    assert.equal(shown.includes(secret.toString('base64url')) || shown.includes(secret.toString('hex', 0, 4)), false)
    assert.match(shown, /home-gw@example\.org/)
  }
})
