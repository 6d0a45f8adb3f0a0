// What the server tells Prometheus when its parts do well and when they do not; and to whom.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AggregatorRegistry, Registry as PromRegistry } from 'prom-client'
import { createAdminDoor } from '../src/doors/admin/door.ts'
import { EventLog, initDataFolder, openDataFolder, Registry, type Store, StoreError } from '../src/index.ts'
import { Distributions } from '../src/metrics/distributions.ts'
import { measured } from '../src/metrics/measured-store.ts'
import { ServerMetrics, type Sources } from '../src/metrics/metrics.ts'
import { temporaryFolder } from './temp-folder.ts'

const folder = temporaryFolder({ after })

const sources: Sources = {
  events: { waiting: 3, dropped: 4 },
  cpns: { load: () => ({ links: 5, underWay: 6, unauthenticated: 7, displaced: 8 }) },
  totals: { get: () => Promise.reject(new StoreError('STORE_BUSY', 'not now')) },
}

async function lines(metrics: ServerMetrics): Promise<string[]> {
  return (await metrics.text()).body.split('\n').filter((line) => line.startsWith('opencpns_'))
}

test('a store that fails leaves its numbers out, and no others', async () => {
  const metrics = new ServerMetrics()
  metrics.watch(sources)
  const told = await lines(metrics)
  for (const line of ['events_waiting 3', 'events_dropped_total 4', 'links 5', 'requests_in_flight 6']) {
    assert.ok(told.includes(`opencpns_server_${line}`), line)
  }
  assert.deepEqual(
    told.filter((line) => /_(users|pnes|gateways|registered_pnes)[ {]/.test(line)),
    [],
  )
})

test('a number that the store told once is not told again when the store fails', async () => {
  const metrics = new ServerMetrics()
  const pnes = { pending: 1, active: 2, revoked: 3 }
  const total = { users: 1, gateways: { cpns: 4, radius: 1, revoked: 2 }, pnes, registered: 2, connected: 3 }
  let fails = false
  const get = async () => {
    if (fails) throw new StoreError('STORE_BUSY', 'not now')
    return total
  }
  metrics.watch({ ...sources, totals: { get } })
  const there = await lines(metrics)
  for (const line of ['users 1', 'registered_pnes 2', 'pnes{state="active"} 2', 'gateways{state="disconnected"} 1']) {
    assert.ok(there.includes(`opencpns_server_${line}`), line)
  }
  fails = true
  assert.deepEqual(
    (await lines(metrics)).filter((line) => /_(users|pnes|gateways)[ {]/.test(line)),
    [],
  )
})

test('a counter that is kept elsewhere is told as it is, however often one asks', async () => {
  const metrics = new ServerMetrics()
  metrics.watch({
    ...sources,
    radius: { counters: () => ({ received: 9, answered: 2, discarded: { malformed: 7 } as never }) },
  })
  for (let i = 0; i < 3; i++) {
    const told = await lines(metrics)
    assert.ok(told.includes('opencpns_server_displaced_connections_total 8'))
    assert.ok(told.includes('opencpns_server_radius_requests_total{outcome="malformed"} 7'))
  }
})

test('a measured store does what the store does, and tells how long it took and what failed', async () => {
  class Real {
    readonly #secret = 'kept'
    closed = false
    async findUser(name: string) {
      if (name === 'nobody') throw new StoreError('STORE_UNKNOWN_USER', 'no such user')
      return this.#secret
    }
    newestRevocation() {
      return 7
    }
    throwing() {
      throw new StoreError('STORE_CLOSED', 'closed')
    }
  }
  const told: [operation: string, failed: boolean][] = []
  const begun = performance.now()
  const real = new Real()
  const operation = (name: string) => (seconds: number, failed: boolean) => {
    assert.ok(seconds >= 0 && seconds * 1000 <= performance.now() - begun, `${seconds} s`)
    told.push([name, failed])
  }
  const store = measured(real as unknown as Store, { operation }) as unknown as Real
  assert.equal(await store.findUser('alice'), 'kept')
  await assert.rejects(store.findUser('nobody'), { code: 'STORE_UNKNOWN_USER' })
  assert.equal(store.newestRevocation(), 7)
  assert.throws(() => store.throwing(), { code: 'STORE_CLOSED' })
  assert.equal(store.closed, false)
  assert.equal(store.findUser, store.findUser)
  assert.deepEqual(told, [
    ['findUser', false],
    ['findUser', true],
  ])
})

async function door(isExposed: boolean) {
  const dataDir = `${folder}/${isExposed}`
  await initDataFolder(dataDir, { realm: 'example.org' })
  const { store, vault, realm, adminToken, release } = await openDataFolder(dataDir)
  const registry = new Registry({ store, vault, realm })
  const metrics = new ServerMetrics()
  const made = createAdminDoor({ registry, events: new EventLog(store), metrics, token: adminToken, isExposed })
  const { port } = await made.listen(isExposed ? '0.0.0.0' : '127.0.0.1')
  const ask = (token?: string) =>
    fetch(
      `http://127.0.0.1:${port}/metrics`,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    )
  const close = async () => {
    await made.close()
    await registry.close()
    await store.close()
    await release()
  }
  return { ask, adminToken, operators: registry.operators, close }
}

test('on the loopback address metrics need no token', async (t) => {
  const { ask, close } = await door(false)
  t.after(close)
  const response = await ask()
  assert.equal(response.status, 200)
  assert.match(await response.text(), /^opencpns_server_links 0$/m)
})

test('elsewhere metrics need a token, and that of a viewer is enough', async (t) => {
  const { ask, adminToken, operators, close } = await door(true)
  t.after(close)
  for (const token of [undefined, 'wrong', `${adminToken}x`, adminToken.slice(1)]) {
    const response = await ask(token)
    assert.equal(response.status, 401, token ?? 'none')
    assert.ok(!(await response.text()).includes('opencpns_server'))
  }
  assert.equal((await ask(adminToken)).status, 200)
  const { token } = await operators.tokens.add({ name: 'prometheus', role: 'viewer', by: 'local' })
  assert.equal((await ask(token)).status, 200)
})

test('a histogram has each value in the buckets from its own bound on, and the sum of all', async () => {
  const registry = new PromRegistry()
  const distributions = new Distributions({ name: 'x_seconds', help: 'x', label: 'of', buckets: [0.1, 1] }, registry)
  for (const value of [0.05, 0.1, 0.5, 1, 2]) distributions.of('a').observe(value)
  assert.equal(distributions.of('b').sum, 0)
  const samples = (await registry.metrics()).split('\n').filter((line) => line.startsWith('x_'))
  assert.deepEqual(samples, [
    'x_seconds_bucket{le="0.1",of="a"} 2',
    'x_seconds_bucket{le="1",of="a"} 4',
    'x_seconds_bucket{le="+Inf",of="a"} 5',
    'x_seconds_sum{of="a"} 3.65',
    'x_seconds_count{of="a"} 5',
    'x_seconds_bucket{le="0.1",of="b"} 0',
    'x_seconds_bucket{le="1",of="b"} 0',
    'x_seconds_bucket{le="+Inf",of="b"} 0',
    'x_seconds_sum{of="b"} 0',
    'x_seconds_count{of="b"} 0',
  ])
})

test('what several processes measured adds up', async () => {
  const [one, other] = [new ServerMetrics(), new ServerMetrics()]
  for (const metrics of [one, other, other]) {
    metrics.operation('findUser')(0.002, true)
    metrics.recorded({ type: 'assignment', result: 'accepted' })
  }
  const all = await AggregatorRegistry.aggregate([await one.rows(), await other.rows()]).metrics()
  for (const line of [
    'store_operation_duration_seconds_bucket{le="0.0025",operation="findUser"} 3',
    'store_operation_duration_seconds_bucket{le="0.001",operation="findUser"} 0',
    'store_operation_duration_seconds_count{operation="findUser"} 3',
    'store_errors_total{operation="findUser"} 3',
    'events_total{type="assignment",result="accepted"} 3',
  ]) {
    assert.ok(all.includes(`opencpns_server_${line}\n`), line)
  }
})
