// Brings reports of presence to the CPNS Server, in order, at most 64 in one request, one request at a time; again until the
// server has counted them (docs/protocol.md section 4.4, Registrations).

import {
  encode,
  type MessageOf,
  RegistrationsRequest,
  type RegistrationsResponse,
  Result,
  resultName,
} from '@opencpns/protocol'
import { UpstreamError } from './errors.ts'
import type { ReportQueue } from './upstream.ts'

const RETRY_MS = 1000

interface ReportSenderOptions {
  readonly queue: ReportQueue
  request(make: (id: number) => Uint8Array): Promise<MessageOf<typeof RegistrationsResponse>>
  /** Told of what the server did wrong or refuses. */
  complain(error: unknown): void
}

export class ReportSender {
  readonly #options: ReportSenderOptions
  #sending = false
  #retry: NodeJS.Timeout | undefined

  constructor(options: ReportSenderOptions) {
    this.#options = options
    options.queue.onReports = () => void this.send()
  }

  /** Sends until there is nothing left. Called when there may be something, and when a connection was made. Never rejects. */
  async send(): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#sending) return
    this.#sending = true
    try {
      while (await this.#sendSome());
    } catch (error) {
      // Without a server the next connection goes on; anything else is tried again.
      if (error instanceof UpstreamError && error.code === 'SERVER_UNREACHABLE') return
      this.#options.complain(error)
      this.#retry = setTimeout(() => void this.send(), RETRY_MS).unref()
    } finally {
      this.#sending = false
    }
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#options.queue.onReports = () => {}
  }

  /** False when there was nothing to send. */
  async #sendSome(): Promise<boolean> {
    const { queue } = this.#options
    const batch = queue.next()
    if (!batch) return false
    const response = await this.#ask(batch)
    if (response.result === Result.malformedMessage) queue.continueAfter(await this.#whereTheServerIs(batch.reports))
    else queue.counted(upToOf(response))
    return true
  }

  /** A report with the number 0 is never counted: the answer to it says only how far the server has counted. */
  async #whereTheServerIs([report]: readonly Uint8Array[]): Promise<number> {
    return upToOf(await this.#ask({ first: 0, reports: report ? [report] : [] }))
  }

  #ask({ first, reports }: { first: number; reports: readonly Uint8Array[] }) {
    return this.#options.request((id) => encode(RegistrationsRequest, { id, first, reports: [...reports] }))
  }
}

function upToOf({ result, upTo }: MessageOf<typeof RegistrationsResponse>): number {
  if (result === Result.success && upTo !== undefined) return upTo
  throw new UpstreamError('SERVER_REFUSED', `the server does not count reports of presence: ${resultName(result)}`)
}
