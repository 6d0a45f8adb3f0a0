// The service behind the gateways: whatever comes in goes out again. And the proof that it did.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CliError } from '../../errors.ts'

const SIZE = 1024 * 1024

export class EchoService {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.pipe(socket)
    })
  }

  /** @returns where it listens, as HOST:PORT */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/**
 * Sends 1 MiB of random octets and reads as many back.
 * @throws {CliError} DEMO_FAILED other octets came back, or fewer
 */
export async function echoThrough(stream: Duplex): Promise<{ bytesEchoed: number; sha256: string }> {
  const sent = randomBytes(SIZE)
  const hash = createHash('sha256')
  let bytesEchoed = 0
  stream.write(sent)
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    hash.update(chunk)
    bytesEchoed += chunk.length
    if (bytesEchoed >= SIZE) break
  }
  const sha256 = hash.digest('hex')
  if (sha256 === createHash('sha256').update(sent).digest('hex')) return { bytesEchoed, sha256 }
  throw new CliError(
    'DEMO_FAILED',
    'cannot finish the demo: what came back is not what was sent. This is a bug: report it',
  )
}
