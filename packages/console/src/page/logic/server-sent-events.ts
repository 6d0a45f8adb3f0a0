// Server-sent events out of the pieces that a response body comes in (HTML Living Standard section 9.2.6), without `retry`.

export interface ServerSentEvent {
  readonly type: string
  readonly data: string
  /** The id of the last event that had one. */
  readonly id: string
}

const BUFFER_MAX = 4 * 1024 * 1024

export class EventParser {
  #rest = ''
  #id = ''
  #type = ''
  #data: string[] = []

  /** @throws {RangeError} a line that never ends */
  read(piece: string): ServerSentEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > BUFFER_MAX) throw new RangeError('the stream sends a line that is too long')
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch()
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'data') this.#data.push(value ?? '')
    else if (field === 'event') this.#type = value ?? ''
    else if (field === 'id' && !value?.includes('\0')) this.#id = value ?? ''
    return undefined
  }

  #dispatch(): ServerSentEvent | undefined {
    const [type, data] = [this.#type || 'message', this.#data]
    this.#type = ''
    this.#data = []
    return data.length === 0 ? undefined : { type, data: data.join('\n'), id: this.#id }
  }
}
