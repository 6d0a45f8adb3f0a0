// A gateway as a process of its own, to be killed: its options come as JSON in the first argument, its address goes to the parent.

import { runGateway } from '@opencpns/gateway'
import { silent } from '@opencpns/io'

const gateway = await runGateway({ ...JSON.parse(process.argv[2] ?? ''), logger: silent })
process.send?.(gateway.address)
process.on('message', () => void gateway.close({ graceMs: 0 }).then(() => process.exit()))
