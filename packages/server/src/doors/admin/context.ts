// What the routes of the admin API work on.
import type { EventLog } from '../../events.ts'
import type { Registry } from '../../registry.ts'

export interface AdminContext {
  readonly registry: Registry
  readonly events: EventLog
}
