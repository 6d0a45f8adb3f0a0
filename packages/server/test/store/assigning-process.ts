// A process of its own that assigns and confirms PNEs and tells each one once the store has answered. For tests that kill it.
// Arguments: the database, and how many (without: until it is killed).
import { randomBytes } from 'node:crypto'
import { openSqlite } from '../../src/store/sqlite/open.ts'

const [path = '', count = 'Infinity'] = process.argv.slice(2)
const gateway = 'home@example.org'
const store = openSqlite(path)

const alice = await store
  .addUser({ name: 'alice', sealedFirstSeed: Buffer.of(1), createdAt: 1 })
  .catch(() => store.findUser('alice'))
if (alice === undefined) throw new Error('no user')
await store
  .addGateway({ radius: null, identity: gateway, userId: alice.id, sealedSecret: Buffer.of(1), createdAt: 1 })
  .catch(() => undefined)

for (let i = 0; i < Number(count); i++) {
  const secondSeed = randomBytes(32)
  await store.assignPne({ pneId: `pne-${secondSeed.toString('hex')}`, secondSeed, gateway, name: null, createdAt: 1 })
  await store.confirmPne(secondSeed, gateway, 2)
  process.send?.(secondSeed.toString('base64url'))
}
await store.close()
process.disconnect?.()
