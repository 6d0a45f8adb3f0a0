// A wire that can be cut, or go silent: relays TCP connections and knows nothing of what goes over them.
import { type AddressInfo, createServer, connect as open, type Socket } from 'node:net'
import { type Address, listenTcp } from '@opencpns/io'

export interface Wire {
  readonly address: Address
  /** Ends all connections, and each that comes, until {@link mend}. */
  cut(): void
  /** From now on nothing arrives any more, from whichever side, and nobody is told. */
  silence(): void
  /** Like {@link cut}, the moment the client sends something that contains this. */
  cutAt(text: string): void
  mend(): void
  close(): Promise<void>
}

export async function wireTo(target: Address): Promise<Wire> {
  const sockets = new Set<Socket>()
  let state: 'whole' | 'cut' | 'silent' = 'whole'
  let trap: string | undefined
  const cut = () => {
    state = 'cut'
    for (const socket of sockets) socket.destroy()
  }
  const join = (source: Socket, sink: Socket, isClient: boolean) => {
    sockets.add(source)
    source.on('error', () => {})
    source.on('close', () => {
      sockets.delete(source)
      sink.destroy()
    })
    source.on('data', (octets) => {
      if (state === 'silent') return
      if (isClient && trap !== undefined && octets.includes(trap)) cut()
      else sink.write(octets)
    })
  }
  const server = createServer({ noDelay: true }, (client) => {
    if (state === 'cut') {
      client.on('error', () => {}).destroy()
      return
    }
    const upstream = open({ ...target, noDelay: true })
    join(client, upstream, true)
    join(upstream, client, false)
  })
  await listenTcp(server, { host: '127.0.0.1', port: 0 })
  const { address: host, port } = server.address() as AddressInfo
  return {
    address: { host, port },
    cut,
    silence() {
      state = 'silent'
    },
    cutAt(text) {
      trap = text
    },
    mend() {
      trap = undefined
      state = 'whole'
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
