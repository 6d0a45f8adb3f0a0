// Every reason that server and gateway can give has words for an operator: the codes are read from the sources.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { explainReason, isExplained } from '../../../packages/console/src/page/logic/reasons.ts'
import { Result, resultName } from '../../../packages/protocol/src/index.ts'
import { errorUnions } from '../../../scripts/generated.ts'

const root = new URL('../../../', import.meta.url)

/** Unions of codes of which each can become a reason. */
const UNIONS = [
  'RefusalReason',
  'RadiusRefusalReason',
  'EapErrorCode',
  'UpstreamErrorCode',
  'ProtocolErrorCode',
  'IoErrorCode',
  'RegistryErrorCode',
]

function unionsOf(source: string): string[] {
  return UNIONS.flatMap((name) => {
    const [, body] = new RegExp(`type ${name} =\\n((?: +\\|.*\\n)+)`).exec(source) ?? []
    return body === undefined ? [] : [...body.matchAll(/\| '([A-Z_]+)'/g)].map(([, code = '']) => code)
  })
}

/** Where a gateway says a reason in one word. */
function wordsOf(source: string): string[] {
  const patterns = [
    /new Refusal\(\s*Result\.\w+,\s*'([a-z-]+)'/g,
    /reason: '([a-z-]+)'/g,
    /reason = [^\n]*'([a-z-]+)' : '([a-z-]+)'/g,
  ]
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].flatMap(([, ...words]) => words))
}

const sources = globSync('packages/{protocol,eap,io,gateway,server}/src/**/*.ts', { cwd: root.pathname }).map((file) =>
  readFileSync(new URL(file, root), 'utf8'),
)
const fromUnions = sources.flatMap(unionsOf)
const fromWords = sources.flatMap(wordsOf)
const fromResults = Object.values(Result).map((result) => `server-${resultName(result)}`)

test('the codes are found in the sources', () => {
  const known = new Set(errorUnions(root).flatMap(({ codes }) => codes.map(({ code }) => code)))
  assert.ok(fromUnions.filter((code) => known.has(code)).length > 50)
  for (const one of ['UNKNOWN_PNE', 'STATE_FORGED', 'EAP_BAD_MAC', 'SERVER_SILENT', 'TLS_REFUSED', 'USER_UNKNOWN']) {
    assert.ok(fromUnions.includes(one), one)
  }
  for (const one of ['overloaded', 'ticket-taken-over', 'server-silent', 'internal-error'])
    assert.ok(fromWords.includes(one), one)
})

test('each reason of server and gateway has words', () => {
  const mute = [...fromUnions, ...fromWords, ...fromResults].filter((code) => !isExplained(code))
  assert.deepEqual([...new Set(mute)], [])
})

test('the words are short, begin with a capital, and are no code', () => {
  for (const code of [...fromUnions, ...fromWords]) {
    const { says, advice } = explainReason(code)
    assert.match(says, /^[A-Z][^_]{5,90}[^.]$/, code)
    if (advice !== undefined) assert.match(advice, /^[A-Za-z].*(\.|\?|600)$/, code)
  }
})
