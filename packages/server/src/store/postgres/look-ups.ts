// What an authentication asks: whose key a 2nd seed is, and whether that PNE may be in the remote case at this gateway. All
// that is asked while a statement is under way goes together as the next one, so that a round trip serves many.
import type { AdmissionRow, KeyState, PneKeyRow } from '../contract.ts'
import { Batcher } from './batcher.ts'
import type { Queries } from './database.ts'
import { statements } from './statements.ts'

/** Of one statement. */
const MAX = 500
/** Statements under way: while one waits for its answer the next is sent. */
const PARALLEL = 2

const sql = statements('lookUps', {
  keys: `
    SELECT k.n, keys.pne_id AS "pneId", keys.state, keys.user_id AS "userId", keys.generation
    FROM unnest($1::bytea[]) WITH ORDINALITY AS k (second_seed, n) JOIN keys ON keys.second_seed = k.second_seed`,
  admissions: `
    SELECT a.n, u.roaming, u.sessions_max AS "sessionsMax", g.visitors, g.revoked_at IS NOT NULL AS "gatewayRevoked",
           EXISTS (SELECT 1 FROM listed_gateways WHERE user_id = u.id AND gateway_id = g.id) AS listed
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS a (user_id, gateway, n)
    JOIN users u ON u.id = a.user_id JOIN gateways g ON g.identity = a.gateway`,
})

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

async function findKeys(reads: Queries, seeds: readonly Uint8Array[]) {
  const found: (PneKeyRow | undefined)[] = new Array(seeds.length)
  for (const { n, ...key } of await reads.all<PneKeyRow & { n: number; state: KeyState }>(sql.keys, [seeds])) {
    found[n - 1] = key
  }
  return seeds.map((_, at) => fulfilled(found[at]))
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
