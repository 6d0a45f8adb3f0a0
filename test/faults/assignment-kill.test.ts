import { assignmentKill } from './assignment-kill.ts'
import { inShort } from './support/in-short.ts'

inShort(assignmentKill)
