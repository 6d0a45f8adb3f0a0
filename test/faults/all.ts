// The faults, in the order in which they are tried.

import { assignmentKill } from './assignment-kill.ts'
import { clock } from './clock.ts'
import { diskFull } from './disk-full.ts'
import { gatewayKill } from './gateway-kill.ts'
import { network } from './network.ts'
import { postgresRestart } from './postgres-restart.ts'
import { replicaKill } from './replica-kill.ts'
import { standby } from './standby.ts'
import type { Fault } from './support/fault.ts'

export const faults: readonly Fault[] = [
  replicaKill,
  assignmentKill,
  gatewayKill,
  postgresRestart,
  standby,
  network,
  diskFull,
  clock,
]
