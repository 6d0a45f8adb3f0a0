// Stock proxies before the real server, as docs/stock-equipment.md sets them up: FreeRADIUS by realm, radsecproxy over TLS.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { freePort } from '../../support/ports.ts'
import { configuration } from './document.ts'
import { eapolTest } from './eapol-test.ts'
import { Daemon, without } from './peers.ts'
import { type Device, REALM, Stage } from './stage.ts'

/** Of the access point towards the proxy. */
const secret = randomBytes(16).toString('hex')
const here = '127.0.0.1'

suite('FreeRADIUS as a proxy by realm', { skip: without('eapol_test', 'freeradius') }, () => {
  const stage = new Stage('--radius', '127.0.0.1:0')
  let watch: Device
  let proxy: Daemon
  let port: number

  before(async () => {
    await stage.open()
    const upstream = await stage.accessPoint('proxy', here)
    watch = (await stage.pair('watch'))[0] as Device
    port = await freePort()
    proxy = await startFreeRadius(stage, upstream, port)
  })
  after(async () => {
    await proxy?.stop()
    await stage.close()
  })

  for (const ciphersuite of [2, 1] as const) {
    test(`ciphersuite ${ciphersuite}: accepted, and both sides have the same keys`, async () => {
      const { accepted, sameKeys, output } = await eapolTest(stage, { device: watch, port, secret, ciphersuite })
      assert.ok(accepted && sameKeys, `${output}\n${proxy.said}`)
    })
  }

  test('a device with another key is refused', async () => {
    const device = { ...watch, password: randomBytes(32).toString('hex') }
    const { accepted, failed, output } = await eapolTest(stage, { device, port, secret })
    assert.deepEqual({ accepted, failed }, { accepted: false, failed: true }, output)
    assert.equal(await stage.newestReason(), 'EAP_BAD_MAC')
  })
})

suite('radsecproxy over TLS', { skip: without('eapol_test', 'radsecproxy', 'openssl') }, () => {
  let stage: Stage
  let watch: Device
  let port: number
  const proxies: Daemon[] = []

  before(async () => {
    stage = new Stage()
    const { cert, key, ca } = stage.certificate('cpns-server', `IP:${here}`)
    stage.listen('--radsec', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key, '--tls-ca', ca)
    await stage.open()
    await stage.admin('gateway', 'add', 'site-proxy', '--user', 'alice', '--out', stage.path('site-proxy.json'))
    watch = (await stage.pair('watch'))[0] as Device
  })
  after(async () => {
    for (const proxy of proxies) await proxy.stop()
    await stage.close()
  })

  async function through(name: string): Promise<{ port: number; proxy: Daemon }> {
    port = await freePort()
    const proxy = await startRadsecproxy(stage, name, port)
    proxies.push(proxy)
    return { port, proxy }
  }

  for (const name of ['site-proxy', `site-proxy@${REALM}`]) {
    test(`${name} in the certificate: accepted, and both sides have the same keys`, async () => {
      const { port, proxy } = await through(name)
      for (const ciphersuite of [2, 1] as const) {
        const { accepted, sameKeys, output } = await eapolTest(stage, { device: watch, port, secret, ciphersuite })
        assert.ok(accepted && sameKeys, `${output}\n${proxy.said}`)
      }
    })
  }

  test('a certificate that names no gateway is not served', async () => {
    const { port, proxy } = await through('somebody')
    const { accepted, output } = await eapolTest(stage, { device: watch, port, secret, timeoutS: 2 })
    assert.equal(accepted, false, `${output}\n${proxy.said}`)
  })
})

/** FreeRADIUS with the configuration of the document, and around it only what it needs to run at all. */
async function startFreeRadius(stage: Stage, upstream: string, port: number): Promise<Daemon> {
  const dir = stage.path('freeradius')
  mkdirSync(dir)
  const home = { SERVER: here, 1812: stage.port('radius'), SECRET: upstream, REALM }
  const files = {
    'proxy.conf': configuration('proxy.conf', home),
    'clients.conf': configuration('clients.conf', { NAME: 'ap', ADDRESS: here, SECRET: secret }),
    'radiusd.conf': `
      name = test
      prefix = /usr
      libdir = /usr/lib/freeradius
      run_dir = ${dir}
      pidfile = ${dir}/pid
      max_request_time = 10
      $INCLUDE clients.conf
      $INCLUDE proxy.conf
      modules {
        preprocess {
          hints = ${dir}/empty
          huntgroups = ${dir}/empty
        }
        realm suffix {
          format = suffix
        }
      }
      server default {
        listen {
          type = auth
          ipaddr = ${here}
          port = ${port}
        }
        ${configuration('site.conf', {})}
      }`,
    empty: '',
    dictionary: '$INCLUDE /usr/share/freeradius/dictionary\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/${name}`, text, { mode: 0o600 })
  return Daemon.start('freeradius', ['-f', '-d', dir, '-l', 'stdout', '-xx'], /Ready to process requests/)
}

async function startRadsecproxy(stage: Stage, name: string, port: number): Promise<Daemon> {
  const { cert, key, ca } = stage.certificate(name, `DNS:${name.split('@')[0]}.invalid`)
  const files = { CA: ca, CERTIFICATE: cert, KEY: key }
  const at = { ADDRESS: here, PORT: port, CLIENT: here, SERVER: here, 2083: stage.port('radsec') }
  const config = stage.path(`radsecproxy-${name}.conf`)
  writeFileSync(config, configuration('radsecproxy.conf', { ...files, ...at, NAME: 'ap', SECRET: secret, REALM }))
  const args = ['-f', '-d', '2', '-i', stage.path(`radsecproxy-${name}.pid`), '-c', config]
  return Daemon.start('radsecproxy', args, /listening for udp/i)
}
