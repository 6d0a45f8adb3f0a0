// Where the store of a server is, from wherever it is told: an option, a file, the environment. Only the option shows to others
// on the machine what it holds.
import { readSecretFile } from '@opencpns/io'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { codeOf } from '../../exit.ts'
import { note } from '../../output.ts'

const FILE_MAX_OCTETS = 4096

export interface StoreOptions {
  store?: string
  storeFile?: string
}

export function addStoreOptions(command: Command): Command {
  return command
    .option('--store <store>', 'where the store is: sqlite, in the data folder, or postgres://USER@HOST/DATABASE')
    .option(
      '--store-file <file>',
      'file with that in it, for its owner alone: so a password is not among the arguments',
    )
}

/** Undefined when nobody said it. @throws {CliError} USAGE, STORE_FILE_UNUSABLE */
export async function readStore({ store, storeFile }: StoreOptions): Promise<string | undefined> {
  if (store !== undefined && storeFile !== undefined) {
    throw new CliError('USAGE', 'cannot tell where the store is: give either --store or --store-file')
  }
  if (storeFile !== undefined) return readStoreFile(storeFile)
  if (store !== undefined && /:\/\/[^/@]*:[^/@]*@|[?&]password=/.test(store)) {
    note(
      'opencpns: others on this machine see the password in the list of processes: use --store-file or OPENCPNS_STORE',
    )
  }
  return store ?? (process.env['OPENCPNS_STORE'] || undefined)
}

async function readStoreFile(file: string): Promise<string> {
  try {
    return (await readSecretFile(file, { maxOctets: FILE_MAX_OCTETS })).toString().trim()
  } catch (cause) {
    const why =
      codeOf(cause) === 'FILE_TOO_OPEN' ? `others may read it: run chmod 600 ${file}` : 'check its name and permissions'
    throw new CliError('STORE_FILE_UNUSABLE', `cannot read ${file}: ${why}`, { cause })
  }
}
