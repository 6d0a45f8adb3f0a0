// The documents of the admin API, as far as tables show them. Times are ISO 8601 in UTC.

export interface User {
  name: string
  generation: number
  created: string
  removed: string | null
}

export interface UserDetails extends User {
  version: number
  /** Oldest first; `keys`: how many active keys are calculated from its 1st seed. */
  generations: { generation: number; created: string; retired: boolean; keys: number }[]
  policy: { roaming: 'any' | 'listed' | 'none'; gateways: string[]; sessionsMax: number | null }
  pnes: { pending: number; active: number; revoked: number }
}

/** The personal network of a gateway. */
export interface Pn {
  gateway: string
  user: string
  visitors: boolean
  registered: number
}

/** The presence of a device in a personal network. */
export interface Session {
  session: string
  pne: string
  name: string | null
  user: string
  gateway: string
  case: string
  since: string
}

export interface Gateway {
  identity: string
  version: number
  kind: 'cpns' | 'radius'
  radius: string | null
  visitors: boolean
  user: string
  created: string
  revoked: string | null
  /** Null for an access point, which has no link. */
  connected: boolean | null
  connectedSince: string | null
  registered: number
}

export interface Pne {
  id: string
  name: string | null
  state: string
  user: string
  generation: number
  keyCreated: string
  gateway: string
  created: string
  confirmed: string | null
  revoked: string | null
}

export interface PneDetails extends Pne {
  /** Newest first. */
  keys: {
    generation: number
    state: string
    created: string
    confirmed: string | null
    retired: string | null
    gateway: string
  }[]
  registered: Session | null
}

export interface Token {
  id: string
  name: string
  role: string
  created: string
  createdBy: string
  expires: string | null
  revoked: string | null
  used: string | null
}

export interface IssuedToken extends Token {
  token: string
}

export interface AuditEntry {
  at: string
  actor: string
  action: string
  target: string | null
  facts: object | null
  from: string
  outcome: string | null
}

export interface Event {
  at: string
  type: string
  result: string
  reason: string | null
  pne: string | null
  gateway: string | null
  user: string | null
  case: string | null
  ms: number | null
}
