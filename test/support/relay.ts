// A man in the middle: relays TCP connections, sees every frame in the clear and every chunk of TLS, and passes on what it likes.

import { type AddressInfo, createServer, connect as open, type Server, type Socket } from 'node:net'
import { type Address, listenTcp } from '@opencpns/io'
import { anyPort } from './stage.ts'

const PREFIX_OCTETS = 4

/** What is on its way: a frame in the clear with its length prefix, or what came of TLS. */
export interface Piece {
  readonly from: 'client' | 'server'
  /** Counts the pieces of the connection, both ways, from 0. */
  readonly index: number
  readonly clear: boolean
  readonly octets: Buffer
  /** Ends the connection, both ways. */
  cut(): void
  /** Sends octets back to where the piece came from. */
  reflect(octets: Uint8Array): void
}

/** Gives what to pass on in place of the piece: nothing for undefined. */
export type Tamper = (piece: Piece) => Uint8Array | undefined

export const passOn: Tamper = ({ octets }) => octets

export class Relay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: Address
  tamper: Tamper
  #isCut = false

  private constructor(target: Address, tamper: Tamper) {
    this.#target = target
    this.tamper = tamper
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  }

  static async to(target: Address, tamper: Tamper = passOn): Promise<Relay> {
    const relay = new Relay(target, tamper)
    await listenTcp(relay.#server, anyPort)
    return relay
  }

  get address(): Address {
    const { address: host, port } = this.#server.address() as AddressInfo
    return { host, port }
  }

  /** Ends all connections, and those that come until `mend`. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.on('error', () => {}).destroy()
      return
    }
    const server = open({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const flow = { pieces: 0 }
    this.#pump('client', client, server, flow)
    this.#pump('server', server, client, flow)
  }

  #pump(from: Piece['from'], source: Socket, sink: Socket, flow: { pieces: number }): void {
    let pending = Buffer.alloc(0)
    let clear = true
    const cut = () => {
      source.destroy()
      sink.destroy()
    }
    const reflect = (octets: Uint8Array) => void source.write(octets)
    this.#sockets.add(source)
    source.on('error', () => {}).on('end', () => sink.end())
    source.on('close', () => {
      this.#sockets.delete(source)
      sink.destroy()
    })
    source.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      for (;;) {
        clear &&= pending[0] === undefined || pending[0] === 0 // a record of TLS begins with its type, which is not 0
        const size = clear ? firstFrame(pending) : pending.length
        if (size === 0) return
        const octets = pending.subarray(0, size)
        pending = pending.subarray(size)
        const passed = this.tamper({ from, index: flow.pieces++, clear, octets, cut, reflect })
        if (passed && !sink.destroyed) sink.write(passed)
      }
    })
  }
}

/** Octets of the first frame with its prefix, 0 where it is not whole. */
function firstFrame(octets: Buffer): number {
  if (octets.length < PREFIX_OCTETS) return 0
  const size = PREFIX_OCTETS + octets.readUInt32BE()
  return octets.length < size ? 0 : size
}
