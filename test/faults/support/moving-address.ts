// An address that can be moved from one TCP server of this machine to another, as a virtual address or a proxy does.

import { type AddressInfo, createServer, connect as open, type Server, type Socket } from 'node:net'
import { listenTcp } from '@opencpns/io'
import { anyPort } from '../../support/stage.ts'

export class MovingAddress {
  /** The port where new connections go. */
  target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.target = target
    this.#server = createServer((client) => this.#accept(client))
  }

  static async to(target: number): Promise<MovingAddress> {
    const proxy = new MovingAddress(target)
    await listenTcp(proxy.#server, anyPort)
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    const server = open({ host: '127.0.0.1', port: this.target })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one)
      one.pipe(other)
      one
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
    }
  }
}
