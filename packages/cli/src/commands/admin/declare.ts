// What the commands of `opencpns admin` have in common in their declaration.
import { type Command, InvalidArgumentError } from 'commander'
import { type Declaration, declare } from '../../command.ts'

/** A command that asks the admin API of a server: how to reach it. */
export function declareAdmin(parent: Command, usage: string, declaration: Declaration): Command {
  return declare(parent, usage, declaration)
    .option('--data <dir>', 'data folder of the server, on this machine')
    .option('--url <url>', 'admin API of a server elsewhere, with --token-file')
    .option('--token-file <file>', 'file with the token for --url')
    .option('--ca <file>', "who signs the server's certificate, PEM, for --url with https")
}

export function parseGeneration(text: string): number {
  const generation = Number(text)
  if (Number.isInteger(generation) && generation >= 1 && generation <= 4294967295) return generation
  throw new InvalidArgumentError('Give the number of a generation, as admin user show lists them')
}

export function parseSessions(text: string): number | 'unlimited' {
  if (text === 'unlimited') return text
  const sessions = Number(text)
  if (Number.isInteger(sessions) && sessions >= 1 && sessions <= 65535) return sessions
  throw new InvalidArgumentError('Give a number from 1 to 65535, or unlimited')
}

export function parseLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new InvalidArgumentError('Give a number from 1 to 1000')
  return limit
}

/** ISO 8601, as the API wants it; a date alone is its beginning here. */
export function parseTime(text: string): string {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const time = new Date(isDate ? `${text}T00:00` : text)
  if (/^\d{4}-/.test(text) && !Number.isNaN(time.getTime())) return time.toISOString()
  throw new InvalidArgumentError('Give a time as 2030-01-31 or 2030-01-31T09:00')
}
