// `opencpns admin gateway add`. The API tells the secret once, so the place to keep it is taken before it is asked for.
import { printResult } from '../../output.ts'
import { type AdminOptions, openAdmin } from './client.ts'
import { reserveCredentialFile } from './credential-file.ts'

interface Options extends AdminOptions {
  user: string
  out: string
}

interface Credential {
  identity: string
  realm: string
  secret: string
}

export async function run(options: Options, name: string): Promise<undefined> {
  const { user, out, json } = options
  const admin = await openAdmin(options)
  const file = await reserveCredentialFile(out)
  try {
    const { identity, realm, secret } = await admin.post<Credential>('/v1/gateways', { name, user })
    await file.write({ type: 'opencpns-gateway', version: 1, identity, realm, secret })
    const words = [
      `Added the gateway ${identity} of ${user}. Its credential is in ${out}.`,
      `Run it with: opencpns gateway run --credential ${out} --data DIR --server HOST:PORT`,
    ]
    printResult(json, { identity, realm, user, credential: out }, words.join('\n'))
  } finally {
    await file.release()
  }
}
