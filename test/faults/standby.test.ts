import { standby } from './standby.ts'
import { inShort } from './support/in-short.ts'

inShort(standby)
