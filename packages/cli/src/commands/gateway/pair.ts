// `opencpns gateway pair`
import { createTicket } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { print, printJson } from '../../output.ts'
import { qr } from '../../terminal.ts'

interface Options extends CommonOptions {
  data: string
  name?: string
  address?: string[]
}

export async function run({ data, name, address, json }: Options): Promise<undefined> {
  const ticket = {
    dataDir: data,
    ...(name !== undefined && { name }),
    ...(address !== undefined && { addresses: address }),
  }
  const { uri, expiresAt } = await createTicket(ticket)
  if (json) return printJson({ uri, expiresAt }) as undefined
  print(`${qr(uri, process.stdout.isTTY && process.stdout.hasColors())}\n`)
  print(uri)
  print(`\nScan it with the device, or there: opencpns pne pair 'URI' --credential FILE`)
  print(`It serves one device, once, until ${new Date(expiresAt).toLocaleTimeString('sv-SE')}.`)
}
