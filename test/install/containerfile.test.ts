// The Containerfile, as far as it can be looked at without an engine: what it copies is there, what it runs exists, nobody is root.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const text = readFileSync(new URL('Containerfile', root), 'utf8')

/** Instructions of a stage, comments and line ends folded away. */
const instructions = text
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', argument = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return { name, argument }
  })
const argumentsOf = (name: string) => instructions.filter((one) => one.name === name).map(({ argument }) => argument)

test('every line is an instruction', () => {
  const known = 'FROM WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD'.split(' ')
  for (const { name } of instructions) assert.ok(known.includes(name), `${name} in\n${text}`)
})

test('it is built in one stage and runs in another, from the Node that is supported', () => {
  const [build = '', run = '', ...others] = argumentsOf('FROM')
  assert.deepEqual(others, [])
  assert.match(build, / AS build$/)
  const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const major = Number(/node:(\d+)-/.exec(run)?.[1])
  assert.ok(major >= Number(/\d+/.exec(engines.node)?.[0]), `${run} for ${engines.node}`)
  assert.equal(build, `${run} AS build`)
})

test("it runs as a user, in a folder that is this user's", () => {
  const last = instructions.findLastIndex(({ name }) => name === 'USER')
  assert.equal(instructions[last]?.argument, 'node')
  assert.equal(instructions.slice(last).filter(({ name }) => name === 'RUN').length, 0)
  const [, volume = ''] = /--owner=node --group=node --mode=0700 (\S+)/.exec(text) ?? []
  assert.deepEqual(argumentsOf('VOLUME'), [volume])
})

test('it runs scripts that there are, and leaves out what must not come along', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  for (const [, name = ''] of text.matchAll(/npm run (\w+)/g)) assert.ok(name in scripts, name)
  const ignored = readFileSync(new URL('.containerignore', root), 'utf8').split('\n')
  for (const name of ['**/node_modules', 'dist', '.git']) assert.ok(ignored.includes(name), name)
  assert.ok(existsSync(new URL('package-lock.json', root)), 'npm ci needs it')
})

test('whether it is well is asked of a program that is there, in the form that needs no shell', () => {
  const [check = ''] = argumentsOf('HEALTHCHECK')
  const [, command = '[]'] = /CMD (\[.*\])$/.exec(check) ?? []
  const [program, flag, script] = JSON.parse(command)
  assert.deepEqual([program, flag], ['node', '--eval'])
  assert.doesNotThrow(() => new Function(script))
  for (const name of ['ENTRYPOINT', 'CMD']) assert.doesNotThrow(() => JSON.parse(argumentsOf(name)[0] ?? ''), name)
})
