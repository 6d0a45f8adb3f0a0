// `opencpns admin token add`. The API tells the token once, so the place to keep it is taken before it is asked for.
import { note, printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import { reserveCredentialFile } from './credential-file.ts'
import type { IssuedToken } from './documents.ts'

interface Options extends AdminOptions {
  role: string
  /** ms */
  expires?: number
  out?: string
}

export async function run(options: Options, name: string): Promise<undefined> {
  const { role, expires, out, json } = options
  const admin = await openAdmin(options)
  const wanted = { name, role, ...(expires !== undefined && { expiresInS: Math.ceil(expires / 1000) }) }
  if (out === undefined) {
    const made = await admin.create<IssuedToken>('/v1/tokens', wanted)
    if (!json) note(`${begin(made)} It is told this once:`)
    printResult(json, made, made.token)
    return
  }
  const file = await reserveCredentialFile(out)
  try {
    const { token, ...made } = await admin.create<IssuedToken>('/v1/tokens', wanted)
    await file.write(`${token}\n`)
    printResult(json, { ...made, file: out }, `${begin(made)} It is in ${out}: give that as --token-file.`)
  } finally {
    await file.release()
  }
}

function begin({ name, role, expires }: Omit<IssuedToken, 'token'>): string {
  return `Made the token ${name} for the role ${role}, good ${expires === null ? 'until it is revoked' : `until ${expires}`}.`
}
