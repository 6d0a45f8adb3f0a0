import { network } from './network.ts'
import { inShort } from './support/in-short.ts'

inShort(network)
