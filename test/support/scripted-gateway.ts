// A gateway that does what a test says, and not what docs/protocol.md says.

import { AssertionError } from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Address, FrameLink, listenTcp } from '@opencpns/io'
import { PNE_FRAME_MAX_OCTETS } from '@opencpns/protocol'
import { anyPort } from './stage.ts'

/**
 * Listens until the test is over, and plays the script with each PNE that comes. What goes wrong in it ends its connection; an
 * assertion in it fails the test.
 */
export async function scriptedGateway(
  t: TestContext,
  script: (pne: FrameLink<Socket>, socket: Socket) => Promise<unknown>,
): Promise<{ readonly address: Address }> {
  const sockets = new Set<Socket>()
  const failures: AssertionError[] = []
  const accept = (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    const link = new FrameLink(socket, { maxFrameOctets: PNE_FRAME_MAX_OCTETS, transcript: true })
    script(link, socket).catch((error: unknown) => {
      if (error instanceof AssertionError) failures.push(error)
      socket.destroy()
    })
  }
  const { server, host, port } = await listenTcp(accept, anyPort)
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    if (failures[0]) throw failures[0]
  })
  return { address: { host, port } }
}
