// hostapd as an AAA server, as docs/stock-equipment.md sets it up: its own EAP server, asked by RADIUS, with devices of ours.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configuration } from './document.ts'
import { Daemon } from './peers.ts'

const host = '127.0.0.1'

export interface HostapdUser {
  /** What the device calls itself. */
  readonly identity: string
  /** 32 octets */
  readonly psk: Uint8Array
}

/** @param folder where its files go @param secret of all RADIUS clients of this machine */
export async function startHostapd(
  folder: string,
  users: readonly HostapdUser[],
  secret: string,
): Promise<{ port: number; hostapd: Daemon }> {
  const port = await freeUdpPort()
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  const lines = users.map(({ identity, psk }) => {
    const password = Buffer.from(psk).toString('hex')
    return configuration('hostapd-aaa.users', { IDENTITY: identity, GPSK: 'GPSK', PASSWORD: password })
  })
  const clients = configuration('hostapd-aaa.clients', { ADDRESS: host, SECRET: secret })
  const paths = { USERS: file('users', lines.join('')), CLIENTS: file('clients', clients) }
  const config = file('hostapd.conf', configuration('hostapd-aaa.conf', { ...paths, PORT: port }))
  return { port, hostapd: await Daemon.start('hostapd', [config], /AP-ENABLED/) }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}
