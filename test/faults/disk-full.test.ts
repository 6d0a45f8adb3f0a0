import { diskFull } from './disk-full.ts'
import { inShort } from './support/in-short.ts'

inShort(diskFull)
