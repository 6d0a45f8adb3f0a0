import { replicaKill } from './replica-kill.ts'
import { inShort } from './support/in-short.ts'

inShort(replicaKill)
