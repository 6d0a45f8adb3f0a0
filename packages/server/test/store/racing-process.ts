// A process of its own that opens a PostgreSQL store and then, each time it is told a name, tries to be the first with it.
// Its argument is the address.
import { createHash } from 'node:crypto'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'

const store = await openPostgres(new PostgresAddress(process.argv[2] ?? ''))
const codeOf = (error: unknown) => (error as { code?: string }).code ?? String(error)

process.on('message', async (name: string) => {
  const secondSeed = createHash('sha256').update(name).digest()
  const alice = await store.findUser('alice')
  const gateway = { identity: `${name}@example.org`, userId: alice?.id ?? 0, sealedSecret: Buffer.of(1), createdAt: 1 }
  const [user, added, pne] = await Promise.allSettled([
    store.addUser({ name, sealedFirstSeed: Buffer.of(1), createdAt: 1 }),
    store.addGateway({ ...gateway, radius: null }),
    store.assignPne({ pneId: `${name}-${process.pid}`, secondSeed, gateway: 'home@example.org', name, createdAt: 1 }),
  ])
  process.send?.({
    name,
    user: user.status === 'fulfilled' ? 'first' : codeOf(user.reason),
    gateway: added.status === 'fulfilled' ? 'first' : codeOf(added.reason),
    pneId: pne.status === 'fulfilled' ? pne.value?.pneId : codeOf(pne.reason),
  })
})
process.on('disconnect', () => void store.close())
process.send?.('ready')
