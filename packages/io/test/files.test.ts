// Files with secrets.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readSecretFile, writeFileAtomic } from '../src/index.ts'

const MKFIFO = process.env['MKFIFO'] ?? 'mkfifo'
const limit = { maxOctets: 100 }

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'opencpns-io-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

test('what was written is read, and nothing else is left in the folder', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'credential.json')
  await writeFileAtomic(path, 'first')
  await writeFileAtomic(path, Buffer.from('second'))
  assert.equal((await readSecretFile(path, limit)).toString(), 'second')
  assert.deepEqual(await readdir(dir), ['credential.json'])
})

test('the mode is the one asked for, whatever the umask and whatever was there', async (t) => {
  const path = join(await folder(t), 'secret')
  const before = process.umask(0o277)
  t.after(() => process.umask(before))
  await writeFileAtomic(path, 'x')
  assert.equal(await modeOf(path), 0o600)
  await chmod(path, 0o644)
  await writeFileAtomic(path, 'x')
  assert.equal(await modeOf(path), 0o600)
  await writeFileAtomic(path, 'x', { mode: 0o644 })
  assert.equal(await modeOf(path), 0o644)
})

test("what root writes into the folder of somebody else is that one's, if wanted", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root can make a folder somebody else's: run the tests as root")
  const dir = await folder(t)
  await chown(dir, 65_534, 65_533)
  await writeFileAtomic(join(dir, 'ours'), 'x')
  await writeFileAtomic(join(dir, 'theirs'), 'x', { isFolderOwners: true })
  const owners = await Promise.all(['ours', 'theirs'].map((name) => stat(join(dir, name))))
  assert.deepEqual(
    owners.map(({ uid, gid }) => [uid, gid]),
    [
      [0, 0],
      [65_534, 65_533],
    ],
  )
})

test('without overwrite, a file that is there stays as it is', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'credential.json')
  await writeFileAtomic(path, 'first', { overwrite: false })
  await assert.rejects(writeFileAtomic(path, 'second', { overwrite: false }), { code: 'FILE_EXISTS' })
  assert.equal(await readFile(path, 'utf8'), 'first')
  assert.deepEqual(await readdir(dir), ['credential.json'])
})

test('of many who write without overwrite at once, one succeeds', async (t) => {
  const path = join(await folder(t), 'credential.json')
  const attempts = Array.from({ length: 20 }, (_, i) => writeFileAtomic(path, `${i}`, { overwrite: false }))
  const results = await Promise.allSettled(attempts)
  const winners = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [`${i}`] : []))
  assert.deepEqual(winners, [await readFile(path, 'utf8')])
})

test('a name that a dangling link has taken is not overwritten either', async (t) => {
  const dir = await folder(t)
  await symlink(join(dir, 'elsewhere'), join(dir, 'name'))
  await assert.rejects(writeFileAtomic(join(dir, 'name'), 'x', { overwrite: false }), { code: 'FILE_EXISTS' })
})

test('one who had the old file open never sees a part of the new one', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'secret')
  await writeFileAtomic(path, 'old')
  await link(path, join(dir, 'old'))
  await writeFileAtomic(path, 'new')
  assert.equal(await readFile(join(dir, 'old'), 'utf8'), 'old')
})

test('a temporary file that a crash left behind does no harm', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'secret')
  await writeFileAtomic(path, 'old')
  await writeFile(join(dir, '.secret.0123456789ab.tmp'), 'ha')
  assert.equal((await readSecretFile(path, limit)).toString(), 'old')
  await writeFileAtomic(path, 'new')
  assert.equal((await readSecretFile(path, limit)).toString(), 'new')
})

test('where nothing can be written, the error says why, and nothing is left', async (t) => {
  const dir = await folder(t)
  await mkdir(join(dir, 'taken'))
  const rows: [string, RegExp][] = [
    [join(dir, 'no', 'such', 'file'), /its folder does not exist/],
    [join(dir, 'taken'), /it is a folder/],
  ]
  for (const [path, message] of rows) {
    await assert.rejects(writeFileAtomic(path, 'x'), { code: 'FILE_UNWRITABLE', message })
  }
  assert.deepEqual(await readdir(dir), ['taken'])
})

test('a missing file, a folder and a part of a path that is a file are told apart', async (t) => {
  const dir = await folder(t)
  await writeFileAtomic(join(dir, 'file'), 'x')
  await assert.rejects(readSecretFile(join(dir, 'none'), limit), { code: 'FILE_MISSING' })
  await assert.rejects(readSecretFile(dir, limit), { code: 'FILE_UNREADABLE', message: /is not a file/ })
  await assert.rejects(readSecretFile(join(dir, 'file', 'x'), limit), { code: 'FILE_UNREADABLE' })
})

test('a file on which group or others have any right is refused, and the error says what to run', async (t) => {
  const path = join(await folder(t), 'secret')
  await writeFileAtomic(path, 'x')
  for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o777]) {
    await chmod(path, mode)
    await assert.rejects(readSecretFile(path, limit), {
      code: 'FILE_TOO_OPEN',
      message: `others may read or change ${path}: it holds a secret. Run: chmod 600 ${path}`,
    })
  }
  await chmod(path, 0o400)
  assert.equal((await readSecretFile(path, limit)).toString(), 'x')
})

test('a credential that systemd passes may be readable by its group, and no other file', async (t) => {
  const dir = await folder(t)
  await writeFileAtomic(join(dir, 'secret'), 'x', { mode: 0o440 })
  await assert.rejects(readSecretFile(join(dir, 'secret'), limit), { code: 'FILE_TOO_OPEN' })
  const { CREDENTIALS_DIRECTORY: before = '' } = process.env
  t.after(() => {
    process.env['CREDENTIALS_DIRECTORY'] = before
  })
  process.env['CREDENTIALS_DIRECTORY'] = `${dir}/`
  assert.equal((await readSecretFile(join(dir, 'secret'), limit)).toString(), 'x')
  await chmod(join(dir, 'secret'), 0o444)
  await assert.rejects(readSecretFile(join(dir, 'secret'), limit), { code: 'FILE_TOO_OPEN' })
  await mkdir(join(dir, 'below'))
  await writeFileAtomic(join(dir, 'below', 'secret'), 'x', { mode: 0o440 })
  await assert.rejects(readSecretFile(join(dir, 'below', 'secret'), limit), { code: 'FILE_TOO_OPEN' })
})

test('a link to a file is judged by the file', async (t) => {
  const dir = await folder(t)
  await writeFileAtomic(join(dir, 'open'), 'x', { mode: 0o644 })
  await symlink(join(dir, 'open'), join(dir, 'link'))
  await assert.rejects(readSecretFile(join(dir, 'link'), limit), { code: 'FILE_TOO_OPEN' })
})

test('a file above the limit is refused; the limit itself is allowed', async (t) => {
  const path = join(await folder(t), 'secret')
  await writeFileAtomic(path, Buffer.alloc(101))
  await assert.rejects(readSecretFile(path, limit), { code: 'FILE_TOO_LARGE' })
  await writeFileAtomic(path, Buffer.alloc(100))
  assert.equal((await readSecretFile(path, limit)).length, 100)
})

test('a named pipe is refused, not waited for', async (t) => {
  const path = join(await folder(t), 'pipe')
  if (spawnSync(MKFIFO, ['-m', '600', path]).status !== 0)
    return t.skip('there is no mkfifo: apt-get install coreutils')
  await assert.rejects(readSecretFile(path, limit), { code: 'FILE_UNREADABLE', message: /is not a file/ })
})

test('a file that its owner may not read is refused', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may read everything: run the tests as another user')
  const path = join(await folder(t), 'secret')
  await writeFileAtomic(path, 'x', { mode: 0o200 })
  await assert.rejects(readSecretFile(path, limit), { code: 'FILE_UNREADABLE', message: /permission denied/ })
})

test('no error tells what is in the file', async (t) => {
  const path = join(await folder(t), 'secret')
  await writeFileAtomic(path, 'hunter2'.repeat(100), { mode: 0o600 })
  await assert.rejects(readSecretFile(path, limit), (error: Error) => !String(error.stack).includes('hunter2'))
})
