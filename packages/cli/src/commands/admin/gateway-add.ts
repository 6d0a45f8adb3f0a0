// `opencpns admin gateway add`. The API tells the secret once, so the place to keep it is taken before it is asked for.
import { CliError } from '../../errors.ts'
import { printResult } from '../../output.ts'
import { type AdminClient, type AdminOptions, openAdmin } from './client.ts'
import { reserveCredentialFile } from './credential-file.ts'

interface Options extends AdminOptions {
  user: string
  out?: string
  radius?: string
}

interface Credential {
  name: string
  identity: string
  realm: string
  radius: string | null
  secret: string
}

export async function run(options: Options, name: string): Promise<undefined> {
  const { user, out, radius, json } = options
  if (out !== undefined && radius === undefined) return addGateway(await openAdmin(options), { name, user, out, json })
  if (radius !== undefined && out === undefined)
    return addRadius(await openAdmin(options), { name, user, radius, json })
  throw new CliError(
    'USAGE',
    'cannot tell which kind of gateway is meant: give either --out FILE, or --radius ADDRESS for an access point',
  )
}

async function addGateway(
  admin: AdminClient,
  { name, user, out, json }: { name: string; user: string; out: string; json: true | undefined },
): Promise<undefined> {
  const file = await reserveCredentialFile(out)
  try {
    const { identity, realm, secret } = await admin.create<Credential>('/v1/gateways', { name, user })
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

async function addRadius(
  admin: AdminClient,
  of: { name: string; user: string; radius: string; json: true | undefined },
): Promise<undefined> {
  const { name, user, json } = of
  const added = await admin.create<Credential>('/v1/gateways', { name, user, radius: of.radius })
  const { identity, realm, radius, secret } = added
  const words = [
    `Added the RADIUS gateway ${identity} of ${user}, for requests from ${radius}.`,
    `Shared secret, told this once: ${secret}`,
    'Put it into the access point: in hostapd.conf as auth_server_shared_secret, elsewhere as the RADIUS secret.',
    'The server must run with: opencpns server run --radius HOST:PORT',
  ]
  printResult(json, { name, identity, realm, user, radius, secret }, words.join('\n'))
}
