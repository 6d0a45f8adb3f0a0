// wpa_supplicant at hostapd, on a wire between two network namespaces: the port opens for a device that was paired, and stays
// shut for one that was revoked. hostapd asks the real server, in the first namespace, by RADIUS.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { configuration } from './document.ts'
import { Daemon, run, without } from './peers.ts'
import { type Device, Stage } from './stage.ts'
import { Wire } from './wire.ts'

const needed = () => without('hostapd', 'hostapd_cli', 'wpa_supplicant', 'wpa_cli', 'ip') || Wire.impossible()

suite('wpa_supplicant at hostapd on a wire', { skip: needed() }, () => {
  const stage = new Stage('--radius', '127.0.0.1:0')
  const wire = new Wire()
  let watch: Device
  let accessPoint: Daemon
  let device: Daemon | undefined

  before(async () => {
    await stage.open()
    const secret = await stage.accessPoint('lobby-ap', '127.0.0.1')
    watch = (await stage.pair('watch'))[0] as Device
    wire.open()
    accessPoint = await startHostapd(secret)
  })
  after(async () => {
    await device?.stop()
    await accessPoint?.stop()
    wire.close()
    await stage.close()
  })

  async function startHostapd(secret: string): Promise<Daemon> {
    const at = { INTERFACE: wire.here, NAME: 'lobby-ap', ADDRESS: '127.0.0.1', SERVER: '127.0.0.1', SECRET: secret }
    const paths = { '/run/hostapd': stage.path('hostapd'), 1812: stage.port('radius') }
    const config = stage.path('hostapd.conf')
    writeFileSync(config, configuration('hostapd-wired.conf', { ...at, ...paths }))
    mkdirSync(stage.path('hostapd'))
    return Daemon.start('hostapd', ['-t', config], /AP-ENABLED/)
  }

  /** With the block that `opencpns pne export` prints, but for the ciphersuite. */
  async function startSupplicant(ciphersuite: 1 | 2): Promise<Daemon> {
    await device?.stop()
    const block = await printed('pne', 'export', '--credential', watch.file)
    const paths = { '/run/wpa_supplicant': stage.path('wpa_supplicant'), AP_SCAN: 0 }
    const config = stage.path('wpa_supplicant.conf')
    const text = configuration('wpa_supplicant.conf', paths) + block.replace('cipher=2', `cipher=${ciphersuite}`)
    writeFileSync(config, text, { mode: 0o600 })
    const args = ['-D', 'wired', '-i', wire.there, '-c', config, '-t']
    return Daemon.start('ip', ['netns', 'exec', wire.namespace, 'wpa_supplicant', ...args], /Associated with/)
  }

  const supplicant = (...command: string[]) =>
    run('wpa_cli', ['-p', stage.path('wpa_supplicant'), '-i', wire.there, ...command])
  const hostapd = (...command: string[]) =>
    run('hostapd_cli', ['-p', stage.path('hostapd'), '-i', wire.here, ...command])

  /** Whether both ends see the port open; that of the access point is what counts. */
  async function authorized(): Promise<boolean[]> {
    const { output: there } = await supplicant('status')
    const { output: here } = await hostapd('all_sta')
    return [/^suppPortStatus=Authorized$/m.test(there), /^flags=.*\[AUTHORIZED\]/m.test(here)]
  }

  for (const ciphersuite of [1, 2] as const) {
    test(`ciphersuite ${ciphersuite}: the port is opened`, async () => {
      device = await startSupplicant(ciphersuite)
      await device.says(/CTRL-EVENT-EAP-SUCCESS/)
      await until(
        async () => (await authorized()).every(Boolean),
        () => `${accessPoint.said}\n${device?.said}`,
      )
      assert.equal(await stage.newestReason(), null)
    })
  }

  test('after the revocation the port is shut at the next authentication, and stays so', async () => {
    assert.deepEqual(await authorized(), [true, true])
    await stage.revoke(watch)
    await supplicant('reassociate')
    await supplicant('logon')
    await device?.says(/CTRL-EVENT-EAP-FAILURE/)
    await until(
      async () => !(await authorized()).some(Boolean),
      () => `${accessPoint.said}\n${device?.said}`,
    )
    assert.equal(await stage.newestReason(), 'PNE_REVOKED')
  })
})

/** What a command prints for people. */
async function printed(...args: string[]): Promise<string> {
  const launcher = new URL('../../../packages/cli/bin/opencpns.js', import.meta.url)
  const { code, output } = await run(process.execPath, [launcher.pathname, ...args])
  assert.equal(code, 0, output)
  return output
}

async function until(condition: () => Promise<boolean>, said: () => string): Promise<void> {
  const giveUp = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > giveUp) assert.fail(`not in time:\n${said()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
