// One link of a flow as a transcript: frames in the clear, what the upgrade to TLS derives from them, frames inside TLS.
// docs/protocol.md sections 3 and 5.2. No socket and no TLS: the octets alone.

import { createHash } from 'node:crypto'
import { encode as encodeTyped, type Message } from '@opencpns/protocol'

type Values = Readonly<Record<string, unknown>>
type Party = 'PNE' | 'PN GW' | 'CPNS Server'

/** The encoder without the type of one particular message; it still checks every field. */
export const encode = encodeTyped as (message: Message, values: Values) => Uint8Array

/** A frame with its length prefix, beside its fields in words. */
function frame(from: Party, message: Message, fields: Values) {
  const body = encode(message, fields)
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(body.length)
  return { from, message: message.name, fields, frame: Buffer.concat([prefix, body]) }
}

export class Link {
  readonly #parties: string
  readonly #clear: ReturnType<typeof frame>[] = []
  readonly #insideTls: ReturnType<typeof frame>[] = []
  readonly #transcript = createHash('sha256')
  #tls: object | undefined

  constructor(client: Party, server: Party) {
    this.#parties = `${client} to ${server}`
  }

  say(from: Party, message: Message, fields: Values = {}): void {
    const said = frame(from, message, fields)
    if (this.#tls) {
      this.#insideTls.push(said)
    } else {
      this.#clear.push(said)
      this.#transcript.update(said.frame)
    }
  }

  /** The upgrade: from here on, frames are inside TLS. @param derivePsk from the transcript hash */
  upgrade(alpn: string, sessionId: Uint8Array, derivePsk: (transcriptHash: Buffer) => Buffer): void {
    const transcriptHash = this.#transcript.digest()
    const pskIdentity = Buffer.from(sessionId).toString('base64url')
    this.#tls = { transcriptHash, psk: derivePsk(transcriptHash), pskIdentity, alpn }
  }

  record(): object {
    return { link: this.#parties, clear: this.#clear, ...this.#tls, insideTls: this.#insideTls }
  }
}
