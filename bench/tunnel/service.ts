// A process of its own: the service behind the tunnels. One port counts the octets that come, and says their number when they
// end; the other is an echo. Prints both ports.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => serve(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const sink = await listen((socket) => {
  let octets = 0
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  socket.on('end', () => socket.end(String(octets)))
})
const echo = await listen((socket) => void socket.pipe(socket))
process.stdout.write(`${JSON.stringify({ sink, echo })}\n`)
process.stdin.on('end', () => process.exit()).resume()
