// `opencpns admin gateway policy`
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import type { Gateway } from './documents.ts'

interface Options extends AdminOptions {
  visitors: 'yes' | 'no'
}

export async function run(options: Options, name: string): Promise<undefined> {
  const admin = await openAdmin(options)
  const visitors = options.visitors === 'yes'
  const gateway = await admin.patch<Gateway>(`/v1/gateways/${encodeURIComponent(name)}`, { visitors })
  const words = gateway.visitors
    ? `${gateway.identity} takes devices that other gateways paired, as their users allow.`
    : `${gateway.identity} serves only the devices that it paired itself.`
  printResult(options.json, gateway, words)
}
