import { clock } from './clock.ts'
import { inShort } from './support/in-short.ts'

inShort(clock)
