// What this package asks of a logger: pino's interface, as much of it as is used.
import type { BaseLogger } from 'pino'

export type Logger = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>
