// The event log, and what is to be seen of it.
import type { Logger } from '@opencpns/io'
import { EventLog, type NewEvent } from '../events.ts'
import type { Store } from '../store/contract.ts'
import { Authentications } from './authentications.ts'
import { Live, type LiveOptions } from './live.ts'

interface LiveLogOptions {
  readonly store: Store
  readonly logger: Logger
  /** ms since the epoch */
  readonly now: () => number
  /** Hears of each event at once; must not throw. */
  readonly onRecord?: ((event: NewEvent) => void) | undefined
  readonly onReported?: LiveOptions['onReported']
}

/** @throws {StoreError} */
export async function openLive({ store, logger, now, onRecord, onReported }: LiveLogOptions) {
  const live = new Live({ store, now, onReported })
  const events = new EventLog(store, { logger, now, onRecord, listener: (rows) => live.written(rows) })
  live.recordInto(events)
  const authentications = new Authentications({ store, events, devices: live.devices })
  const refused = await store.listEvents({ type: 'authentication', result: 'refused', limit: 20 })
  for (const row of refused.reverse()) live.refusals.add(row)
  return { live, events, authentications }
}
