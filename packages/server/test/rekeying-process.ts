// Changes the master key of a data folder, as a process of its own that can be killed: when it is told to, and it says that it
// begins. The same as `rekeyDataFolder`, without the modules that it needs for other things and that take long to load.
import { once } from 'node:events'
import { join } from 'node:path'
import { claimFolder } from '../src/datafolder/lock.ts'
import { changeMasterKey } from '../src/datafolder/rekey.ts'
import { openSqlite } from '../src/store/sqlite/open.ts'

const [dir] = await once(process, 'message')
process.send?.('begins')
await claimFolder(dir)
await changeMasterKey(dir, openSqlite(join(dir, 'cpns.db')))
process.exit()
