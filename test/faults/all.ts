// The faults, in the order in which they are tried.

import { assignmentKill } from './assignment-kill.ts'
import { clock } from './clock.ts'
import { diskFull } from './disk-full.ts'
import { gatewayKill } from './gateway-kill.ts'
import { network } from './network.ts'
import type { Fault } from './support/fault.ts'

export const faults: readonly Fault[] = [assignmentKill, gatewayKill, network, diskFull, clock]
