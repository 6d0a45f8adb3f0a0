// A process of its own that moves a store in small parts. For tests that kill it. Arguments: the SQLite file, the address.
import { PostgresAddress } from '../../src/store/postgres/address.ts'
import { transfer } from '../../src/store/transfer/transfer.ts'

const [from = '', to = ''] = process.argv.slice(2)
const onProgress = (done: number) => void process.send?.(done)
const { rows, resumed } = await transfer({ from, to: new PostgresAddress(to), part: 5, onProgress })
process.send?.({ rows, resumed }, undefined, undefined, () => process.disconnect?.())
