// Reads the server's revocation log: at each connection and at each notice, of whichever server, from where this gateway stands
// (docs/protocol.md section 4.4).

import {
  encode,
  type MessageOf,
  Result,
  RevocationsRequest,
  type RevocationsResponse,
  resultName,
} from '@opencpns/protocol'
import { UpstreamError } from './errors.ts'
import type { RevocationLog } from './upstream.ts'

const RETRY_MS = 1000

interface RevocationReaderOptions {
  readonly log: RevocationLog
  request(make: (id: number) => Uint8Array): Promise<MessageOf<typeof RevocationsResponse>>
  complain(error: unknown, message: string): void
}

export class RevocationReader {
  readonly #options: RevocationReaderOptions
  #noticed = 0
  #reading = false
  #restored = false
  #actedAt = Number.NEGATIVE_INFINITY
  #retry: NodeJS.Timeout | undefined

  constructor(options: RevocationReaderOptions) {
    this.#options = options
  }

  /**
   * A connection was made. A server whose log ends before our place was restored from a backup: then all of it is read again.
   * Unless lines came by another connection while this one was being made.
   * @param beganAt  by {@link performance.now}
   */
  connected(newest: number, beganAt: number): void {
    if (newest < this.#options.log.revokedUpTo() && beganAt > this.#actedAt) {
      this.#restored = true
      this.#noticed = newest
    }
    this.noticed(newest)
  }

  /** The log has grown to this number. */
  noticed(upTo: number): void {
    this.#noticed = Math.max(this.#noticed, upTo)
    void this.#read()
  }

  close(): void {
    clearTimeout(this.#retry)
  }

  /** One reader at a time: it goes on as far as was noticed. */
  async #read(): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#reading) return
    this.#reading = true
    try {
      let since = this.#restored ? 0 : this.#options.log.revokedUpTo()
      while (since < this.#noticed) since = await this.#readAfter(since)
    } catch (error) {
      // Without a server the next connection goes on; anything else is tried again.
      if (error instanceof UpstreamError && error.code === 'SERVER_UNREACHABLE') return
      this.#options.complain(error, 'the revocation log could not be read: it is tried again')
      this.#retry = setTimeout(() => void this.#read(), RETRY_MS).unref()
    } finally {
      this.#reading = false
    }
  }

  /** Acts on one page of the log; resolves to the number of its last line. */
  async #readAfter(since: number): Promise<number> {
    const { result, tags = [], upTo } = await this.#options.request((id) => encode(RevocationsRequest, { id, since }))
    if (result !== Result.success || upTo === undefined || upTo <= since) {
      throw new UpstreamError('SERVER_WRONG', `the revocation log after ${since}: ${resultName(result)}`)
    }
    this.#actedAt = performance.now()
    this.#options.log.revoke(tags, upTo)
    this.#restored = false
    return upTo
  }
}
