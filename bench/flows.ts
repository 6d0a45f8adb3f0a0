// Whole flows, steps 1 to 8, beside bare TLS 1.3 PSK handshakes of Node on upgraded sockets. All roles run in this process,
// on one core; the three take turns, so that what slows the machine slows all of them.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from 'node:tls'
import { silent } from '@opencpns/io'
import { connect } from '@opencpns/pne'
import { Stage } from '../test/support/stage.ts'
import { type Bench, type BenchOptions, compared, type Figure, plain } from './figures.ts'
import { type Flow, inTurn } from './turns.ts'

export const flows: Bench = {
  names: ['bare', 'local', 'remote'],
  async run({ wanted, quick, say }: BenchOptions): Promise<Record<string, Figure>> {
    const stage = await Stage.open({ logger: silent })
    const bare = await bareTls()
    try {
      const home = await stage.gateway('home-gw')
      const visited = await stage.gateway('visited-gw')
      const credential = await stage.pair('watch', 'home-gw')
      const through =
        ({ address }: { address: { host: string; port: number } }) =>
        async () => {
          const session = await connect({ ...address, credential, service: undefined })
          await session.close()
        }
      const all: Record<string, Flow> = { bare: bare.handshake, local: through(home), remote: through(visited) }
      const chosen = Object.entries(all).filter(([name]) => name === 'bare' || wanted.includes(name))
      const turns = quick ? { rounds: 5, ms: 400 } : { rounds: 15, ms: 1500 }
      return figuresOf(await inTurn({ flows: Object.fromEntries(chosen), ...turns, say }))
    } finally {
      bare.close()
      await stage.close()
    }
  },
}

function figuresOf(rates: Record<string, number>): Record<string, Figure> {
  const { bare = Number.NaN, local, remote } = rates
  const to = { value: bare, to: 'bare' }
  return {
    bare: plain(bare, 'handshakes/s'),
    ...(local && { local: compared(local, 'flows/s', to, { atLeast: 0.8 }) }),
    ...(remote && { remote: compared(remote, 'flows/s', to, { atLeast: 0.6 }) }),
  }
}

/**
 * Node's own TLS on upgraded sockets and nothing else: connect, one octet each way in the clear (without it there would be
 * nothing to upgrade), upgrade both ends in place, handshake, close.
 */
async function bareTls(): Promise<{ handshake: Flow; close(): void }> {
  const psk = randomBytes(32)
  const secureContext = createSecureContext({
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    ecdhCurve: 'X25519MLKEM768',
  })
  const server = createServer({ noDelay: true }, (socket) => {
    const options: TLSSocketOptions & { pskCallback: () => Uint8Array } = {
      isServer: true,
      secureContext,
      ALPNProtocols: ['bare'],
      pskCallback: () => psk,
    }
    socket.once('data', () => {
      socket.pause()
      socket.write('.')
      new TLSSocket(socket, options)
        .on('error', () => {})
        .on('end', () => socket.end())
        .resume()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function handshake(): Promise<void> {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.write('.')
    await once(socket, 'data')
    socket.pause()
    const options: ConnectionOptions = {
      socket,
      secureContext,
      ALPNProtocols: ['bare'],
      pskCallback: () => ({ psk, identity: 'bare' }),
      checkServerIdentity: () => undefined,
    }
    const tls = connectTls(options)
    await once(tls, 'secureConnect')
    tls.end()
    tls.resume()
    await once(tls, 'close')
  }
  return { handshake, close: () => void server.close() }
}
