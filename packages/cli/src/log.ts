// The structured log of `run`: pino on stderr, one JSON object a line; on a terminal, lines for people.
import type { Logger } from '@opencpns/io'
import { LogStream } from './log-stream.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

let stream: LogStream | undefined

/** @param of.isShared  other processes write to the same stderr */
export async function openLog(level: LogLevel, of: { isShared?: boolean } = {}): Promise<Logger> {
  const { pino } = await import('pino')
  if (process.stderr.isTTY) {
    const { default: pretty } = await import('pino-pretty')
    const colorize = process.stderr.hasColors()
    // The steps of an authentication are for programs: the message says in words what they amount to.
    const lines = pretty({ destination: 2, sync: true, singleLine: true, colorize, ignore: 'pid,hostname,event,steps' })
    const logger: Logger = pino({ level }, lines)
    return logger
  }
  const formatters = { level: (label: string) => ({ level: label }) }
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }
  stream = new LogStream(2, of)
  const logger: Logger = pino(options, stream)
  return logger
}

/** Resolves when the log is written, or nobody reads it. */
export async function logWritten(): Promise<void> {
  await stream?.written()
}
