// What the generator asks: our server with a RADIUS door, and hostapd's EAP server, each as the process that its users would start.

import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { deriveEuKey, deriveGpskPsk, peerIdentity } from '@opencpns/protocol'
import { initDataFolder, openDataFolder, Registry } from '@opencpns/server'
import type { Device } from './generator.ts'
import { spawnOn } from './process.ts'

const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/opencpns.js', import.meta.url))
const HOST = '127.0.0.1'
const REALM = 'example.org'
const DEVICES = 1000

export interface Responder {
  readonly process: ChildProcess
  readonly port: number
  readonly secret: string
  readonly devices: readonly Device[]
}

/** Our server, with devices that a gateway has paired, on SQLite as in production. */
export async function startServer(folder: string): Promise<Responder> {
  const data = join(folder, 'server')
  const { devices, secret } = await fill(data)
  const anyPort = `${HOST}:0`
  const doors = ['--listen', anyPort, '--admin', anyPort, '--radius', anyPort]
  const args = [LAUNCHER, 'server', 'run', '--data', data, ...doors, '--json']
  const child = spawnOn(0, process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const { listen } = JSON.parse(await firstLine(child)) as { listen: { radius: string } }
  return { process: child, port: Number(listen.radius.split(':').at(-1)), secret, devices }
}

async function fill(data: string): Promise<Pick<Responder, 'devices' | 'secret'>> {
  await initDataFolder(data, { realm: REALM })
  const { store, vault } = await openDataFolder(data)
  const registry = new Registry({ store, vault, realm: REALM })
  await registry.addUser('alice')
  const { identity: gatewayIdentity } = await registry.addGateway({ name: 'home-gw', user: 'alice' })
  const { secret } = await registry.addGateway({ name: 'lobby-ap', user: 'alice', radius: HOST })
  const pair = async (): Promise<Device> => {
    const secondSeed = randomBytes(32)
    const { firstSeed } = await registry.assignPne({ gatewayIdentity, secondSeed })
    await registry.confirmPne({ gatewayIdentity, secondSeed })
    const psk = deriveGpskPsk(deriveEuKey({ firstSeed, secondSeed, realm: REALM }))
    return { identity: peerIdentity(secondSeed, REALM), psk: psk.toString('hex') }
  }
  const devices = await Promise.all(Array.from({ length: DEVICES }, pair))
  registry.close()
  await store.close()
  return { devices, secret: secret.toString('base64url') }
}

/** hostapd, with one device: it reads through its list of them. */
export async function startHostapd(folder: string): Promise<Responder> {
  const device = { identity: peerIdentity(randomBytes(32), REALM), psk: randomBytes(32).toString('hex') }
  const secret = randomBytes(16).toString('hex')
  const port = await freeUdpPort()
  const file = async (name: string, lines: readonly string[]) => {
    await writeFile(join(folder, name), `${lines.join('\n')}\n`)
    return join(folder, name)
  }
  const config = await file('hostapd.conf', [
    'interface=lo',
    'driver=none',
    'eap_server=1',
    `eap_user_file=${await file('hostapd.users', [`"${device.identity}" GPSK ${device.psk}`])}`,
    `radius_server_clients=${await file('hostapd.clients', [`${HOST}/32 ${secret}`])}`,
    `radius_server_auth_port=${port}`,
  ])
  const child = spawnOn(0, 'hostapd', [config], { stdio: ['ignore', 'pipe', 'ignore'] })
  await firstLine(child)
  return { process: child, port, secret, devices: [device] }
}

/** What it says first, which it does when it is ready. */
async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new TypeError('its output is not piped')
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume()
    return line
  }
  throw new Error(`${child.spawnargs.join(' ')} ended at once`)
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, HOST)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}
