// Where a ticket sends the PNE: where the gateway listens, unless it advertises other addresses, or whoever makes the ticket gives some.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silent } from '@opencpns/io'
import { parsePairingUri } from '@opencpns/protocol'
import { runGateway } from '../src/gateway.ts'
import { createTicket } from '../src/tickets.ts'
import { name, startGateway, temporaryFolder } from './support/harness.ts'

const advertised = ['hub.example.org:443', '[fd00::2]:7411']
const addressesOf = ({ uri }: { uri: string }) => parsePairingUri(uri).addresses

/** `runGateway` in this folder, at a server that is not there. */
async function run(t: TestContext, dataDir: string, advertise?: readonly string[]) {
  const credentialFile = join(dataDir, 'credential.json')
  const credential = {
    type: 'opencpns-gateway',
    version: 1,
    ...name,
    secret: Buffer.alloc(32, 1).toString('base64url'),
  }
  await writeFile(credentialFile, JSON.stringify(credential), { mode: 0o600 })
  const where = { server: { host: '127.0.0.1', port: 1 }, listen: { host: '127.0.0.1', port: 0 } }
  const gateway = await runGateway({
    ...where,
    dataDir: join(dataDir, 'gw'),
    credentialFile,
    advertise,
    logger: silent,
  })
  t.after(() => gateway.close({ graceMs: 0 }))
  return gateway
}

test('a ticket names what the gateway advertises, by whichever way it is asked for, also when the gateway is stopped', async (t) => {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'gw')
  const gateway = await run(t, folder, advertised)
  assert.deepEqual(addressesOf(await createTicket({ dataDir })), advertised)
  assert.deepEqual(addressesOf(await createTicket({ dataDir, addresses: ['192.0.2.7:7411'] })), ['192.0.2.7:7411'])
  await gateway.close({ graceMs: 0 })
  assert.deepEqual(addressesOf(await createTicket({ dataDir })), advertised)

  const again = await run(t, folder)
  assert.deepEqual(addressesOf(await createTicket({ dataDir })), [`127.0.0.1:${again.address.port}`], 'no longer')
})

test('a ticket that the server asks for names what the gateway advertises', async (t) => {
  const gateway = await startGateway(t)
  assert.deepEqual(addressesOf(gateway.records.makeTicket({})), [`127.0.0.1:${gateway.address.port}`])
  gateway.folder.noteAdvertised(advertised)
  assert.deepEqual(addressesOf(gateway.records.makeTicket({})), advertised)
})

for (const [what, advertise] of [
  ['a host alone', ['hub.example.org']],
  ['two in one', ['hub.example.org:443 192.0.2.7:443']],
  ['five addresses', Array.from({ length: 5 }, (_, n) => `192.0.2.${n}:443`)],
] as const) {
  test(`${what} cannot be advertised: the gateway does not start`, async (t) => {
    const folder = await temporaryFolder(t)
    await assert.rejects(run(t, folder, advertise), { code: 'BAD_ARGUMENT' })
  })
}
