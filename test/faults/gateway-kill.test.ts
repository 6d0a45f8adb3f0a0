import { gatewayKill } from './gateway-kill.ts'
import { inShort } from './support/in-short.ts'

inShort(gatewayKill)
