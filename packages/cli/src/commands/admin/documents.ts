// The documents of the admin API, as far as tables show them. Times are ISO 8601 in UTC.

export interface User {
  name: string
  generation: number
  created: string
}

export interface Gateway {
  identity: string
  kind: 'cpns' | 'radius'
  radius: string | null
  user: string
  created: string
  revoked: string | null
}

export interface Pne {
  id: string
  name: string | null
  state: string
  user: string
  generation: number
  gateway: string
  created: string
  confirmed: string | null
  revoked: string | null
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
