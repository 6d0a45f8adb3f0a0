// Whole flows, steps 1 to 8: at gateways that run in this process, or at gateways that run already.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Gateway, runGateway } from '@opencpns/gateway'
import { silent } from '@opencpns/io'
import { type Credential, connect } from '@opencpns/pne'
import type { Endpoint } from '../../../endpoint.ts'
import type { Job } from '../messages.ts'
import type { Target } from './target.ts'

const ANY_PORT: Endpoint = { host: '127.0.0.1', port: 0 }

export class FlowTarget implements Target {
  readonly #devices: readonly Credential[]
  readonly #at: readonly Endpoint[]
  readonly #timeoutMs: number
  readonly #close: () => Promise<void>

  private constructor(
    devices: readonly Credential[],
    at: readonly Endpoint[],
    timeoutMs: number,
    close = async () => {},
  ) {
    this.#devices = devices
    this.#at = at
    this.#timeoutMs = timeoutMs
    this.#close = close
  }

  static atRunning(devices: readonly Credential[], { runningGateways, timeoutMs }: Job): FlowTarget {
    return new FlowTarget(devices, runningGateways, timeoutMs)
  }

  /** Starts the gateways of this worker, which know none of the devices: so each is in the remote case. */
  static async atOwn(devices: readonly Credential[], { gateways, servers, timeoutMs }: Job): Promise<FlowTarget> {
    const folder = await mkdtemp(join(tmpdir(), 'opencpns-bench-'))
    const running: Gateway[] = []
    const close = async () => {
      await Promise.all(running.map((gateway) => gateway.close({ graceMs: 0 })))
      await rm(folder, { recursive: true, force: true })
    }
    try {
      for (const [index, gateway] of gateways.entries()) {
        const credentialFile = join(folder, `${index}.json`)
        const credential = { type: 'opencpns-gateway', version: 1, ...gateway }
        await writeFile(credentialFile, JSON.stringify(credential), { mode: 0o600 })
        const dataDir = join(folder, String(index))
        running.push(await runGateway({ credentialFile, dataDir, servers, listen: ANY_PORT, logger: silent }))
      }
    } catch (error) {
      await close()
      throw error
    }
    const at = running.map(({ address }) => address)
    return new FlowTarget(devices, at, timeoutMs, close)
  }

  /** Until step 8; the session ends at once, and its end does not count. */
  async authenticate(number: number): Promise<void> {
    const credential = this.#devices[number % this.#devices.length] as Credential
    const at = this.#at[number % this.#at.length] as Endpoint
    const session = await connect({ ...at, credential, timeoutMs: this.#timeoutMs })
    session.close().catch(() => {})
  }

  close(): Promise<void> {
    return this.#close()
  }
}
