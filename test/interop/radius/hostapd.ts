// hostapd as an AAA server: its own EAP server, asked by RADIUS, with devices of ours in its user file.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  const file = (name: string, lines: readonly string[]) => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`, { mode: 0o600 })
    return join(folder, name)
  }
  const lines = users.map(({ identity, psk }) => `"${identity}" GPSK ${Buffer.from(psk).toString('hex')}`)
  const config = file('hostapd.conf', [
    'interface=lo',
    'driver=none',
    'eap_server=1',
    `eap_user_file=${file('hostapd.users', lines)}`,
    `radius_server_clients=${file('hostapd.clients', [`${host}/32 ${secret}`])}`,
    `radius_server_auth_port=${port}`,
  ])
  return { port, hostapd: await Daemon.start('hostapd', [config], /AP-ENABLED/) }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}
