// The client against hostapd's RADIUS server, where it is installed: one round of EAP.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../../../test/support/ports.ts'
import { RadiusClient } from '../src/client/client.ts'
import { eapRound } from '../src/client/eap-round.ts'
import { Code } from '../src/packet.ts'
import { SharedSecret } from '../src/secret.ts'

const host = '127.0.0.1'
const hostapd = ['/usr/sbin/hostapd', '/usr/local/bin/hostapd'].find((path) => existsSync(path))
const skip = hostapd ? false : 'hostapd is not installed'

async function startHostapd(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'radius-hostapd-'))
  const port = await freePort()
  writeFileSync(join(folder, 'users'), '"peer@example.org" GPSK "0123456789abcdef0123456789abcdef"\n')
  writeFileSync(join(folder, 'clients'), `${host}/32 shared with hostapd\n`)
  const lines = [
    'interface=lo',
    'driver=none',
    'eap_server=1',
    `eap_user_file=${join(folder, 'users')}`,
    `radius_server_clients=${join(folder, 'clients')}`,
    `radius_server_auth_port=${port}`,
  ]
  writeFileSync(join(folder, 'hostapd.conf'), `${lines.join('\n')}\n`)
  const child: ChildProcess = spawn(hostapd as string, [join(folder, 'hostapd.conf')], { stdio: 'ignore' })
  t.after(async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit')
    rmSync(folder, { recursive: true })
  })
  return port
}

const identity = 'peer@example.org'
const eapMessage = Buffer.concat([Buffer.from([2, 1, 0, 5 + identity.length, 1]), Buffer.from(identity)])

test('hostapd answers an identity with a challenge of EAP-GPSK', { skip }, async (t) => {
  const port = await startHostapd(t)
  const client = new RadiusClient({
    host,
    port,
    secret: SharedSecret.of('shared with hostapd'),
    retransmission: { initialMs: 100, maxIntervalMs: 200, maxTransmissions: 150 },
  })
  t.after(() => client.close())
  const answer = await eapRound(client, { userName: identity, eapMessage, nasIdentifier: 'gw1' })
  assert.equal(answer.code, Code.AccessChallenge)
  assert.deepEqual([answer.eapMessage?.[0], answer.eapMessage?.[4]], [1, 51])
  assert.ok(answer.state)
  assert.equal(answer.msk, undefined)
})

test('hostapd does not answer a client with another secret', { skip }, async (t) => {
  const port = await startHostapd(t)
  const client = new RadiusClient({
    host,
    port,
    secret: SharedSecret.of('another secret'),
    retransmission: { initialMs: 100, maxIntervalMs: 100, maxTransmissions: 5 },
  })
  t.after(() => client.close())
  const round = eapRound(client, { userName: identity, eapMessage, nasIdentifier: 'gw1' })
  await assert.rejects(round, { code: 'RADIUS_NO_ANSWER' })
})
