// What a store consists of, as both kinds keep it: tables in the order in which they may be filled, their columns, and the
// columns by which they are read from their beginning to their end. Links of servers are not among them: they make themselves.

type Type = 'bigint' | 'boolean' | 'bytea' | 'double precision' | 'integer' | 'text'

export interface Table {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: Type }[]
  /** Names of the first columns: they are unique together, and sorted alike in both stores. */
  readonly key: readonly string[]
  /** Where SQLite has it, if not in the table of this name. */
  readonly sqlite: string
}

/** Numbers, texts, octets in hex. */
export type Row = readonly (number | string | null)[]

/** @param columns  `name:type, …`, those of the key first */
function table(name: string, keyLength: number, columns: string, sqlite = name): Table {
  const pairs = columns.split(/,\s*/).map((column) => column.split(':') as [string, Type])
  const key = pairs.slice(0, keyLength).map(([column]) => column)
  return { name, columns: pairs.map(([column, type]) => ({ name: column, type })), key, sqlite }
}

const eventsWithDetails = `(
  SELECT e.id, at, type, result, reason, pne_id, gateway, user, "case", ms, session, steps, facts
  FROM events e LEFT JOIN event_details d ON d.id = e.id)`

export const tables: readonly Table[] = [
  table('claims', 1, 'name:text, value:bytea'),
  table(
    'users',
    1,
    'id:bigint, name:text, version:bigint, roaming:text, sessions_max:integer, created_at:bigint, removed_at:bigint',
  ),
  table('first_seeds', 2, 'user_id:bigint, generation:integer, sealed:bytea, created_at:bigint'),
  table(
    'gateways',
    1,
    `id:bigint, identity:text, version:bigint, radius:text, visitors:boolean, user_id:bigint, sealed_secret:bytea,
     reports:bigint, created_at:bigint, revoked_at:bigint`,
  ),
  table('listed_gateways', 2, 'user_id:bigint, gateway_id:bigint'),
  table(
    'pnes',
    1,
    `id:bigint, pne_id:text, state:text, user_id:bigint, gateway_id:bigint, name:text, created_at:bigint,
     confirmed_at:bigint, revoked_at:bigint`,
  ),
  table('pne_words', 2, 'word:text, pne:bigint'),
  table(
    'keys',
    1,
    `second_seed:bytea, pne_id:text, state:text, user_id:bigint, generation:integer, replaces:bytea, created_at:bigint,
     confirmed_at:bigint, retired_at:bigint`,
  ),
  table('registrations', 1, 'id:bigint, gateway_id:bigint, pne_id:bigint, session_id:bytea, case:text, since:bigint'),
  table('revocations', 1, 'seq:bigint, pne_id:text, tag:bytea, at:bigint'),
  table('changes', 1, 'seq:bigint, kind:text, subject:text'),
  table(
    'events',
    1,
    `id:bigint, at:bigint, type:text, result:text, reason:text, pne_id:text, gateway:text, user:text, case:text,
     ms:double precision, session:text, steps:text, facts:text`,
    eventsWithDetails,
  ),
  table(
    'tokens',
    1,
    `number:bigint, id:text, name:text, role:text, hash:bytea, created_at:bigint, created_by:text, expires_at:bigint,
     revoked_at:bigint, used_at:bigint`,
  ),
  table(
    'audit',
    1,
    `id:bigint, at:bigint, actor:text, role:text, action:text, target:text, facts:text, from:text, outcome:text`,
  ),
  table('answers', 2, 'scope:text, key:text, fingerprint:bytea, sealed:bytea, at:bigint'),
]

/** The key of a row: where the next part begins. */
export function keyOf({ key }: Table, row: Row): Row {
  return row.slice(0, key.length)
}

/** `"a", "b"` */
export function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
