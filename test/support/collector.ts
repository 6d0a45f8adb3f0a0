// A collector of traces: OTLP over HTTP in JSON (opentelemetry.io/docs/specs/otlp), as much of it as the tests ask for.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One span, with the name of the service that it came from. */
export interface Span {
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  /** Empty at the first of a trace. */
  readonly parentSpanId: string
  /** Nanoseconds since the epoch. */
  readonly from: bigint
  readonly to: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly isError: boolean
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'attributes' | 'isError' | 'from' | 'to' | 'service'> & {
        readonly attributes: readonly Attribute[]
        readonly status: { readonly code?: number }
        readonly startTimeUnixNano: string
        readonly endTimeUnixNano: string
      })[]
    }[]
  }[]
}

const ERROR = 2

export class Collector {
  readonly spans: Span[] = []
  /** Everything that came, as text. */
  readonly bodies: string[] = []
  requests = 0
  readonly #server = createServer((request, response) => void this.#take(request, response))
  readonly #answer: (response: ServerResponse) => void

  /** @param answer  how it answers, if not well */
  private constructor(answer: (response: ServerResponse) => void = (response) => void response.end('{}')) {
    this.#answer = answer
  }

  static async open(answer?: (response: ServerResponse) => void): Promise<Collector> {
    const collector = new Collector(answer)
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return // whoever sent it has gone
    const sent = JSON.parse(body) as Export
    this.bodies.push(JSON.stringify(sent))
    for (const { resource, scopeSpans } of sent.resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name'])
      for (const { spans } of scopeSpans) {
        for (const { name, kind, traceId, spanId, parentSpanId = '', status, attributes, ...times } of spans) {
          const [from, to] = [BigInt(times.startTimeUnixNano), BigInt(times.endTimeUnixNano)]
          const place = { service, name, kind, traceId, spanId, parentSpanId }
          this.spans.push({ ...place, from, to, attributes: valuesOf(attributes), isError: status.code === ERROR })
        }
      }
    }
    this.#answer(response)
  }
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
