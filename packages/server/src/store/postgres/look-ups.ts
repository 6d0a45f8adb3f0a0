// What an authentication asks: whose key a 2nd seed is, and whether that PNE may be in the remote case at this gateway. All
// that is asked while a statement is under way goes together as the next one, so that a round trip serves many.
import type { AdmissionRow, KeyState, PneKeyRow } from '../contract.ts'
import { Batcher } from './batcher.ts'
import type { Queries } from './database.ts'
import { octetArray } from './octet-array.ts'
import { statements } from './statements.ts'

/** Of one statement. */
const MAX = 500
/** Statements under way: while one waits for its answer the next is sent. */
const PARALLEL = 2

const sql = statements('lookUps', {
  key: `SELECT pne_id AS "pneId", state, user_id AS "userId", generation FROM keys WHERE second_seed = $1`,
  keys: `
    SELECT json_agg(json_build_array(k.n, keys.pne_id, keys.state, keys.user_id, keys.generation)) AS found
    FROM unnest($1::bytea[]) WITH ORDINALITY AS k (second_seed, n) JOIN keys ON keys.second_seed = k.second_seed`,
  admissions: `
    SELECT a.n, u.roaming, u.sessions_max AS "sessionsMax", g.visitors, g.revoked_at IS NOT NULL AS "gatewayRevoked",
           EXISTS (SELECT 1 FROM listed_gateways WHERE user_id = u.id AND gateway_id = g.id) AS listed
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS a (user_id, gateway, n)
    JOIN users u ON u.id = a.user_id JOIN gateways g ON g.identity = a.gateway`,
})

type FoundKey = [n: number, pneId: string, state: KeyState, userId: number, generation: number]

interface AdmissionOf {
  userId: number
  gateway: string
}

export class LookUps {
  readonly #keys: Batcher<Uint8Array, PneKeyRow | undefined>
  readonly #admissions: Batcher<AdmissionOf, AdmissionRow | undefined>

  constructor(reads: Queries) {
    this.#keys = new Batcher({ run: (seeds) => findKeys(reads, seeds), max: MAX, parallel: PARALLEL })
    this.#admissions = new Batcher({ run: (of) => findAdmissions(reads, of), max: MAX, parallel: PARALLEL })
  }

  /** What {@link Store.findPneBySecondSeed} gives. */
  key(secondSeed: Uint8Array): Promise<PneKeyRow | undefined> {
    return this.#keys.add(secondSeed)
  }

  /** What {@link Store.findAdmission} gives. */
  admission(of: AdmissionOf): Promise<AdmissionRow | undefined> {
    return this.#admissions.add(of)
  }
}

/** Of several, all rows as one value, and the seeds in binary form: less for this process to write and read. */
async function findKeys(reads: Queries, seeds: readonly Uint8Array[]) {
  if (seeds.length === 1) return [fulfilled(await reads.first<PneKeyRow>(sql.key, seeds))]
  const answers: PromiseSettledResult<PneKeyRow | undefined>[] = new Array(seeds.length).fill(fulfilled(undefined))
  const answer = await reads.first<{ found: FoundKey[] | null }>(sql.keys, [octetArray(seeds)])
  for (const [n, pneId, state, userId, generation] of answer?.found ?? []) {
    answers[n - 1] = fulfilled({ pneId, state, userId, generation })
  }
  return answers
}

async function findAdmissions(reads: Queries, of: readonly AdmissionOf[]) {
  const found: (AdmissionRow | undefined)[] = new Array(of.length)
  const values = [of.map(({ userId }) => userId), of.map(({ gateway }) => gateway)]
  for (const { n, ...admission } of await reads.all<AdmissionRow & { n: number }>(sql.admissions, values)) {
    found[n - 1] = admission
  }
  return of.map((_, at) => fulfilled(found[at]))
}

function fulfilled<T>(value: T): PromiseSettledResult<T> {
  return { status: 'fulfilled', value }
}
