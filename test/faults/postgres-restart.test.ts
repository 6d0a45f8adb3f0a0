import { postgresRestart } from './postgres-restart.ts'
import { inShort } from './support/in-short.ts'

inShort(postgresRestart)
