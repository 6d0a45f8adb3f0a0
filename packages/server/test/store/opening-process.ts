// A process of its own that opens a PostgreSQL store, says so, and waits to be ended. Its argument is the address.
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'

const store = await openPostgres(new PostgresAddress(process.argv[2] ?? ''))
process.on('disconnect', () => void store.close())
process.send?.(await store.newestRevocation())
