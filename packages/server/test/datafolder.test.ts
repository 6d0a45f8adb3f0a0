import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { readAdminAccess, writeAdminAddress } from '../src/datafolder/admin-access.ts'
import { initDataFolder, openDataFolder } from '../src/datafolder.ts'
import { temporaryFolder } from './temp-folder.ts'

const realm = 'example.org'

/** A data folder that is initialised. */
async function initialised(t: TestContext): Promise<string> {
  const dir = join(temporaryFolder(t), 'data')
  await initDataFolder(dir, { realm })
  return dir
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

test('a new data folder is for its owner alone', async (t) => {
  const dir = await initialised(t)
  assert.equal(modeOf(dir), '700')
  assert.deepEqual(readdirSync(dir).sort(), ['admin.token', 'cpns.db', 'master.key', 'server.json'])
  for (const name of readdirSync(dir)) assert.equal(modeOf(join(dir, name)), '600', name)
  assert.equal(Buffer.from(readFileSync(join(dir, 'master.key'), 'latin1'), 'base64url').length, 32)
  assert.match(readFileSync(join(dir, 'admin.token'), 'latin1').trim(), /^[A-Za-z0-9_-]{43}$/)
})

test('a data folder opens with all that was put into it', async (t) => {
  const dir = await initialised(t)
  const first = await openDataFolder(dir)
  assert.equal(first.realm, realm)
  await first.store.addUser({
    name: 'alice',
    sealedFirstSeed: first.vault.seal('first-seed', 'alice/1', randomBytes(32)),
    createdAt: 1,
  })
  for (const name of ['cpns.db', 'cpns.db-wal', 'cpns.db-shm']) assert.equal(modeOf(join(dir, name)), '600', name)
  await first.store.close()
  const second = await openDataFolder(dir)
  const sealed = (await second.store.findFirstSeed(1, 1))?.sealed ?? Buffer.of()
  assert.equal(second.vault.open('first-seed', 'alice/1', sealed).length, 32)
  assert.deepEqual(second.vault.challengeKey(), first.vault.challengeKey())
  assert.equal(second.adminToken, first.adminToken)
  await second.store.close()
})

test('a data folder is not initialised twice, and the second attempt changes nothing', async (t) => {
  const dir = await initialised(t)
  const before = ['master.key', 'admin.token', 'server.json'].map((name) => readFileSync(join(dir, name), 'latin1'))
  await assert.rejects(initDataFolder(dir, { realm: 'other.org' }), {
    code: 'DATA_FOLDER_EXISTS',
    message: /opencpns server run/,
  })
  const after = ['master.key', 'admin.token', 'server.json'].map((name) => readFileSync(join(dir, name), 'latin1'))
  assert.deepEqual(after, before)
})

test('of two that initialise one folder at once, one succeeds and the folder opens', async (t) => {
  const dir = join(temporaryFolder(t), 'data')
  const attempts = await Promise.allSettled([initDataFolder(dir, { realm }), initDataFolder(dir, { realm })])
  assert.deepEqual(attempts.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  await (await openDataFolder(dir)).store.close()
})

test('an attempt that was interrupted anywhere is completed, with the same master key', async (t) => {
  const steps = ['master.key', 'admin.token', 'cpns.db', 'server.json']
  for (const done of steps.keys()) {
    const dir = await initialised(t)
    const masterKey = readFileSync(join(dir, 'master.key'), 'latin1')
    for (const name of steps.slice(done)) rmSync(join(dir, name))
    await assert.rejects(openDataFolder(dir), { code: 'DATA_FOLDER_MISSING' })
    await initDataFolder(dir, { realm })
    if (done > 0) assert.equal(readFileSync(join(dir, 'master.key'), 'latin1'), masterKey)
    await (await openDataFolder(dir)).store.close()
  }
})

test('a folder with files of others is left alone', async (t) => {
  const dir = temporaryFolder(t)
  chmodSync(dir, 0o755)
  writeFileSync(join(dir, 'thesis.txt'), 'mine')
  await assert.rejects(initDataFolder(dir, { realm }), { code: 'DATA_FOLDER_NOT_EMPTY' })
  assert.deepEqual([readdirSync(dir), modeOf(dir)], [['thesis.txt'], '755'])
  await assert.rejects(initDataFolder(join(dir, 'thesis.txt'), { realm }), { code: 'DATA_FOLDER_NOT_EMPTY' })
})

test('an empty folder that others may look into is closed to them', async (t) => {
  const dir = join(temporaryFolder(t), 'data')
  mkdirSync(dir, { mode: 0o755 })
  await initDataFolder(dir, { realm })
  assert.equal(modeOf(dir), '700')
})

test('a realm is a domain name in lower case, and nothing is made for another', async (t) => {
  const dir = join(temporaryFolder(t), 'data')
  for (const wrong of ['', 'Example.org', 'a..b', '.', 'a b', 'a@b', '-a', 'a'.repeat(191), 'ä.org']) {
    await assert.rejects(initDataFolder(dir, { realm: wrong }), { code: 'REALM_INVALID' }, wrong)
  }
  assert.ok(!existsSync(dir))
})

test('what is not initialised is refused with the command that does it', async (t) => {
  const dir = join(temporaryFolder(t), 'data')
  const message = `${dir} is not initialised: run opencpns server init --data ${dir} --realm REALM`
  await assert.rejects(openDataFolder(dir), { code: 'DATA_FOLDER_MISSING', message })
  await assert.rejects(readAdminAccess(dir), { code: 'DATA_FOLDER_MISSING', message })
  assert.ok(!existsSync(dir))
})

test('a server.json that is damaged or newer is refused', async (t) => {
  const dir = await initialised(t)
  const whole = readFileSync(join(dir, 'server.json'), 'utf8')
  const damaged = ['', '{', 'null', whole.replace('1,', '2,'), whole.replace(realm, 'Not A Realm'), whole.padEnd(5000)]
  for (const text of damaged) {
    writeFileSync(join(dir, 'server.json'), text)
    await assert.rejects(openDataFolder(dir), { code: 'DATA_FOLDER_DAMAGED' }, text)
  }
})

test('a master key that is missing is not made anew', async (t) => {
  const dir = await initialised(t)
  rmSync(join(dir, 'master.key'))
  await assert.rejects(openDataFolder(dir), { code: 'MASTER_KEY_MISSING', message: /restore it from a backup/ })
  rmSync(join(dir, 'server.json'))
  await assert.rejects(initDataFolder(dir, { realm }), { code: 'MASTER_KEY_MISSING' })
  assert.ok(!existsSync(join(dir, 'master.key')))
})

test('a master key that others may read is refused', async (t) => {
  const dir = await initialised(t)
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(join(dir, 'master.key'), mode)
    await assert.rejects(openDataFolder(dir), { code: 'MASTER_KEY_TOO_OPEN', message: /chmod 600/ }, mode.toString(8))
  }
})

test('a master key of another database is refused, by init too', async (t) => {
  const dir = await initialised(t)
  const path = join(dir, 'master.key')
  writeFileSync(path, randomBytes(32).toString('base64url'))
  await assert.rejects(openDataFolder(dir), { code: 'MASTER_KEY_WRONG' })
  await assert.rejects(openDataFolder(dir), { code: 'MASTER_KEY_WRONG' })
  rmSync(join(dir, 'server.json'))
  await assert.rejects(initDataFolder(dir, { realm }), { code: 'MASTER_KEY_WRONG' })
})

test('a master key that is none is refused, and not shown', async (t) => {
  const dir = await initialised(t)
  for (const text of [
    '',
    'short',
    randomBytes(31).toString('base64url'),
    randomBytes(33).toString('base64url'),
    `${'A'.repeat(42)}B`,
  ]) {
    writeFileSync(join(dir, 'master.key'), text)
    await assert.rejects(openDataFolder(dir), (error: Error & { code: string }) => {
      assert.equal(error.code, 'MASTER_KEY_DAMAGED')
      assert.ok(text === '' || !inspect(error, { depth: 9 }).includes(text))
      return true
    })
  }
})

test('a database that is missing is not made anew', async (t) => {
  const dir = await initialised(t)
  rmSync(join(dir, 'cpns.db'))
  await assert.rejects(openDataFolder(dir), { code: 'DATA_FOLDER_DAMAGED', message: /cpns\.db is missing/ })
  assert.ok(!existsSync(join(dir, 'cpns.db')))
})

test('an admin token that is weak, missing or open to others is refused', async (t) => {
  const dir = await initialised(t)
  const path = join(dir, 'admin.token')
  for (const token of ['', 'secret', 'A'.repeat(42), `${'A'.repeat(43)} x`]) {
    writeFileSync(path, token)
    await assert.rejects(openDataFolder(dir), { code: 'ADMIN_TOKEN_UNUSABLE' }, token)
  }
  chmodSync(path, 0o644)
  await assert.rejects(openDataFolder(dir), { code: 'ADMIN_TOKEN_UNUSABLE', message: /chmod 600/ })
  rmSync(path)
  await assert.rejects(openDataFolder(dir), { code: 'ADMIN_TOKEN_UNUSABLE', message: /missing/ })
})

test('tools find the running server, and none after it has ended', async (t) => {
  const dir = await initialised(t)
  await assert.rejects(readAdminAccess(dir), { code: 'SERVER_NOT_RUNNING', message: /opencpns server run/ })
  const remove = await writeAdminAddress(dir, { url: 'http://127.0.0.1:7412' })
  await assert.rejects(readAdminAccess(dir), { code: 'SERVER_NOT_RUNNING' }, 'left behind by one that was killed')
  const folder = await openDataFolder(dir)
  t.after(async () => {
    await folder.store.close()
    folder.release()
  })
  const token = readFileSync(join(dir, 'admin.token'), 'latin1').trim()
  assert.deepEqual(await readAdminAccess(dir), { url: 'http://127.0.0.1:7412', token })
  await remove()
  await remove()
  await assert.rejects(readAdminAccess(dir), { code: 'SERVER_NOT_RUNNING' })
})

test('an open data folder shows no secret', async (t) => {
  const dir = await initialised(t)
  const folder = await openDataFolder(dir)
  const shown = inspect(folder.vault, { depth: 9, showHidden: true }) + JSON.stringify(folder.vault)
  assert.ok(!shown.includes(readFileSync(join(dir, 'master.key'), 'latin1').trim()))
  await folder.store.close()
})
