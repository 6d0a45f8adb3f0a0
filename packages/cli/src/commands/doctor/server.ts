// The data folder of a server: its files, its database, and the server that runs in it or could.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { examineDataFolder, type FolderFacts, readAdminAccess } from '@opencpns/server'
import { codeOf } from '../../exit.ts'
import { send, type Trust } from '../admin/transport.ts'
import { attempt, type Finding, type Report, reporter } from './check.ts'
import { examineDisk, examinePermissions, mib } from './folder.ts'
import { examinePort } from './network.ts'

const READY_MS = 5000
const PORTS = [7410, 7412]

const report = reporter('server')

export async function examineServer(dir: string): Promise<Finding[]> {
  const folder = await attempt(report, 'data folder', async () => ofFolder(await examineDataFolder(dir), dir))
  if (!existsSync(dir)) return folder
  const checks = [
    folder,
    attempt(report, 'permissions', () => examinePermissions(report, dir)),
    attempt(report, 'disk', () => examineDisk(report, dir)),
    attempt(report, 'running', () => ofProcess(dir)),
  ]
  return (await Promise.all(checks)).flat()
}

function ofFolder({ realm, database, isKeyChanging }: FolderFacts, dir: string): Finding[] {
  const folder = report('data folder', 'ok', `of ${realm}`)
  if (database === null) {
    const found = 'a PostgreSQL database, which is not looked at from here'
    return [
      folder,
      report('database', 'unknown', found, 'look at opencpns_ready of /metrics, and at the database itself'),
    ]
  }
  const { integrity, octets, schema, newestSchema } = database
  const whole =
    integrity === 'ok'
      ? report('database', 'ok', `${mib(octets)} MiB, whole`)
      : report(
          'database',
          'fail',
          integrity,
          'stop the server, and restore a backup: opencpns server restore FILE --force',
        )
  const version =
    schema < newestSchema
      ? report('schema', 'ok', `${schema}; the next start brings it to ${newestSchema}, and there is no way back`)
      : report('schema', 'ok', `${schema}`)
  return [folder, whole, version, ofKey(database.key, isKeyChanging, dir)]
}

function ofKey(key: 'right' | 'changing' | 'wrong', isKeyChanging: boolean, dir: string): Finding {
  if (isKeyChanging) {
    const advice = `start the server, or run opencpns server rekey --data ${dir}: both finish it`
    return report('master key', 'warn', 'a change of it was cut off', advice)
  }
  if (key === 'right') return report('master key', 'ok', 'the key of the database')
  const advice = 'restore master.key from where its copy is, or the database of the same time'
  return report('master key', 'fail', 'not the key of the database', advice)
}

async function ofProcess(dir: string): Promise<Finding[]> {
  const access = await readAdminAccess(dir).catch((error) => {
    if (codeOf(error) === 'SERVER_NOT_RUNNING') return undefined
    throw error
  })
  if (access === undefined && existsSync(join(dir, 'admin.json'))) {
    return [report('running', 'fail', 'no; admin.json is left of one that ran', 'start the server: it was killed')]
  }
  if (access === undefined) {
    const ports = await Promise.all(PORTS.map((port) => examinePort(report, port)))
    return [report('running', 'ok', 'no; the folder can be used'), ...ports]
  }
  return [await ofReadiness(report, access.url, access)]
}

/** Whether the server at this address says that it is ready. @throws nothing */
async function ofReadiness(to: Report, url: string, trust: Trust): Promise<Finding> {
  try {
    const { status, text } = await send(`${url}/readyz`, { method: 'GET', headers: {}, timeoutMs: READY_MS }, trust)
    if (status === 200) return to('running', 'ok', `ready, at ${url}`)
    return to('running', 'fail', `it runs at ${url} and is not ready: ${failed(text)}`, 'look into its log')
  } catch {
    const found = `admin.json names ${url}, and nobody answers there`
    return to('running', 'fail', found, 'start the server: it was killed, or hangs')
  }
}

function failed(text: string): string {
  try {
    return JSON.parse(text).failed.join(', ')
  } catch {
    return 'it does not say why'
  }
}
