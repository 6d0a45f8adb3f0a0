import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { drawStory } from '../src/commands/demo/draw.ts'
import type { SessionReport } from '../src/commands/demo/story.ts'
import { type Paint, plain } from '../src/output.ts'
import { qr } from '../src/terminal/qr.ts'
import { facts, table } from '../src/terminal/table.ts'
import { padTo, printable, widthOf } from '../src/terminal/text.ts'
import { assertGolden } from './support.ts'

const [pne, gateway, server] = ['PNE', 'PN GW', 'CPNS Server'] as const

function report(theCase: 'local' | 'remote', numbers: number[]): SessionReport {
  const ways = [
    [pne, gateway],
    [gateway, gateway],
    [gateway, server],
    [server, server],
    [pne, server],
    [server, gateway],
    [pne, gateway],
    [gateway, pne],
  ] as const
  const steps = numbers.map((step, i) => {
    const [from, to] = ways[step - 1] ?? [pne, pne]
    return { step, from, to, message: 'as logged', ms: step * 1.26, atMs: i * 10 }
  })
  return {
    result: 'success',
    case: theCase,
    gateway: theCase === 'local' ? 'home-gw@example.org' : 'visited-gw@example.org',
    sessionId: 'AAECAwQFBgcICQoLDA0ODw',
    steps,
    tls: { version: 'TLSv1.3', group: 'X25519MLKEM768', cipher: 'TLS_AES_128_GCM_SHA256' },
    serverRoundTrips: theCase === 'local' ? 0 : 1,
    bytesEchoed: 1048576,
    sha256: '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58',
  }
}

const story = {
  local: report('local', [1, 2, 7, 8]),
  remote: report('remote', [1, 2, 3, 4, 5, 6, 7, 8]),
  offline: report('local', [1, 2, 7, 8]),
}

test('the story of the demo is drawn as it always was', () => {
  assertGolden('story', `${drawStory(story, plain)}\n`)
})

test('no line of the story is wider than 100 columns', () => {
  for (const line of drawStory(story, plain).split('\n')) assert.ok(widthOf(line) <= 100, line)
})

test('colours only help: without them the story is the same', () => {
  const painted = drawStory(story, (style, text) => `\u001b[${style.length}m${text}\u001b[0m`)
  assert.notEqual(painted, drawStory(story, plain))
  assert.equal(stripVTControlCharacters(painted), drawStory(story, plain))
})

test('the diagram names each key where it is used', () => {
  const keys: string[] = []
  const collect: Paint = (style, text) => {
    if (style === 'key') keys.push(text)
    return text
  }
  drawStory(story, collect)
  assert.deepEqual(keys, ['EUKey', 'EUKey', 'transient key', 'transient key', 'EUKey'])
})

test('a table lines up its columns and shows what is absent', () => {
  const rows = [
    ['pne-aaaa', 'watch', 'active'],
    ['pne-bbbbbbbb', null, 'revoked'],
    ['pne-c', '時計', undefined],
  ]
  assertGolden('table', `${table(['PNE', 'NAME', 'STATE'], rows, plain)}\n`)
})

test('a table cell cannot steer the terminal', () => {
  assert.equal(table(['NAME'], [['\u001b]0;title\u0007\u202Eevil\n']], plain), 'NAME\n]0;titleevil')
})

test('facts line up their values', () => {
  assertGolden(
    'facts',
    `${facts(
      [
        ['PNE', 'pne-aaaa'],
        ['Assigned by', 'home-gw@example.org'],
        ['Revoked', null],
      ],
      plain,
    )}\n`,
  )
})

test('wide characters count two columns', () => {
  assert.equal(widthOf('時計'), 4)
  assert.equal(widthOf('e\u0301té'), 3)
  assert.equal(padTo('⌚', 4), '⌚  ')
  assert.equal(printable('a\u0000b\u009bc'), 'abc')
})

const uri = 'cpns:192.168.1.2:7411?g=home-gw@example.org&t=AAECAwQFBgcICQoLDA0ODw&s=AAECAwQFBgcICQoLDA0ODw&x=1790000000'

test('a QR code is drawn in half blocks', () => {
  assertGolden('qr', `${qr(uri, false)}\n`)
})

test('a coloured QR code sets both colours of every line and swaps the blocks', () => {
  const lines = qr(uri, true).split('\n')
  for (const line of lines) {
    assert.ok(line.startsWith('\u001b[30;107m') && line.endsWith('\u001b[0m'), line)
    assert.match(stripVTControlCharacters(line), /^[█▀▄ ]+$/)
  }
  const swapped: Record<string, string> = { '█': ' ', ' ': '█', '▀': '▄', '▄': '▀' }
  const inverted = stripVTControlCharacters(lines.slice(0, -1).join('\n')).replace(
    /[█▀▄ ]/g,
    (one) => swapped[one] ?? one,
  )
  assert.equal(inverted, qr(uri, false).split('\n').slice(0, -1).join('\n'))
})
