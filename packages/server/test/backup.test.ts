// Backups: consistent while others write, good or not there, restored only with their own master key.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { backupDataFolder, initDataFolder, openDataFolder, Registry, restoreDataFolder } from '../src/index.ts'
import { temporaryFolder } from './temp-folder.ts'

const realm = 'example.org'

interface Place {
  readonly dir: string
  path(...names: string[]): string
}

async function place(t: TestContext): Promise<Place> {
  const folder = temporaryFolder(t)
  const path = (...names: string[]) => join(folder, ...names)
  await initDataFolder(path('server'), { realm })
  return { dir: path('server'), path }
}

/** Works in a data folder as a server would. */
async function using<T>(dir: string, work: (registry: Registry) => Promise<T>): Promise<T> {
  const { store, vault, release } = await openDataFolder(dir)
  const registry = new Registry({ store, vault, realm })
  try {
    return await work(registry)
  } finally {
    await registry.close()
    await store.close()
    release()
  }
}

const users = async (registry: Registry) =>
  (await registry.listUsers({}, { limit: 1000 })).items.map(({ name }) => name)

async function addUsers(dir: string, ...names: string[]): Promise<void> {
  await using(dir, async (registry) => {
    for (const name of names) await registry.addUser(name)
  })
}

test('a backup of a folder is restored into a new one, with the same users and keys', async (t) => {
  const { dir, path } = await place(t)
  await using(dir, async (registry) => {
    await registry.addUser('alice')
    await registry.addGateway({ name: 'hub', user: 'alice' })
  })
  const report = await backupDataFolder(dir, path('backup'))
  assert.deepEqual([report.realm, report.users, report.gateways, report.pnes], [realm, 1, 1, 0])
  assert.equal(report.octets, statSync(path('backup')).size)
  assert.equal((statSync(path('backup')).mode & 0o777).toString(8), '600')
  assert.deepEqual(readdirSync(path()).sort(), ['backup', 'server'], 'nothing else is left')

  const restored = await restoreDataFolder(path('backup'), path('new'), { masterKeyFile: join(dir, 'master.key') })
  assert.deepEqual([restored.takenAt, restored.replaced], [report.takenAt, null])
  assert.deepEqual(await using(path('new'), users), ['alice'])
  for (const name of ['server.json', 'master.key']) {
    assert.equal(readFileSync(path('new', name), 'utf8').trim(), readFileSync(join(dir, name), 'utf8').trim(), name)
  }
  for (const name of readdirSync(path('new'))) {
    assert.equal((statSync(path('new', name)).mode & 0o777).toString(8), '600', name)
  }
  await using(path('new'), async (registry) => {
    const secret = await registry.findGatewayForLink(`hub@${realm}`)
    assert.notEqual(secret, undefined, 'what was sealed opens')
  })
})

test('a backup is of one moment, whatever is written meanwhile, and does not wait for it', {
  timeout: 60_000,
}, async (t) => {
  const { dir, path } = await place(t)
  const writer = new DatabaseSync(join(dir, 'cpns.db'), { timeout: 1000 })
  t.after(() => writer.close())
  // Two rows that are always equal, in a database of some thousand pages.
  writer.exec('CREATE TABLE filler (octets BLOB) STRICT; CREATE TABLE pair (name TEXT, value INTEGER) STRICT')
  writer.exec(`INSERT INTO pair VALUES ('one', 0), ('other', 0)`)
  const fill = writer.prepare('INSERT INTO filler VALUES (?)')
  writer.exec('BEGIN')
  for (let i = 0; i < 5000; i++) fill.run(randomBytes(4000))
  writer.exec('COMMIT')
  let steps = 0
  const onProgress = () => {
    steps++
    writer.exec('BEGIN; UPDATE pair SET value = value + 1; DELETE FROM filler WHERE rowid % 7 = 0; COMMIT')
    fill.run(randomBytes(4000))
  }
  await backupDataFolder(dir, path('backup'), { onProgress })
  assert.ok(steps >= 2, `it was written to in ${steps} steps`)
  const copy = new DatabaseSync(path('backup'), { readOnly: true })
  t.after(() => copy.close())
  assert.deepEqual(
    copy
      .prepare('SELECT value FROM pair')
      .all()
      .map(({ value }) => value),
    [0, 0],
  )
  assert.equal(copy.prepare('SELECT count(*) AS n FROM filler').get()?.['n'], 5000)
  assert.equal(writer.prepare('SELECT value FROM pair').get()?.['value'], steps)
})

test('a backup holds no master key and no token', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  await backupDataFolder(dir, path('backup'))
  const octets = readFileSync(path('backup'))
  for (const name of ['master.key', 'admin.token']) {
    const text = readFileSync(join(dir, name), 'latin1').trim()
    assert.equal(octets.includes(text), false, name)
    assert.equal(octets.includes(Buffer.from(text, 'base64url')), false, name)
  }
})

test('a backup is taken while a server runs, and is refused while its folder is claimed', async (t) => {
  const { dir, path } = await place(t)
  await using(dir, () => backupDataFolder(dir, path('backup')))
  assert.ok(existsSync(path('backup')))
  await using(dir, async () => {
    await assert.rejects(restoreDataFolder(path('backup'), dir, { overwrite: true }), { code: 'DATA_FOLDER_IN_USE' })
  })
  assert.deepEqual(await using(dir, users), [], 'nothing changed')
})

test('a backup is not made where it cannot be, and leaves nothing', async (t) => {
  const { dir, path } = await place(t)
  writeFileSync(path('there'), 'mine')
  await assert.rejects(backupDataFolder(dir, path('there')), { code: 'BACKUP_EXISTS', message: /--force/ })
  assert.equal(readFileSync(path('there'), 'utf8'), 'mine')
  await backupDataFolder(dir, path('there'), { overwrite: true })
  assert.ok(statSync(path('there')).size > 4096)
  await assert.rejects(backupDataFolder(dir, path('no', 'backup')), { code: 'BACKUP_UNWRITABLE', message: /folder/ })
  await assert.rejects(backupDataFolder(path('nowhere'), path('b')), { code: 'DATA_FOLDER_MISSING' })
  assert.deepEqual(readdirSync(path()).sort(), ['server', 'there'])
})

test('a damaged store makes no backup', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  writeFileSync(join(dir, 'cpns.db'), readFileSync(join(dir, 'cpns.db')).fill(0xa5, 8192, 60_000))
  await assert.rejects(backupDataFolder(dir, path('backup')), { code: /^(BACKUP_DAMAGED|STORE_CORRUPT)$/ })
  assert.deepEqual(readdirSync(path()), ['server'])
})

test('a backup that is damaged, or none, is refused, and the folder is not touched', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  await backupDataFolder(dir, path('backup'))
  const options = { masterKeyFile: join(dir, 'master.key') }
  const good = readFileSync(path('backup'))
  const bad: [name: string, octets: Uint8Array, code: RegExp][] = [
    ['text', Buffer.from('no database at all'.repeat(100)), /^(BACKUP_DAMAGED|STORE_NOT_OURS)$/],
    ['cut short', good.subarray(0, good.length / 2), /^BACKUP_DAMAGED$/],
    ['octets changed', Buffer.from(good).fill(0x5a, 16_384, 40_000), /^BACKUP_DAMAGED$/],
    ['empty', Buffer.of(), /^(BACKUP_DAMAGED|STORE_NOT_OURS)$/],
    ['a store, not a backup', readFileSync(join(dir, 'cpns.db')), /^BACKUP_DAMAGED$/],
  ]
  for (const [name, octets, code] of bad) {
    writeFileSync(path('bad'), octets)
    await assert.rejects(restoreDataFolder(path('bad'), path('new'), options), { code }, name)
    assert.equal(existsSync(path('new')), false, name)
  }
  await assert.rejects(restoreDataFolder(path('nothing'), path('new'), options), { code: 'BACKUP_UNREADABLE' })
})

test('a backup of a newer version is refused', async (t) => {
  const { dir, path } = await place(t)
  await backupDataFolder(dir, path('backup'))
  const db = new DatabaseSync(path('backup'))
  db.exec('PRAGMA user_version = 999')
  db.close()
  const options = { masterKeyFile: join(dir, 'master.key') }
  await assert.rejects(restoreDataFolder(path('backup'), path('new'), options), { code: 'STORE_NEWER' })
})

test('a backup opens with its own master key alone', async (t) => {
  const { dir, path } = await place(t)
  await backupDataFolder(dir, path('backup'))
  writeFileSync(path('other.key'), randomBytes(32).toString('base64url'), { mode: 0o600 })
  const restore = (masterKeyFile?: string) => restoreDataFolder(path('backup'), path('new'), { masterKeyFile })
  await assert.rejects(restore(path('other.key')), { code: 'BACKUP_KEY_WRONG', message: /--master-key/ })
  await assert.rejects(restore(), { code: 'MASTER_KEY_MISSING', message: /--master-key FILE/ })
  await assert.rejects(restore(path('none.key')), { code: 'MASTER_KEY_MISSING' })
  writeFileSync(path('short.key'), 'AAAA', { mode: 0o600 })
  await assert.rejects(restore(path('short.key')), { code: 'MASTER_KEY_DAMAGED' })
  copyFileSync(join(dir, 'master.key'), path('open.key'))
  chmodSync(path('open.key'), 0o644)
  await assert.rejects(restore(path('open.key')), { code: 'MASTER_KEY_TOO_OPEN' })
  assert.equal(existsSync(path('new')), false)
})

test('a folder is replaced only by force, by a backup of its realm, and what was there stays beside it', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  await backupDataFolder(dir, path('backup'))
  await addUsers(dir, 'bob')
  const token = readFileSync(join(dir, 'admin.token'), 'utf8')
  await assert.rejects(restoreDataFolder(path('backup'), dir), { code: 'DATA_FOLDER_EXISTS' })

  await initDataFolder(path('other'), { realm: 'other.org' })
  const options = { masterKeyFile: join(dir, 'master.key'), overwrite: true }
  await assert.rejects(restoreDataFolder(path('backup'), path('other'), options), { code: 'BACKUP_OF_OTHER_REALM' })
  mkdirSync(path('strange'))
  writeFileSync(path('strange', 'letter.txt'), '')
  await assert.rejects(restoreDataFolder(path('backup'), path('strange'), options), { code: 'DATA_FOLDER_NOT_EMPTY' })

  const { replaced } = await restoreDataFolder(path('backup'), dir, { overwrite: true })
  assert.equal(replaced, join(dir, 'cpns.db.replaced'))
  assert.deepEqual(await using(dir, users), ['alice'])
  assert.equal(readFileSync(join(dir, 'admin.token'), 'utf8'), token)
  const old = new DatabaseSync(replaced, { readOnly: true })
  t.after(() => old.close())
  assert.equal(old.prepare('SELECT count(*) AS n FROM users').get()?.['n'], 2)
})

test('a folder whose store is a PostgreSQL database has neither backup nor restore, but advice', async (t) => {
  const { dir, path } = await place(t)
  await backupDataFolder(dir, path('backup'))
  const server = JSON.parse(readFileSync(join(dir, 'server.json'), 'utf8'))
  writeFileSync(join(dir, 'server.json'), JSON.stringify({ ...server, store: 'postgres' }))
  await assert.rejects(backupDataFolder(dir, path('b')), { code: 'BACKUP_UNSUPPORTED', message: /pg_dump/ })
  const restoring = restoreDataFolder(path('backup'), dir, { overwrite: true })
  await assert.rejects(restoring, { code: 'BACKUP_UNSUPPORTED', message: /pg_restore/ })
})

test('a store that is lost or damaged is replaced too', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  await backupDataFolder(dir, path('backup'))
  // A write-ahead log that is good, of a database that is not: with another database beside it SQLite would play it back.
  await using(dir, async (registry) => {
    await registry.addUser('bob')
    copyFileSync(join(dir, 'cpns.db-wal'), path('wal'))
  })
  writeFileSync(join(dir, 'cpns.db'), randomBytes(50_000))
  copyFileSync(path('wal'), join(dir, 'cpns.db-wal'))
  await restoreDataFolder(path('backup'), dir, { overwrite: true })
  assert.deepEqual(await using(dir, users), ['alice'])
  rmSync(join(dir, 'cpns.db'))
  await restoreDataFolder(path('backup'), dir, { overwrite: true })
  assert.deepEqual(await using(dir, users), ['alice'])
})

test('a restore that was cut off is done again', async (t) => {
  const { dir, path } = await place(t)
  await addUsers(dir, 'alice')
  await backupDataFolder(dir, path('backup'))
  const options = { masterKeyFile: join(dir, 'master.key') }
  // As after the store has its place, and nothing else: and with a draft of a copy.
  mkdirSync(path('new'))
  copyFileSync(path('backup'), path('new', 'cpns.db'))
  copyFileSync(path('backup'), path('new', '.cpns.db.0123456789ab.tmp'))
  truncateSync(path('new', '.cpns.db.0123456789ab.tmp'), 5000)
  await assert.rejects(openDataFolder(path('new')), { code: 'DATA_FOLDER_MISSING' }, 'it is not taken for a whole one')
  await restoreDataFolder(path('backup'), path('new'), options)
  assert.deepEqual(await using(path('new'), users), ['alice'])
})

test('the revocation log of a restored server goes on above every number that the lost one gave', async (t) => {
  const { dir, path } = await place(t)
  const revokeOne = (registry: Registry) => revokeSomePne(registry, dir)
  await addUsers(dir, 'alice')
  await using(dir, (registry) => registry.addGateway({ name: 'hub', user: 'alice' }))
  await using(dir, revokeOne)
  await backupDataFolder(dir, path('backup'))
  for (let i = 0; i < 3; i++) await using(dir, revokeOne)
  const lost = await using(dir, (registry) => registry.newestRevocation())
  await restoreDataFolder(path('backup'), dir, { overwrite: true })
  assert.equal(await using(dir, (registry) => registry.newestRevocation()), 1, 'gateways see that it went back')
  await using(dir, revokeOne)
  const next = await using(dir, (registry) => registry.newestRevocation())
  assert.ok(next > lost + 1_000_000, `${next} after ${lost}`)
})

async function revokeSomePne(registry: Registry, dir: string): Promise<void> {
  const secondSeed = randomBytes(32)
  const pneId = randomBytes(8).toString('hex')
  const { store, release } = await openDataFolder(dir)
  const gateway = `hub@${realm}`
  await store.importPnes([{ pneId, secondSeed, gateway, name: null, createdAt: 1 }])
  await registry.revokePne(pneId)
  await store.close()
  release()
}
