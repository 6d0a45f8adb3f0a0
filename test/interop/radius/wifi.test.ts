// What docs/stock-equipment.md and `opencpns pne export` say for Wi-Fi is read by hostapd and wpa_supplicant without complaint.
// There is no radio here: both end because their interface is missing, after they have read and checked everything.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Credential, exportNetwork } from '@opencpns/pne'
import { configuration } from './document.ts'
import { run, without } from './peers.ts'

const folder = mkdtempSync(join(tmpdir(), 'stock-wifi-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const INTERFACE = 'no-radio'
const values = { INTERFACE, SSID: 'Lobby', CCMP: 'CCMP', NAME: 'lobby-ap', ADDRESS: '127.0.0.1', SERVER: '127.0.0.1' }

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('hostapd reads the configuration of a Wi-Fi access point', { skip: without('hostapd') }, async () => {
  const text = configuration('hostapd-wifi.conf', { ...values, SECRET: 'x'.repeat(32), '/run/hostapd': folder })
  const { output } = await run('hostapd', [file('good.conf', text)])
  assert.doesNotMatch(output, /errors? found in configuration file|^Line \d/m)
  const bad = await run('hostapd', [file('bad.conf', `${text}eap=GPSK\n`)])
  assert.match(bad.output, /1 errors found in configuration file/, 'and would have said so')
})

test('wpa_supplicant reads the network block of a device for Wi-Fi', { skip: without('wpa_supplicant') }, async () => {
  const of = { pneId: 'pne-a', realm: 'example.org', gateway: 'home@example.org' }
  const credential = new Credential({ ...of, secondSeed: Buffer.alloc(32, 1), euKey: Buffer.alloc(32, 2) })
  for (const ssid of ['Lobby', 'Café "Zentral"']) {
    const head = configuration('wpa_supplicant.conf', { '/run/wpa_supplicant': folder, AP_SCAN: 1 })
    const text = head + exportNetwork(credential, { ssid })
    const read = (name: string, text: string) => run('wpa_supplicant', ['-i', INTERFACE, '-c', file(name, text)])
    const { output } = await read('good.conf', text)
    assert.doesNotMatch(output, /^Line \d|Failed to (read|parse)|parse error/im)
    const bad = await read('bad.conf', text.replace('eap=GPSK', 'eap=NONE-SUCH'))
    assert.match(bad.output, /Line \d+: /, 'and would have said so')
  }
})
