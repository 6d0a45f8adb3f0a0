// RADIUS clients in the registry: who is found by an address, and how fast changes are seen.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SharedSecret } from '@opencpns/radius'
import { until } from '../../../../test/support/until.ts'
import { Registry } from '../../src/registry.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Vault } from '../../src/vault.ts'
import { temporaryFolder } from '../temp-folder.ts'

/** A registry of the user alice that follows its RADIUS clients. */
async function opened(t: TestContext, path = ':memory:') {
  const store = openSqlite(path)
  const registry = new Registry({ store, vault: new Vault(Buffer.alloc(32, 1)), realm: 'example.org' })
  t.after(async () => {
    registry.close()
    await store.close()
  })
  await registry.addUser('alice').catch(() => undefined)
  await registry.followRadiusClients()
  const add = (name: string, radius?: string) => registry.addGateway({ name, user: 'alice', radius })
  return { store, registry, add }
}

test('a client is found by its address as soon as it was added, with the secret that was told', async (t) => {
  const { registry, add } = await opened(t)
  assert.equal(registry.findRadiusClient('192.0.2.1'), undefined)
  const { identity, radius, secret } = await add('ap', '192.0.2.1')
  assert.deepEqual([identity, radius, secret.length], ['ap@example.org', '192.0.2.1/32', 24])
  const client = registry.findRadiusClient('192.0.2.1')
  assert.equal(client?.name, identity)
  const told = SharedSecret.of(secret.toString('base64url'))
  assert.deepEqual(client?.secret.md5After(Buffer.of(1)), told.md5After(Buffer.of(1)))
  assert.equal(registry.findRadiusClient('192.0.2.1'), client, 'opened once')
})

test('of overlapping prefixes the longest wins, and the shorter one takes over when it is revoked', async (t) => {
  const { registry, add } = await opened(t)
  await add('site', '192.0.2.0/24')
  await add('ap', '192.0.2.1')
  assert.equal(registry.findRadiusClient('192.0.2.1')?.name, 'ap@example.org')
  assert.equal(registry.findRadiusClient('192.0.2.2')?.name, 'site@example.org')
  await registry.revokeGateway('ap@example.org')
  assert.equal(registry.findRadiusClient('192.0.2.1')?.name, 'site@example.org')
  await registry.revokeGateway('site@example.org')
  assert.equal(registry.findRadiusClient('192.0.2.1'), undefined)
})

test('the same prefix twice is refused, however it is written; that of a revoked one is free', async (t) => {
  const { add, registry } = await opened(t)
  await add('ap1', '2001:db8::1')
  await assert.rejects(add('ap2', '2001:DB8:0::0001/128'), { code: 'ADDRESS_TAKEN' })
  await assert.rejects(add('ap1', '192.0.2.1'), { code: 'GATEWAY_EXISTS' })
  await assert.rejects(add('ap3', 'access-point'), { code: 'ADDRESS_INVALID' })
  await registry.revokeGateway('ap1@example.org')
  assert.equal((await add('ap2', '2001:db8::1')).radius, '2001:db8::1/128')
})

test('a RADIUS client has no link by the protocol for gateways, and a gateway no address', async (t) => {
  const { add, registry } = await opened(t)
  const ap = await add('ap', '192.0.2.1')
  const home = await add('home')
  assert.equal(await registry.findGatewayForLink(ap.identity), undefined)
  assert.deepEqual([home.radius, home.secret.length], [null, 32])
  assert.deepEqual([await registry.isGateway(ap.identity), await registry.isGateway(home.identity)], [true, true])
  await registry.revokeGateway(ap.identity)
  assert.deepEqual([await registry.isGateway(ap.identity), await registry.isGateway('no@example.org')], [false, false])
})

test('what another process adds and revokes is seen', async (t) => {
  const path = join(temporaryFolder(t), 'cpns.db')
  const here = await opened(t, path)
  const there = await opened(t, path)
  const name = () => here.registry.findRadiusClient('192.0.2.1')?.name
  await there.add('ap', '192.0.2.1')
  await until(() => name() === 'ap@example.org') // it looks once a second
  await there.registry.revokeGateway('ap@example.org')
  await until(() => name() === undefined)
})

test('looking a client up does not ask the store', async (t) => {
  const { store, registry, add } = await opened(t)
  await add('ap', '192.0.2.0/24')
  await store.close()
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) assert.ok(registry.findRadiusClient(address))
})
