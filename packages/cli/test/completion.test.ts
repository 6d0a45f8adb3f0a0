// The completions, in the shells that they are for.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { assertError, opencpns, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
after(() => folder.remove())

before(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await opencpns('completion', shell)
    assert.equal(code, 0)
    writeFileSync(folder.path(shell), stdout)
  }
  mkdirSync(folder.path('here'))
  mkdirSync(folder.path('here', 'server'))
  writeFileSync(folder.path('here', 'hub.json'), '')
})

/** What a shell offers for the last of these words. */
type Complete = (...words: string[]) => string[]

const inBash: Complete = (...words) => {
  const quoted = ['opencpns', ...words].map((word) => `'${word}'`).join(' ')
  const script = `source '${folder.path('bash')}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _opencpns; printf '%s\\n' "\${COMPREPLY[@]}"`
  return linesOf(execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: folder.path('here') }))
}

const inFish: Complete = (...words) => {
  const line = ['opencpns', ...words].join(' ')
  const script = `source '${folder.path('fish')}'; complete -C '${line}'`
  const env = { ...process.env, HOME: folder.path(), XDG_CONFIG_HOME: folder.path('config') }
  const printed = execFileSync('fish', ['--no-config', '-c', script], {
    encoding: 'utf8',
    cwd: folder.path('here'),
    env,
  })
  return linesOf(printed).map((line) => line.split('\t', 1)[0] ?? '')
}

/**
 * By a terminal of zsh's own, in which the completion lists what it has. Keys are typed when its line editor says that it is
 * there: before that they are the terminal's, to which Ctrl-U means to forget all of them.
 */
const inZsh: Complete = (...words) => {
  const line = ['opencpns', ...words].join(' ')
  const script = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -Uz compinit; compinit -u -d '${folder.path('zcompdump')}'; source '${folder.path('zsh')}'"
zpty -w shell 'compadd() { builtin compadd -A __hits -D __gone "$@" 2>/dev/null; builtin compadd -O __hits "$@"; print -l -- "HIT "\${^__hits}; return 0 }'
zpty -w shell 'zle-line-init() { print -n EDITING }; zle -N zle-line-init'
zpty -w shell 'bindkey "^I" complete-word; print READY'
zpty -r shell text '*READY*READY*EDITING*'
zpty -w -n shell '${line}'$'\\t'
zpty -w -n shell $'\\C-U'
zpty -w shell 'print DONE-$((1))'
zpty -r shell text '*DONE-1*'
print -r -- "$text"
zpty -d shell`
  const printed = execFileSync('zsh', ['-f', '-c', script], {
    encoding: 'utf8',
    cwd: folder.path('here'),
    timeout: 60_000,
  })
  return [...new Set([...printed.matchAll(/HIT (\S+)/g)].map(([, hit = '']) => hit))]
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

const shells: [name: string, complete: Complete][] = [
  ['bash', inBash],
  ['zsh', inZsh],
  ['fish', inFish],
]

for (const [name, complete] of shells) {
  test(`${name} completes commands, options, their values, files and folders`, async (t) => {
    if (spawnSync(name, ['--version']).error) return t.skip(`${name} is not there: apt-get install ${name}`)
    assert.deepEqual(complete('serv'), ['server'])
    assert.deepEqual(complete('server', 're').sort(), ['rekey', 'restore'])
    assert.deepEqual(complete('admin', 'user', 'rem'), ['remove'])
    assert.deepEqual(complete('server', 'run', '--rad').sort(), ['--radius', '--radsec'])
    assert.deepEqual(complete('gateway', 'run', '--log-level', 'wa'), ['warn'])
    assert.deepEqual(complete('pne', 'connect', '127.0.0.1:7411', '--credential', 'hu'), ['hub.json'])
    assert.deepEqual(
      complete('server', 'run', '--data', 's').map((one) => one.replace(/\/$/, '')),
      ['server'],
    )
    assert.deepEqual(complete('completion', 'f'), ['fish'])
    assert.deepEqual(complete('server', 'backup', 'hu'), ['hub.json'])
  })
}

test('bash completes the value after an equals sign, and nothing where a name of yours comes', () => {
  assert.deepEqual(inBash('server', 'init', '--log-level', '=', 'de'), ['debug'])
  assert.deepEqual(inBash('server', 'init', '--log-level', '=').length, 6)
  assert.deepEqual(inBash('server', 'init', '--realm', ''), [])
  assert.deepEqual(inBash('server', 'backup', 'hu'), ['hub.json'])
  assert.deepEqual(inBash('nonsense', 'se'), ['server'])
})

test('the script for bash has no fault that shellcheck finds', (t) => {
  const checker = '/usr/bin/shellcheck'
  if (!existsSync(checker)) return t.skip('shellcheck is not there: apt-get install shellcheck')
  const { stdout } = spawnSync(checker, ['-s', 'bash', folder.path('bash')], { encoding: 'utf8' })
  assert.equal(stdout, '')
})

test('another shell is refused', async () => {
  assertError(await opencpns('completion', 'tcsh'), 2, /Allowed choices are bash, zsh, fish/)
})
