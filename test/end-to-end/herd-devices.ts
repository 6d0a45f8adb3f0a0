// Many devices in one process: `node herd-devices.ts CREDENTIALS PORT`, with their credentials as a JSON list. Tells its parent
// how many are connected, and why attempts failed.

import { readFileSync } from 'node:fs'
import { Credential, type Device, type DeviceEvent, runDevice } from '@opencpns/pne'

const REPORT_MS = 100

export interface Report {
  readonly connected: number
  /** When the last one connected, in milliseconds since the epoch. */
  readonly lastAt: number
  /** Failed attempts by code. */
  readonly failures: Readonly<Record<string, number>>
}

const [file = '', port = ''] = process.argv.slice(2)
const gateways = [{ host: '127.0.0.1', port: Number(port) }]
const failures: Record<string, number> = {}
let connected = 0
let lastAt = 0

function onEvent(event: DeviceEvent): void {
  if (event.event === 'connected') {
    connected++
    lastAt = Date.now()
  }
  if (event.event === 'disconnected') connected--
  if (event.event === 'failed') failures[event.error.code] = (failures[event.error.code] ?? 0) + 1
}

const devices: Device[] = []
process.on('message', async () => {
  await Promise.all(devices.map((device) => device.close()))
  process.disconnect?.()
})
const report = () => void process.send?.({ connected, lastAt, failures } satisfies Report)
setInterval(() => {
  if (process.connected) report()
}, REPORT_MS).unref()
for (const { secondSeed, euKey, ...names } of JSON.parse(readFileSync(file, 'utf8'))) {
  const octets = (text: string) => Buffer.from(text, 'base64url')
  const credential = new Credential({ ...names, secondSeed: octets(secondSeed), euKey: octets(euKey) })
  devices.push(await runDevice({ credential, gateways, onEvent }))
}
