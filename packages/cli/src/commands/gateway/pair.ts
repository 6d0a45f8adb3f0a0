// `opencpns gateway pair`
import { createTicket } from '@opencpns/gateway'
import type { CommonOptions } from '../../command.ts'
import { printResult } from '../../output.ts'
import { localTime, qr } from '../../terminal.ts'

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
  const code = qr(uri, process.stdout.isTTY && process.stdout.hasColors())
  const words = [
    'Scan it with the device, or type there: opencpns pne pair URI --credential FILE (with the URI in quotes).',
    `It serves one device, once, until ${localTime(expiresAt)}.`,
  ]
  printResult(json, { uri, expiresAt }, `${code}\n\n${uri}\n\n${words.join('\n')}`)
}
