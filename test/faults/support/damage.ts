// Databases of a server and of a gateway with a bit flipped, or the end torn off, as their owners find them at the start.

import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '@opencpns/server'
import { openDatabase } from '../../../packages/gateway/src/keystore/database.ts'
import type { Promises } from './fault.ts'
import type { FaultTown } from './fault-town.ts'

const TORN = 10
/** A flipped bit in what no index holds, such as a time, is not found at the start. What is sealed shows it when it is opened. */
const FOUND_MIN = 0.75
/** History, and words to search by: nothing that is decided depends on them. */
const HISTORY = /^(events|event_details|audit|changes|pne_words|sqlite_\w+)$/

/** Of each kind how many; `harmless` ones were in octets that nothing uses, or in history. */
interface Damage {
  flips: number
  harmless: number
  found: number
  unfound: number
  torn: number
}

/** The owners of the databases must have ended. */
export async function tryDamage(town: FaultTown, promises: Promises, flips: number): Promise<Damage> {
  const damage = { flips: 0, harmless: 0, found: 0, unfound: 0, torn: 0 }
  const server = new Specimen(town.path('server/cpns.db'), async (path) => openSqlite(path).close())
  const gateway = new Specimen(town.path('home/gateway.db'), async (path) => openDatabase(path).close())
  for (const specimen of [server, gateway]) {
    for (let flip = 0; flip < flips / 2; flip++) damage[await specimen.withFlippedBit()]++
    for (let tear = 0; tear < TORN; tear++) {
      promises.keep('a torn file is found at the start', await specimen.isFoundTorn())
      damage.torn++
    }
    specimen.tear()
  }
  damage.flips = damage.harmless + damage.found + damage.unfound
  const mattered = damage.found + damage.unfound
  promises.keep(
    'of flipped bits that matter three in four are found at the start',
    damage.found >= FOUND_MIN * mattered,
  )
  await findsByCommand(town, promises)
  return damage
}

/** Both files are torn now. */
async function findsByCommand(town: FaultTown, promises: Promises): Promise<void> {
  const server = await town.town.attempt('server', 'run', '--data', town.path('server'))
  promises.keep(
    'server run names the torn file',
    server.code === 5 && /cpns\.db is damaged: restore/.test(server.stderr),
  )
  const files = ['--credential', town.path('home.json'), '--data', town.path('home')]
  const gateway = await town.town.attempt('gateway', 'run', ...files, '--server', '127.0.0.1:1')
  promises.keep(
    'gateway run names the torn file',
    gateway.code === 5 && /gateway\.db is damaged: restore/.test(gateway.stderr),
  )
}

/** A database, whole in memory, and a copy of it to damage. */
class Specimen {
  readonly #file: string
  readonly #copy: string
  readonly #whole: Buffer
  readonly #rows: string
  readonly #open: (path: string) => Promise<void>

  /** @param open opens it as its owner does, with all checks, and closes it */
  constructor(file: string, open: (path: string) => Promise<void>) {
    this.#file = file
    this.#copy = `${file}.damaged`
    this.#rows = rowsOf(file)
    this.#whole = readFileSync(file)
    this.#open = open
  }

  async withFlippedBit(): Promise<'harmless' | 'found' | 'unfound'> {
    const octets = Buffer.from(this.#whole)
    const at = Math.floor(Math.random() * octets.length)
    octets.writeUInt8(octets.readUInt8(at) ^ (1 << Math.floor(Math.random() * 8)), at)
    if (await this.#isFound(octets)) return 'found'
    return rowsOf(this.#copy) === this.#rows ? 'harmless' : 'unfound'
  }

  isFoundTorn(): Promise<boolean> {
    return this.#isFound(this.#whole.subarray(0, 1 + Math.floor(Math.random() * (this.#whole.length - 1))))
  }

  /** Tears the file itself. */
  tear(): void {
    for (const part of ['', '-wal', '-shm']) rmSync(`${this.#copy}${part}`, { force: true })
    truncateSync(this.#file, Math.floor(this.#whole.length / 2))
  }

  async #isFound(octets: Buffer): Promise<boolean> {
    for (const part of ['-wal', '-shm']) rmSync(`${this.#copy}${part}`, { force: true })
    writeFileSync(this.#copy, octets)
    return this.#open(this.#copy).then(
      () => false,
      () => true,
    )
  }
}

/** All rows of all tables but those of history, as text, without what is sealed. */
function rowsOf(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true })
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all()
  const names = tables.map(({ name }) => String(name)).filter((name) => !HISTORY.test(name))
  const rows = names.map((name) => db.prepare(`SELECT * FROM "${name}"`).all())
  db.close()
  return JSON.stringify(rows, (column, value) => (column.startsWith('sealed') ? undefined : value))
}
