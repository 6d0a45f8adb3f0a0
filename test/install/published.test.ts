// What is published works without the checkout: packed, installed by npm into an empty prefix, and run from there.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildPackages } from '../../scripts/release/build.ts'
import { packAll, type Tarball } from '../../scripts/release/pack.ts'
import { npm, Prefix, whyNoRegistry } from './prefix.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8'))
const skip = (await whyNoRegistry()) ?? false
/** Only what hangs takes so long: npm has a deadline of its own. */
const INSTALL_MS = 900_000
let tarballs: readonly Tarball[]

function temporary(t: { after: (done: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-install-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Tarballs of these packages, without `@opencpns/`. */
function tarballsOf(...names: string[]): string[] {
  return names.map((name) => tarballs.find((one) => one.name === `@opencpns/${name}`)?.file ?? `no ${name}`)
}

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-packed-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  tarballs = packAll(await buildPackages(join(folder, 'dist')), join(folder, 'tarballs'))
})

test('there is a tarball of every package', () => {
  assert.deepEqual(
    tarballs.map(({ name }) => name),
    readdirSync(join(root, 'packages')).map((name) => `@opencpns/${name}`),
  )
})

test('a tarball holds what was built, README, licence and manifest, and no source or test', () => {
  const expected = /^(dist\/.+\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/
  const own = { '@opencpns/cli': /^bin\/opencpns\.js$/, '@opencpns/console': /^dist\/assets\/[\w.-]+$/ }
  for (const { name, files } of tarballs) {
    const others = files.filter((file) => !expected.test(file) && !own[name as keyof typeof own]?.test(file))
    assert.deepEqual(others, [], name)
    for (const file of ['README.md', 'LICENSE', 'package.json']) assert.ok(files.includes(file), `${name}: ${file}`)
    assert.equal(files.filter((file) => /test|\bsrc\//.test(file)).length, 0, name)
  }
})

test('the command, installed without the checkout', { skip, timeout: INSTALL_MS }, async (t) => {
  const prefix = new Prefix(temporary(t))
  await prefix.install(tarballs.map(({ file }) => file))
  t.after(() => prefix.close())

  await t.test('tells its version', async () => {
    assert.deepEqual(await prefix.opencpns('--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
  })

  await t.test('runs the demo', async () => {
    const demo = await prefix.document('demo')
    assert.deepEqual(
      Object.entries(demo).map(([name, { result, case: of }]) => [name, result, of]),
      [
        ['local', 'success', 'local'],
        ['remote', 'success', 'remote'],
        ['offline', 'success', 'local'],
      ],
    )
  })

  await t.test('serves: from an empty folder to a secure session, and the console', () => fromNothing(prefix))

  await t.test('loads no module from outside the prefix', () => {
    assert.deepEqual(prefix.strangers(), [])
  })
})

test('the oldest Node that is supported runs it too', { skip, timeout: INSTALL_MS }, async (t) => {
  const folder = temporary(t)
  const node = `node-${process.platform}-${process.arch}`
  await npm('install', '--prefix', join(folder, 'node'), '--no-audit', '--no-fund', `${node}@24`)
  const prefix = new Prefix(folder, join(folder, 'node', 'node_modules', node, 'bin', 'node'))
  await prefix.install(tarballs.map(({ file }) => file))
  t.after(() => prefix.close())
  await fromNothing(prefix)
})

test('a device installs no server code, and no dependency of the server', { skip, timeout: INSTALL_MS }, async (t) => {
  const folder = temporary(t)
  await npm(
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    ...tarballsOf('pne', 'eap', 'hmac', 'io', 'protocol'),
  )
  assert.deepEqual(packagesIn(join(folder, 'node_modules')), [
    '@opencpns/eap',
    '@opencpns/hmac',
    '@opencpns/io',
    '@opencpns/pne',
    '@opencpns/protocol',
    '@opentelemetry/api',
    'cborg',
  ])

  await t.test('and its declarations satisfy the compiler', async () => {
    const program = `import { connect, PneError, readCredential, type Session } from '@opencpns/pne'
export async function login(file: string): Promise<Session['facts']['case'] | PneError> {
  const session = await connect({ host: 'hub.local', port: 7411, credential: await readCredential(file) })
  // @ts-expect-error there is no such fact
  session.facts.password
  return session.facts.case
}
`
    writeFileSync(join(folder, 'device.ts'), program)
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      module: 'nodenext',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['device.ts'] }))
    await npm('exec', '--prefix', root, '--', 'tsc', '-p', folder)
  })
})

/** What an operator, an owner of a gateway and a device do on their first day. */
async function fromNothing(prefix: Prefix): Promise<void> {
  await prefix.document('server', 'init', '--data', 'server', '--realm', 'example.org')
  const anywhere = ['--listen', '127.0.0.1:0']
  const server = await prefix.start('server', 'run', '--data', 'server', ...anywhere, '--admin', '127.0.0.1:0')
  await prefix.document('admin', 'user', 'add', 'alice', '--data', 'server')
  await prefix.document('admin', 'gateway', 'add', 'hub', '--user', 'alice', '--out', 'hub.json', '--data', 'server')
  const upstream = ['--server', server.listen['cpns'] ?? '']
  const hub = await prefix.start(
    'gateway',
    'run',
    '--credential',
    'hub.json',
    '--data',
    'hub',
    ...upstream,
    ...anywhere,
  )
  const { uri } = await prefix.document('gateway', 'pair', '--data', 'hub', '--name', 'watch')
  await prefix.document('pne', 'pair', uri ?? '', '--credential', 'watch.json')
  const connect = ['pne', 'connect', hub.listen['pne'] ?? '', '--credential', 'watch.json', '--once']
  assert.equal((await prefix.document(...connect)).case, 'local')

  const page = await fetch(`http://${server.listen['admin']}/`)
  assert.equal(page.status, 200)
  const html = await page.text()
  const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
  assert.ok(assets.length >= 2, html)
  for (const path of assets) assert.equal((await fetch(`http://${server.listen['admin']}${path}`)).status, 200, path)
}

/** Names of the packages in a folder `node_modules`, those within others too. */
function packagesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'))
  const all = names.flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  )
  return all.flatMap((name) => [name, ...packagesIn(join(folder, name, 'node_modules'))]).sort()
}
