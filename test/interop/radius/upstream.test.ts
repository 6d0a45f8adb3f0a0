// A device and a gateway of ours at AAA servers: hostapd's EAP server, which shares no code with us, and our own RADIUS door.
// That the secure session stands proves that both ends derived the same TK from the MSK of EAP-GPSK.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { GpskPeer } from '@opencpns/eap'
import { type Gateway, runGateway } from '@opencpns/gateway'
import { type Address, silent } from '@opencpns/io'
import { Credential, connect, readCredential, type Session, TransientKeys } from '@opencpns/pne'
import { deriveGpskPsk, deriveTransientKey, peerIdentity, Result } from '@opencpns/protocol'
import { SharedSecret } from '@opencpns/radius'
import { radiusUpstream } from '../../../packages/gateway/src/upstream/radius.ts'
import { startHostapd } from './hostapd.ts'
import { type Daemon, without } from './peers.ts'
import { Stage } from './stage.ts'

const here = '127.0.0.1'
const hub = 'hub@example.org'

/** A device whose EUKey nobody has assigned: what AAA servers know of it is the PSK of EAP-GPSK. */
function device(): Credential {
  const [secondSeed, euKey] = [randomBytes(32), randomBytes(32)]
  return new Credential({ pneId: 'watch', realm: 'aaa.example', gateway: 'home@aaa.example', secondSeed, euKey })
}

const userOf = ({ secondSeed, realm, euKey }: Credential) => {
  return { identity: peerIdentity(secondSeed, realm), psk: deriveGpskPsk(euKey) }
}

/** A gateway without a credential, and what it logs. */
class Hub {
  readonly lines: Record<string, unknown>[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'radius-upstream-'))
  #gateway: Gateway | undefined

  path(name: string): string {
    return join(this.#folder, name)
  }

  async open(server: Address, secret: string): Promise<void> {
    const secretFile = this.path('radius.secret')
    writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 })
    const log = (facts: object) => void this.lines.push({ ...facts })
    const logger = { ...silent, info: log, warn: log, error: log }
    const options = { dataDir: this.path('hub'), listen: { host: here, port: 0 }, logger }
    this.#gateway = await runGateway({ ...options, server: { ...server, secretFile }, identity: hub })
  }

  get address(): Address {
    if (!this.#gateway) throw new Error('the gateway does not run')
    return this.#gateway.address
  }

  connect(credential: Credential, transientKeys?: TransientKeys): Promise<Session> {
    return connect({ ...this.address, credential, ...(transientKeys && { transientKeys }) })
  }

  /** What the gateway says of the newest authentication. */
  get newest(): Record<string, unknown> {
    return this.lines.findLast((line) => line['event'] === 'authentication') ?? {}
  }

  async close(): Promise<void> {
    await this.#gateway?.close({ graceMs: 0 })
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

suite('a gateway at hostapd', { skip: without('hostapd') }, () => {
  const gateway = new Hub()
  const secret = 'shared with hostapd'
  const watch = device()
  let hostapd: Daemon
  let port: number

  before(async () => {
    const started = await startHostapd(gateway.path('.'), [userOf(watch)], secret)
    hostapd = started.hostapd
    port = started.port
    await gateway.open({ host: here, port }, secret)
  })
  after(async () => {
    await hostapd?.stop()
    await gateway.close()
  })

  test('the secure session of step 7 stands, after three round trips', async () => {
    const session = await gateway.connect(watch)
    assert.deepEqual([session.facts.case, session.facts.gateway], ['remote', hub])
    await session.close()
    assert.deepEqual([gateway.newest['result'], gateway.newest['serverRoundTrips']], ['success', 3])
  })

  test('a further session needs no server', async () => {
    const transientKeys = new TransientKeys()
    await (await gateway.connect(watch, transientKeys)).close()
    const session = await gateway.connect(watch, transientKeys)
    await session.close()
    assert.deepEqual([gateway.newest['result'], gateway.newest['serverRoundTrips']], ['success', 0])
  })

  for (const ciphersuite of [2, 1]) {
    test(`ciphersuite ${ciphersuite}: both ends have the same TK`, async (t) => {
      const upstream = radiusUpstream({
        server: { host: here, port },
        secret: SharedSecret.of(secret),
        identity: hub,
        logger: silent,
      })
      t.after(() => upstream.close())
      const { identity, psk } = userOf(watch)
      const peer = new GpskPeer({ idPeer: identity, psk, csuites: [ciphersuite] })
      const { secondSeed, realm } = watch
      const sessionId = 'A'.repeat(22)
      const challenge = async (eap: Uint8Array) => {
        const step = peer.receive(eap, Date.now())
        assert.ok(step.do === 'send', step.do)
        return step.packet
      }
      const verdict = await upstream.authenticate({ secondSeed, realm, sessionId, challenge, step: () => {} })
      assert.ok(verdict.result === Result.success && peer.keys)
      assert.equal(peer.keys.ciphersuite.id, ciphersuite)
      assert.deepEqual(verdict.transientKey, deriveTransientKey({ msk: peer.keys.msk, gateway: hub }))
    })
  }

  test('a device with another key is refused', async () => {
    const { pneId, realm, gateway: home, secondSeed } = watch
    const other = new Credential({ pneId, realm, gateway: home, secondSeed, euKey: randomBytes(32) })
    await assert.rejects(gateway.connect(other), { code: 'AUTHENTICATION_FAILED' })
    assert.deepEqual(
      [gateway.newest['result'], gateway.newest['reason']],
      ['authentication-failed', 'server-access-reject'],
    )
  })

  test('a device that hostapd does not know is refused', async () => {
    await assert.rejects(gateway.connect(device()), { code: 'AUTHENTICATION_FAILED' })
    assert.equal(gateway.newest['result'], 'authentication-failed')
  })

  test('with hostapd down the device hears that the server is unreachable', async () => {
    await hostapd.stop()
    await assert.rejects(gateway.connect(watch), { code: 'SERVER_UNREACHABLE' })
    assert.deepEqual([gateway.newest['result'], gateway.newest['reason']], ['server-unreachable', 'server-silent'])
  })
})

suite('a gateway at the RADIUS door of our server', () => {
  const stage = new Stage('--radius', `${here}:0`)
  const gateway = new Hub()
  let watch: Credential

  before(async () => {
    await stage.open()
    const secret = await stage.accessPoint('hub', here)
    const [paired] = await stage.pair('watch')
    watch = await readCredential(paired?.file ?? '')
    await gateway.open({ host: here, port: stage.port('radius') }, secret)
  })
  after(async () => {
    await gateway.close()
    await stage.close()
  })

  test('the secure session of step 7 stands, after three round trips', async () => {
    const session = await gateway.connect(watch)
    assert.deepEqual([session.facts.case, session.facts.gateway], ['remote', hub])
    await session.close()
    assert.deepEqual([gateway.newest['result'], gateway.newest['serverRoundTrips']], ['success', 3])
  })

  test('a device with another key is refused', async () => {
    const { pneId, realm, gateway: home, secondSeed } = watch
    const other = new Credential({ pneId, realm, gateway: home, secondSeed, euKey: randomBytes(32) })
    await assert.rejects(gateway.connect(other), { code: 'AUTHENTICATION_FAILED' })
    assert.equal(await stage.newestReason(), 'EAP_BAD_MAC')
  })

  test('a device that is of another realm is refused', async () => {
    await assert.rejects(gateway.connect(device()), { code: 'AUTHENTICATION_FAILED' })
    assert.equal(await stage.newestReason(), 'IDENTITY_INVALID')
  })
})
