// Many assignments at once. Their keys are random, so a transaction touches nearly every page of an index: few large transactions
// write each page a few times, many small ones write it each time. Within one, what goes into an index goes in its order.
import { type NewPne, StoreError } from '../contract.ts'
import { inBatches } from '../paging.ts'
import { wordsOf } from '../words.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'

/** Assignments in one transaction: other writers wait that long, below a second. */
const BATCH = 50_000
/** Pages that the process keeps meanwhile: all indexes of a few million PNEs. */
const CACHE_KIB = 262_144

/** What {@link Store.importPnes} does. */
export function importPnes(connection: Connection, pnes: Iterable<NewPne>): Promise<number> {
  return connection.withCache(CACHE_KIB, async () => {
    let count = 0
    for (const batch of inBatches(pnes, BATCH)) {
      await connection.writeAlone((statements) => add(statements, batch))
      count += batch.length
    }
    return count
  })
}

function add(statements: Statements, pnes: readonly NewPne[]): void {
  const words: { word: string; id: number }[] = []
  const assigners = new Map<string, Assigner>()
  const keys: (NewPne & Assigner)[] = []
  for (const pne of pnes) {
    const { pneId, gateway, name, createdAt } = pne
    const assigner = assigners.get(gateway) ?? findAssigner(statements, gateway)
    assigners.set(gateway, assigner)
    const { lastInsertRowid } = statements.importPne.run(
      pneId,
      assigner.userId,
      assigner.id,
      name,
      createdAt,
      createdAt,
    )
    for (const word of wordsOf(name)) words.push({ word, id: Number(lastInsertRowid) })
    keys.push({ ...pne, ...assigner })
  }
  keys.sort((a, b) => Buffer.compare(a.secondSeed, b.secondSeed))
  for (const { secondSeed, pneId, userId, generation, createdAt } of keys) {
    statements.importKey.run(secondSeed, pneId, userId, generation, createdAt, createdAt)
  }
  words.sort((a, b) => (a.word < b.word ? -1 : a.word > b.word ? 1 : 0))
  for (const { word, id } of words) statements.addWord.run(word, id)
}

interface Assigner {
  id: number
  userId: number
  generation: number
}

function findAssigner({ findAssigner }: Statements, gateway: string): Assigner {
  const found = findAssigner.get(gateway) as Assigner | undefined
  if (found === undefined) throw new StoreError('STORE_UNKNOWN_GATEWAY', 'a PNE names a gateway that is not there')
  return found
}
