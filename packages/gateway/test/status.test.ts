// What a gateway tells of itself, while it runs and when it does not.

import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { isClaimed } from '../src/keystore/data-folder.ts'
import { readGatewayStatus } from '../src/status.ts'
import { createTicket } from '../src/tickets.ts'
import { startGateway, temporaryFolder } from './support/harness.ts'

test('a gateway that runs tells what it does, and what is in its folder', async (t) => {
  const [sinceMs, lostMs] = [Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)]
  const servers = [
    { address: '192.0.2.1:7410', connected: true, sinceMs },
    { address: '192.0.2.2:7410', connected: false, sinceMs: lostMs },
  ]
  const gateway = await startGateway(t, { upstream: { connection: () => ({ connected: true, sinceMs, servers }) } })
  const { secondSeed, euKey } = gateway.paired()
  gateway.policy.note({ generation: 3, visitors: false, sessionsMax: 9 })
  await createTicket({ dataDir: gateway.dataDir })
  const pne = await gateway.pne()
  await pne.authenticateLocally(euKey, { secondSeed })
  let status = await readGatewayStatus(gateway.dataDir)
  await until(async () => {
    status = await readGatewayStatus(gateway.dataDir)
    return status.live?.sessions.open === 1 && status.outbox === 1
  })
  const { live, ...others } = status
  assert.deepEqual(others, {
    identity: 'home-gw@example.org',
    running: true,
    listen: `127.0.0.1:${gateway.address.port}`,
    outbox: 1,
    keys: 1,
    tickets: 1,
    revokedUpTo: 0,
    policy: { generation: 3, visitors: false, sessionsMax: 9 },
  })
  assert.deepEqual(live?.server, { connected: true, since: '2026-01-02T00:00:00.000Z' })
  assert.deepEqual(live?.servers, [
    { address: '192.0.2.1:7410', connected: true, since: '2026-01-02T00:00:00.000Z' },
    { address: '192.0.2.2:7410', connected: false, since: '2026-01-03T00:00:00.000Z' },
  ])
  assert.deepEqual(live?.sessions, { open: 1, presence: 1 })
  assert.match(live?.started ?? '', /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.equal(statSync(join(gateway.dataDir, 'status.json')).mode & 0o777, 0o600)
})

test('a gateway that does not run has no live facts, even if it left some behind', async (t) => {
  const gateway = await startGateway(t)
  await gateway.close()
  assert.equal(existsSync(join(gateway.dataDir, 'status.json')), false)
  writeFileSync(join(gateway.dataDir, 'status.json'), JSON.stringify({ started: 'x', server: null }))
  const { running, live, policy } = await readGatewayStatus(gateway.dataDir)
  assert.deepEqual([running, live, policy], [false, null, { visitors: true }])
})

test('a look at the lock keeps no gateway from starting', async (t) => {
  const first = await startGateway(t)
  assert.equal(isClaimed(first.dataDir), true)
  await first.close()
  const looks = setInterval(() => isClaimed(first.dataDir), 0)
  t.after(() => clearInterval(looks))
  const again = await startGateway(t, { dataDir: first.dataDir })
  assert.equal((await readGatewayStatus(again.dataDir)).running, true)
})

test('a folder without a gateway', async (t) => {
  const dataDir = await temporaryFolder(t)
  await assert.rejects(readGatewayStatus(dataDir), { code: 'DATA_FOLDER_NOT_INITIALISED' })
})

test('the policy of the server is on the disk', async (t) => {
  const gateway = await startGateway(t)
  assert.deepEqual(gateway.policy.current, { visitors: true })
  gateway.policy.note({ generation: 2, visitors: false })
  await gateway.close()
  const again = await startGateway(t, { dataDir: gateway.dataDir })
  assert.deepEqual(again.policy.current, { generation: 2, visitors: false })
})
