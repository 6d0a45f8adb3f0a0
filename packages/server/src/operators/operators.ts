// What the server knows of its operators.
import type { Logger } from '@opencpns/io'
import type { OperatorStore } from '../store/contract-operator.ts'
import type { Vault } from '../vault.ts'
import { Answers } from './answers.ts'
import { Audit } from './audit.ts'
import { Sessions } from './sessions.ts'
import { Tokens } from './tokens.ts'

interface OperatorsOptions {
  store: OperatorStore
  vault: Vault
  logger: Logger | undefined
  /** ms since the epoch */
  now: () => number
}

export class Operators {
  readonly tokens: Tokens
  readonly sessions: Sessions
  readonly audit: Audit
  readonly answers: Answers

  constructor(options: OperatorsOptions) {
    this.tokens = new Tokens(options)
    this.sessions = new Sessions(options)
    this.audit = new Audit(options)
    this.answers = new Answers(options)
  }
}
