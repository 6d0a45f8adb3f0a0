// Gateways that are only links: they take devices to the server and nothing more, steps 3 to 6.
import { randomBytes } from 'node:crypto'
import { answerTo, type Credential, eapPeer } from '@opencpns/pne'
import { Result, SESSION_ID_OCTETS } from '@opencpns/protocol'
import { CliError } from '../../../errors.ts'
import type { Link } from './devices.ts'
import type { Target } from './target.ts'

export class LinkTarget implements Target {
  readonly #links: readonly Link[]
  readonly #devices: readonly Credential[]

  constructor(links: readonly Link[], devices: readonly Credential[]) {
    this.#links = links
    this.#devices = devices
  }

  /** The device checks GPSK-3: a success means that both sides have proved the key. */
  async authenticate(number: number): Promise<void> {
    const { upstream } = this.#links[number % this.#links.length] as Link
    const device = this.#devices[number % this.#devices.length] as Credential
    const peer = eapPeer(device)
    const verdict = await upstream.authenticate({
      secondSeed: device.secondSeed,
      realm: device.realm,
      sessionId: randomBytes(SESSION_ID_OCTETS).toString('base64url'),
      challenge: async (eap) => answerTo(peer, eap),
      step: () => {},
    })
    if (verdict.result !== Result.success) throw refused(verdict.reason)
    if (!verdict.eap) throw refused('server-response-incomplete')
    answerTo(peer, verdict.eap)
  }

  close(): void {
    for (const { upstream } of this.#links) upstream.close()
  }
}

/** `server-busy` becomes SERVER_BUSY. */
function refused(reason: string): CliError {
  return new CliError(reason.toUpperCase().replaceAll('-', '_'), reason)
}
