// What a process of a CPNS Server has behind its doors: the store, the registry on it, what goes on, and the way to other servers
// of the same store.

import type { Logger } from '@opencpns/io'
import type { Bus } from './bus/bus.ts'
import { Follower } from './bus/follower.ts'
import { Hub } from './bus/hub.ts'
import { Inquiries } from './bus/inquiries.ts'
import { PostgresBus } from './bus/postgres.ts'
import { CachedLookUps } from './caches/look-ups.ts'
import { openDataFolder } from './datafolder.ts'
import type { NewEvent } from './events.ts'
import { Links } from './links.ts'
import { openLive } from './live/open.ts'
import type { ReportedCounts } from './live/told.ts'
import { Totals } from './live/totals.ts'
import { measured } from './metrics/measured-store.ts'
import { ServerMetrics } from './metrics/metrics.ts'
import { Registry } from './registry.ts'

export interface CoreOptions {
  readonly dataDir: string
  readonly store?: string | undefined
  /** To other processes on the same SQLite store; by a database that is shared, servers reach each other anyway. */
  readonly bus?: Bus | undefined
  readonly maxStaleS?: number | undefined
  readonly logger: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type Core = Awaited<ReturnType<typeof openCore>>

/**
 * @param closers  gets what lets go of each part, to be called from the last to the first
 * @throws {DataFolderError} @throws {StoreError}
 */
export async function openCore(options: CoreOptions, closers: (() => unknown)[]) {
  const { dataDir, logger, now } = options
  const folder = await openDataFolder(dataDir, { store: options.store, logger })
  const { realm, vault, adminToken, storeAddress } = folder
  closers.push(folder.release)
  closers.push(() => folder.store.close())
  const metrics = new ServerMetrics()
  const store = measured(folder.store, metrics)
  const onRecord = (event: NewEvent) => metrics.recorded(event)
  const onReported = (counted: ReportedCounts) => metrics.reported(counted)
  const { live, events, authentications } = await openLive({ store, logger, now, onRecord, onReported })
  closers.push(() => events.close())

  const isShared = storeAddress !== 'sqlite'
  const onConnected = () => void follower.look().catch(() => {})
  const bus = isShared
    ? new PostgresBus(storeAddress, { vault, logger, onConnected })
    : (options.bus ?? new Hub().join())
  closers.push(() => bus.close())
  const follower = new Follower({ store, bus, logger })
  closers.push(() => follower.close())
  await follower.start()

  const maxStaleMs = options.maxStaleS === undefined ? undefined : options.maxStaleS * 1000
  const lookUps = isShared ? new CachedLookUps({ store, follower, maxStaleMs }) : undefined
  const announce = () => follower.announce()
  const registry = new Registry({ store, vault, realm, events, logger, lookUps, announce, now })
  closers.push(() => registry.close())
  follower.on('revoked', ({ seq }) => registry.noteRevoked(seq))
  follower.on('changed', (change) => void registry.noteChange(change))
  follower.on('lost', () => registry.noteLost())
  await registry.start()

  const links = new Links({ store, logger, now })
  closers.push(() => links.close())
  await links.start()
  closers.push(live.join((messages) => bus.publish({ type: 'live', messages })))
  bus.subscribe((message) => {
    if (message.type === 'live') for (const one of message.messages) live.receive(one)
  })
  const inquiries = new Inquiries({ bus, vault, others: () => links.otherReplicas(), now })
  closers.push(() => inquiries.close())
  const totals = new Totals(store, () => links.count(), now)
  return { realm, vault, adminToken, store, registry, events, live, authentications, links, totals, metrics, inquiries }
}
