// The PostgreSQL store keeps the contract, on a real PostgreSQL.
import { after, before } from 'node:test'
import { type Postgres, startPostgres } from '../../../../test/support/postgres.ts'
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { storeContract } from './contract.ts'

let postgres: Postgres
let address: PostgresAddress

before(async () => {
  postgres = await startPostgres()
  address = new PostgresAddress(await postgres.createDatabase())
})
after(() => postgres.stop())

storeContract('postgres', async () => {
  const store = await openPostgres(address)
  await postgres.empty(address.database)
  return store
})
