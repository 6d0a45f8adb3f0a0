// The operator's part of the store on one SQLite connection: tokens, the audit log, answers, links, sealed values.
import type { Page, PageRequest, PneCounts } from '../contract.ts'
import type {
  AuditFilter,
  AuditRow,
  Counts,
  LinkChange,
  LinkRow,
  NewToken,
  OperatorStore,
  RememberedAnswer,
  SealedRow,
  TokenRow,
} from '../contract-operator.ts'
import { page, readCursor } from '../paging.ts'
import type { Connection } from './connection.ts'
import { row } from './rows.ts'
import type { Statements } from './statements.ts'

export class OperatorPart implements OperatorStore {
  protected readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  addToken(token: NewToken): Promise<TokenRow> {
    return this.connection.write(({ addToken, findTokenById }) => {
      addToken.run({ ...token })
      return row<TokenRow>(tokenRow(findTokenById.get(token.id)))
    })
  }

  findToken(hash: Uint8Array): Promise<TokenRow | undefined> {
    return this.connection.read(({ findToken }) => tokenRow(findToken.get(hash)))
  }

  findTokenById(id: string): Promise<TokenRow | undefined> {
    return this.connection.read(({ findTokenById }) => tokenRow(findTokenById.get(id)))
  }

  listTokens({ limit, cursor }: PageRequest): Promise<Page<TokenRow>> {
    return this.connection.read(({ listTokens }) => {
      const found = listTokens.all(readCursor(cursor), limit + 1)
      const { items, next } = page(found, limit, ({ number }) => String(number))
      return { items: items.map((item) => row<TokenRow>(tokenRow(item))), next }
    })
  }

  revokeToken(reference: string, at: number): Promise<TokenRow | undefined> {
    return this.connection.write(({ findTokenById, findTokenByName, revokeToken }) => {
      const found = tokenRow(findTokenById.get(reference) ?? findTokenByName.get(reference))
      if (found === undefined) return undefined
      revokeToken.run(at, found.id)
      return tokenRow(findTokenById.get(found.id))
    })
  }

  noteTokenUse(id: string, at: number): Promise<void> {
    return this.connection.write(({ noteTokenUse }) => void noteTokenUse.run(at, id))
  }

  beginAudit(begun: Omit<AuditRow, 'id' | 'outcome'>): Promise<number> {
    return this.connection.write(({ beginAudit }) => Number(beginAudit.run({ ...begun }).lastInsertRowid))
  }

  endAudit(id: number, outcome: string, facts?: string): Promise<AuditRow | undefined> {
    return this.connection.write(({ endAudit, findAudit }) => {
      endAudit.run(outcome, facts ?? null, id)
      return findAudit.get(id) as AuditRow | undefined
    })
  }

  listAudit({ limit, before, actor, action, target }: AuditFilter): Promise<AuditRow[]> {
    const parameters = { limit, before: before ?? Number.MAX_SAFE_INTEGER }
    const filter = { actor: actor ?? null, action: action ?? null, target: target ?? null }
    return this.connection.read(({ listAudit }) => listAudit.all({ ...parameters, ...filter }) as unknown as AuditRow[])
  }

  claimAnswer(of: Parameters<OperatorStore['claimAnswer']>[0]): Promise<RememberedAnswer | undefined> {
    const { scope, key, fingerprint, at, forgetBefore, abandonedBefore } = of
    return this.connection.write(({ forgetAnswers, findAnswer, takeAnswer }) => {
      forgetAnswers.run(forgetBefore)
      const found = findAnswer.get(scope, key) as RememberedAnswer | undefined
      const isAbandoned = found?.sealedAnswer === null && found.at < abandonedBefore
      const isSame = found !== undefined && Buffer.compare(found.fingerprint, fingerprint) === 0
      if (found !== undefined && !(isAbandoned && isSame)) return found
      takeAnswer.run({ scope, key, fingerprint, at })
      return undefined
    })
  }

  keepAnswer(scope: string, key: string, sealedAnswer: Uint8Array): Promise<void> {
    return this.connection.write(({ keepAnswer }) => void keepAnswer.run(sealedAnswer, scope, key))
  }

  hasAnswer(scope: string, key: string): Promise<boolean> {
    return this.connection.read(({ findAnswer }) => findAnswer.get(scope, key) !== undefined)
  }

  dropAnswer(scope: string, key: string): Promise<void> {
    return this.connection.write(({ dropAnswer }) => void dropAnswer.run(scope, key))
  }

  beat({ replica, at, changes, forgetBefore }: Parameters<OperatorStore['beat']>[0]): Promise<boolean> {
    return this.connection.write((statements) => {
      const isKnown = statements.findReplica.get(replica) !== undefined
      statements.noteReplica.run(replica, at)
      for (const change of changes) noteLink(statements, replica, change)
      for (const { name } of statements.oldReplicas.all(forgetBefore)) dropReplica(statements, String(name))
      return isKnown
    })
  }

  dropReplica(replica: string): Promise<void> {
    return this.connection.write((statements) => dropReplica(statements, replica))
  }

  listLinks(aliveAfter: number, gateways?: readonly string[]): Promise<LinkRow[]> {
    return this.connection.read(({ listLinks, linksOf }) => {
      const found = gateways
        ? linksOf.all({ aliveAfter, gateways: JSON.stringify(gateways) })
        : listLinks.all({ aliveAfter })
      return found as unknown as LinkRow[]
    })
  }

  countLinks(aliveAfter: number): Promise<number> {
    return this.connection.read(({ countLinks }) => row<{ count: number }>(countLinks.get({ aliveAfter })).count)
  }

  countOtherReplicas(replica: string, aliveAfter: number): Promise<number> {
    return this.connection.read(
      ({ countOtherReplicas }) => row<{ count: number }>(countOtherReplicas.get({ replica, aliveAfter })).count,
    )
  }

  counts(): Promise<Counts> {
    return this.connection.read((statements) => {
      const found = row<Record<string, number>>(statements.counts.get())
      const { users = 0, gateways = 0, gatewaysRevoked: revoked = 0, radius = 0, registered = 0 } = found
      const cpns = gateways - revoked - radius
      return { users, gateways: { cpns, radius, revoked }, pnes: pneCounts(found), registered }
    })
  }

  countPnes(userId: number): Promise<PneCounts> {
    return this.connection.read(({ countPnes }) => pneCounts(row<Record<string, number>>(countPnes.get({ userId }))))
  }

  listSealed(after: Pick<SealedRow, 'kind' | 'place'> | undefined, limit: number): Promise<SealedRow[]> {
    return this.connection.read((statements) => {
      const found: SealedRow[] = []
      for (const kind of kinds.slice(after ? kinds.indexOf(after.kind) : 0)) {
        const place = kind === after?.kind ? after.place : ''
        found.push(...sealedOf(statements, kind, place, limit - found.length))
      }
      return found
    })
  }

  reseal(rows: Parameters<OperatorStore['reseal']>[0]): Promise<number> {
    return this.connection.write(({ resealSeed, resealSecret }) => {
      const changes = rows.map(({ kind, place, from, to }) =>
        kind === 'first-seed'
          ? resealSeed.run({ ...readPlace(place), from, to }).changes
          : resealSecret.run({ identity: place, from, to }).changes,
      )
      return changes.reduce((sum: number, count) => sum + Number(count), 0)
    })
  }
}

const kinds = ['first-seed', 'gateway-secret', 'radius-secret'] as const

function sealedOf(statements: Statements, kind: SealedRow['kind'], after: string, limit: number): SealedRow[] {
  const found =
    kind === 'first-seed'
      ? statements.sealedSeeds.all({ ...readPlace(after), limit })
      : statements.sealedSecrets.all({ after, isRadius: kind === 'radius-secret' ? 1 : 0, limit })
  return found.map((each) => ({ kind, ...each }) as unknown as SealedRow)
}

/** `alice/2` */
function readPlace(place: string): { name: string; generation: number } {
  const [name = '', generation = '0'] = place.split('/')
  return { name, generation: Number(generation) }
}

function dropReplica({ dropLinks, dropReplica }: Statements, name: string): void {
  dropLinks.run(name)
  dropReplica.run(name)
}

function noteLink({ link, unlink }: Statements, replica: string, { gateway, connected, at }: LinkChange): void {
  if (connected) link.run(gateway, replica, at)
  else unlink.run(gateway, replica)
}

function pneCounts({ pending = 0, active = 0, revoked = 0 }: Record<string, number>): PneCounts {
  return { pending, active, revoked }
}

/** Without the number by which tokens are ordered. */
function tokenRow(found: Record<string, unknown> | undefined): TokenRow | undefined {
  if (found === undefined) return undefined
  const { number, ...token } = found
  return token as unknown as TokenRow
}
