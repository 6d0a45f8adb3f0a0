// A change of the master key: nothing sealed is lost, whatever cuts it off, and nobody runs with the wrong key.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { masterKeyFiles, nextMasterKey, readKeyAt } from '../src/datafolder/master-key.ts'
import { backupDataFolder, initDataFolder, openDataFolder, rekeyDataFolder, restoreDataFolder } from '../src/index.ts'
import type { Store } from '../src/store/contract.ts'
import type { SealedRow } from '../src/store/contract-operator.ts'
import { openSqlite } from '../src/store/sqlite/open.ts'
import type { Vault } from '../src/vault.ts'
import { temporaryFolder } from './temp-folder.ts'

const realm = 'example.org'
const keyOf = (dir: string) => readFileSync(join(dir, 'master.key'), 'latin1').trim()

/** What is sealed in a store, by its place. */
type Secrets = Map<string, string>

/** A data folder with many users, and a gateway and an access point. */
async function furnished(t: TestContext, users: number): Promise<{ dir: string; secrets: Secrets }> {
  const dir = join(temporaryFolder(t), 'server')
  await initDataFolder(dir, { realm })
  const { store, vault, release } = await openDataFolder(dir)
  const secrets: Secrets = new Map()
  const seal = (kind: SealedRow['kind'], place: string) => {
    const secret = randomBytes(32)
    secrets.set(`${kind} ${place}`, secret.toString('hex'))
    return vault.seal(kind, place, secret)
  }
  const adding = Array.from({ length: users }, (_, index) => {
    const name = `user-${index}`
    return store.addUser({ name, sealedFirstSeed: seal('first-seed', `${name}/1`), createdAt: 1 })
  })
  const [{ id: userId } = { id: 0 }] = await Promise.all(adding)
  const hub = { identity: `hub@${realm}`, radius: null, userId, createdAt: 1 }
  await store.addGateway({ ...hub, sealedSecret: seal('gateway-secret', hub.identity) })
  const lobby = { identity: `lobby@${realm}`, radius: '192.0.2.1', userId, createdAt: 1 }
  await store.addGateway({ ...lobby, sealedSecret: seal('radius-secret', lobby.identity) })
  await store.close()
  release()
  return { dir, secrets }
}

/** All that is sealed, opened under one of these keys. */
async function opened(store: Store, vaults: readonly Vault[]): Promise<Secrets> {
  const secrets: Secrets = new Map()
  for (let rows = await store.listSealed(undefined, 1000); rows.length > 0; ) {
    for (const { kind, place, sealed } of rows) {
      const vault = vaults.find((one) => opens(one, kind, place, sealed))
      assert.ok(vault, `${kind} ${place} is lost`)
      secrets.set(`${kind} ${place}`, vault.open(kind, place, sealed).toString('hex'))
    }
    rows = await store.listSealed(rows.at(-1), 1000)
  }
  return secrets
}

function opens(vault: Vault, ...sealed: Parameters<Vault['open']>): boolean {
  try {
    return vault.open(...sealed).length > 0
  } catch {
    return false
  }
}

/** Starts as a server does, and reads all that is sealed under its one key. */
async function asServerSees(dir: string): Promise<Secrets> {
  const { store, vault, release } = await openDataFolder(dir)
  try {
    return await opened(store, [vault])
  } finally {
    await store.close()
    release()
  }
}

test('every sealed value is under the new key, and none opens under the old one', async (t) => {
  const { dir, secrets } = await furnished(t, 1200)
  const before = join(dir, '..', 'old.key')
  copyFileSync(join(dir, 'master.key'), before)
  const told: [number, number][] = []
  const report = await rekeyDataFolder(dir, { onProgress: (done, total) => told.push([done, total]) })
  assert.deepEqual(report, { values: secrets.size, resumed: false })
  assert.deepEqual(told.at(-1), [secrets.size, secrets.size])
  assert.deepEqual(await asServerSees(dir), secrets)
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.includes('next')),
    [],
  )
  assert.equal((statSync(join(dir, 'master.key')).mode & 0o777).toString(8), '600')

  const old = await readKeyAt(before)
  const store = openSqlite(join(dir, 'cpns.db'))
  t.after(() => store.close())
  const rows = await store.listSealed(undefined, 10_000)
  assert.equal(rows.filter(({ kind, place, sealed }) => opens(old, kind, place, sealed)).length, 0)
})

test('a folder with nothing in it gets a new key too, and each time another', async (t) => {
  const { dir } = await furnished(t, 0).catch(() => emptyFolder(t))
  const keys = [keyOf(dir)]
  for (let i = 0; i < 3; i++) {
    await rekeyDataFolder(dir)
    keys.push(keyOf(dir))
  }
  assert.equal(new Set(keys).size, 4)
})

async function emptyFolder(t: TestContext): Promise<{ dir: string }> {
  const dir = join(temporaryFolder(t), 'empty')
  await initDataFolder(dir, { realm })
  return { dir }
}

test('the key is not changed while a server runs, and no server starts while it is changed', async (t) => {
  const { dir, secrets } = await furnished(t, 10)
  const key = keyOf(dir)
  const server = await openDataFolder(dir)
  await assert.rejects(rekeyDataFolder(dir), { code: 'DATA_FOLDER_IN_USE', message: /stop the server/ })
  assert.deepEqual([keyOf(dir), existsSync(join(dir, 'master.key.next'))], [key, false])
  await server.store.close()
  server.release()

  const starting: Promise<unknown>[] = []
  let isChanged = false
  const onProgress = () => {
    starting.push(asServerSees(dir).then((seen) => assert.deepEqual([isChanged, seen], [true, secrets])))
  }
  await rekeyDataFolder(dir, { onProgress })
  isChanged = true
  assert.ok(starting.length > 0)
  await Promise.all(starting)
})

test('two servers share a folder; the second change waits until both have gone', async (t) => {
  const { dir } = await emptyFolder(t)
  const [one, other] = [await openDataFolder(dir), await openDataFolder(dir)]
  await one.store.close()
  one.release()
  await assert.rejects(rekeyDataFolder(dir), { code: 'DATA_FOLDER_IN_USE' })
  await other.store.close()
  other.release()
  await rekeyDataFolder(dir)
})

test('a value that does not open stops it before anything is changed, by its name', async (t) => {
  const { dir } = await furnished(t, 3)
  const key = keyOf(dir)
  const store = openSqlite(join(dir, 'cpns.db'))
  const [row] = await store.listSealed(undefined, 1)
  assert.ok(row)
  await store.reseal([{ kind: row.kind, place: row.place, from: row.sealed, to: randomBytes(61) }])
  const before = await store.listSealed(undefined, 100)
  await store.close()
  const message = new RegExp(`sealed ${row.kind} of ${row.place} does not open`)
  await assert.rejects(rekeyDataFolder(dir), { code: 'VAULT_CANNOT_OPEN', message })
  assert.deepEqual([keyOf(dir), existsSync(join(dir, 'master.key.next'))], [key, false])
  const again = openSqlite(join(dir, 'cpns.db'))
  t.after(() => again.close())
  assert.deepEqual(await again.listSealed(undefined, 100), before)
})

test('a key that is not the key of the store is not changed', async (t) => {
  const { dir } = await furnished(t, 3)
  writeFileSync(join(dir, 'master.key'), randomBytes(32).toString('base64url'))
  await assert.rejects(rekeyDataFolder(dir), { code: /^(MASTER_KEY_WRONG|VAULT_CANNOT_OPEN)$/ })
  await assert.rejects(rekeyDataFolder(join(dir, 'nowhere')), { code: 'DATA_FOLDER_MISSING' })
})

test('a replica that has only one of the two keys says so, whichever it is', async (t) => {
  const { dir, secrets } = await furnished(t, 3)
  const replica = join(dir, '..', 'replica')
  cpSync(dir, replica, { recursive: true })
  // The change is cut off after the store was marked.
  await nextMasterKey(dir)
  const [from, to] = await Promise.all((await masterKeyFiles(dir)).map(readKeyAt))
  assert.ok(from && to)
  const store = openSqlite(join(dir, 'cpns.db'))
  await store.replaceClaim('master-key-check', from.checkValue(), Buffer.concat([from.checkValue(), to.checkValue()]))
  await store.close()
  cpSync(join(dir, 'cpns.db'), join(replica, 'cpns.db'))
  await assert.rejects(openDataFolder(replica), { code: 'MASTER_KEY_CHANGING', message: /opencpns server rekey/ })
  cpSync(join(dir, 'master.key.next'), join(replica, 'master.key'))
  await assert.rejects(openDataFolder(replica), { code: 'MASTER_KEY_CHANGING' })
  await assert.rejects(backupDataFolder(dir, join(dir, '..', 'backup')), { code: 'MASTER_KEY_CHANGING' })

  assert.deepEqual(await asServerSees(dir), secrets, 'the start of the server finishes it')
  assert.equal(existsSync(join(dir, 'master.key.next')), false)
  cpSync(join(dir, 'cpns.db'), join(replica, 'cpns.db'))
  assert.deepEqual(await asServerSees(replica), secrets, 'the copied key is the new one')
})

test('a backup from before opens with the old key, one from after with the new key', async (t) => {
  const { dir, secrets } = await furnished(t, 3)
  const path = (name: string) => join(dir, '..', name)
  copyFileSync(join(dir, 'master.key'), path('old.key'))
  await backupDataFolder(dir, path('before'))
  await rekeyDataFolder(dir)
  await backupDataFolder(dir, path('after'))
  await assert.rejects(restoreDataFolder(path('before'), dir, { overwrite: true }), { code: 'BACKUP_KEY_WRONG' })
  await restoreDataFolder(path('after'), path('two'), { masterKeyFile: join(dir, 'master.key') })
  assert.deepEqual(await asServerSees(path('two')), secrets)
  await restoreDataFolder(path('before'), dir, { masterKeyFile: path('old.key'), overwrite: true })
  assert.deepEqual(await asServerSees(dir), secrets)
})

const ROUNDS = 60
/** After so long a slow machine has done enough, if it has done so many rounds. */
const ENOUGH_MS = 60_000
const ENOUGH_ROUNDS = 12
const SLOWER = 1.2

test('killed at any moment, again and again, it loses nothing, and the server starts', {
  timeout: 300_000,
}, async (t) => {
  const { dir, secrets } = await furnished(t, 500)
  const places = { before: 0, inside: 0, after: 0 }
  let standby = prepare()
  t.after(() => standby.kill('SIGKILL'))
  /** Begins a change, and gives how long it took, or undefined when it was killed before it was done. */
  const change = async (killAfterMs: number): Promise<number | undefined> => {
    const child = standby
    standby = prepare() // loads its modules meanwhile
    const exited = once(child, 'exit')
    const begins = once(child, 'message')
    child.send(dir)
    await begins
    const from = performance.now()
    const late = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    const [code] = await exited
    clearTimeout(late)
    return code === 0 ? performance.now() - from : undefined
  }
  let durationMs = (await change(60_000)) ?? 0
  assert.ok(durationMs > 0)
  const begun = performance.now()
  let rounds = 0
  const isTried = () => places.inside > Math.min(rounds, ROUNDS) / 4
  const isLate = () => rounds >= ENOUGH_ROUNDS && performance.now() - begun > ENOUGH_MS
  // Where most of the kills miss, as beside others, it goes on until enough have hit.
  for (; !isTried() || (rounds < ROUNDS && !isLate()); rounds++) {
    const key = keyOf(dir)
    // In its first part it only reads: fewer of the kills fall there.
    durationMs = (await change((randomInt(300, 1050) / 1000) * durationMs)) ?? durationMs
    const files = await masterKeyFiles(dir)
    if (files.length === 2) places.inside++
    else if (keyOf(dir) !== key) places.after++
    else {
      places.before++
      durationMs *= SLOWER // than when it was measured, perhaps: who has other things to do must not end all of them here
    }

    const store = openSqlite(join(dir, 'cpns.db'))
    assert.deepEqual(await opened(store, await Promise.all(files.map(readKeyAt))), secrets, `round ${rounds}`)
    await store.close()
    // Every other time the next change goes on where this one was cut off, and may be cut off again.
    if (rounds % 2 === 0) assert.deepEqual(await asServerSees(dir), secrets, `round ${rounds}: as a server sees it`)
  }
  t.diagnostic(`cut off before it began ${places.before} times, inside ${places.inside}, after ${places.after}`)
  rmSync(join(dir, 'run.lock'))
  assert.deepEqual(await asServerSees(dir), secrets, 'a lock file that is lost does no harm')
})

function prepare(): ChildProcess {
  return fork(fileURLToPath(new URL('rekeying-process.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}
