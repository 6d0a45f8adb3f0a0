// A worker of `bench load`: a process that has gateways and devices of its own, and sends them when their time has come. Its
// parent tells it by IPC what to do; it ends with its parent.
import type { FromWorker, Job, ToWorker } from '../messages.ts'
import { Arrivals } from './arrivals.ts'
import { Outcomes } from './outcomes.ts'
import { openTarget, type Target } from './target.ts'

const say = (message: FromWorker) => {
  if (process.connected) process.send?.(message)
}

let job: Job | undefined
let target: Target | undefined
let arrivals: Arrivals | undefined

async function obey(order: ToWorker): Promise<void> {
  if (order.do === 'prepare') {
    job = order
    target = await openTarget(order)
    say({ says: 'ready', devices: order.devices })
  } else if (order.do === 'begin' && job && target) {
    const outcomes = new Outcomes(job.worker, say)
    arrivals = new Arrivals({ job, target, outcomes, beginsAtMs: order.atMs })
    await arrivals.over()
    outcomes.close()
    say({ says: 'over' })
  } else if (order.do === 'stop') {
    arrivals?.stop()
  }
}

// A terminal sends Ctrl-C to all processes: this one waits for what its parent makes of it.
process.on('SIGINT', () => {})
process.on('disconnect', () => void Promise.resolve(target?.close()).finally(() => process.exit()))
process.on('message', (order: ToWorker) => {
  obey(order).catch((error: Error & { code?: unknown }) => {
    say({ says: 'failed', code: String(error.code ?? 'INTERNAL'), message: error.message })
  })
})
