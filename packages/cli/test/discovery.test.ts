// What comes of an announcement that anybody may have made. Two real machines on a wire: test/end-to-end/discovery.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from '../src/discovery/announce.ts'
import { browse, placesOf, readAnnounced } from '../src/discovery/browse.ts'

const announced = { txt: { gw: 'home-gw@example.org', v: '1' }, port: 7411, addresses: ['192.0.2.7'] }

test('an announcement as it should be', () => {
  const [identity, addresses] = ['home-gw@example.org', ['192.0.2.7']]
  assert.deepEqual(readAnnounced(announced), { identity, port: 7411, addresses })
})

const wrong: Record<string, object> = {
  'no TXT record': { txt: undefined },
  'a TXT record that is no table': { txt: 'gw' },
  'no identity': { txt: { v: '1' } },
  'another version': { txt: { ...announced.txt, v: '2' } },
  'an identity with control characters': { txt: { ...announced.txt, gw: '\u001b[2Jhome@example.org' } },
  'an identity with a line end': { txt: { ...announced.txt, gw: 'home-gw@example.org\n' } },
  'an identity that is too long': { txt: { ...announced.txt, gw: `${'a'.repeat(300)}@example.org` } },
  'an identity that is no text': { txt: { ...announced.txt, gw: 7 } },
  'port 0': { port: 0 },
  'a port above all': { port: 65_536 },
  'a port that is none': { port: Number.NaN },
  'no address': { addresses: [] },
  'a name for an address': { addresses: ['\u001b]0;evil\u0007', 'example.org'] },
  'an address of a link alone': { addresses: ['fe80::1', 'FEBF::1'] },
}

for (const [name, change] of Object.entries(wrong)) {
  test(`ignored: ${name}`, () => assert.equal(readAnnounced({ ...announced, ...change }), undefined))
}

test('eight addresses at most, none twice; the sender of the announcement first, then IPv4', () => {
  const addresses = ['2001:db8::7', '192.0.2.7', '192.0.2.7', '198.51.100.7', ...Array(20).fill('203.0.113.1')]
  const found = readAnnounced({ ...announced, addresses, referer: { address: '198.51.100.7' } })
  assert.deepEqual(found?.addresses, ['198.51.100.7', '192.0.2.7', '203.0.113.1', '2001:db8::7'])
})

test('the home gateway is tried first, at each of its addresses, then the others as they came', () => {
  const gateway = (identity: string, ...addresses: string[]) => ({ identity, port: 7411, addresses })
  const found = [gateway('a@x', '1.1.1.1'), gateway('home@x', '2.2.2.2', '2::2'), gateway('b@x', '3.3.3.3')]
  const hosts = (home: string) => placesOf(found, home).map(({ host }) => host)
  assert.deepEqual(hosts('home@x'), ['2.2.2.2', '2::2', '1.1.1.1', '3.3.3.3'])
  assert.deepEqual(hosts('none@x'), ['1.1.1.1', '2.2.2.2', '2::2', '3.3.3.3'])
})

test('who listens on loopback alone', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assert.ok(isLoopback({ host, port: 1 }), host)
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) assert.ok(!isLoopback({ host, port: 1 }), host)
})

test('a search ends when it is asked to', async () => {
  const startedAt = performance.now()
  await browse({ timeoutMs: 60_000, signal: AbortSignal.abort() })
  const ending = new AbortController()
  const search = browse({ timeoutMs: 60_000, signal: ending.signal })
  ending.abort()
  await search
  assert.ok(performance.now() - startedAt < 30_000)
})
