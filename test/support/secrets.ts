// Looks for secrets in what programs printed, in every spelling that a careless line of code would give them.

/** A key by the name that a finding is told under; only octets that are random enough to occur nowhere by chance. */
export type Secrets = Readonly<Record<string, Uint8Array>>

/** `NAME as SPELLING` for each secret that occurs in the text. @param secrets each of 16 octets or more */
export function findSecrets(text: Buffer, secrets: Secrets): string[] {
  return Object.entries(secrets).flatMap(([name, octets]) => {
    if (octets.length < 16) throw new RangeError(`${name} is too short to be looked for`)
    return Object.entries(spellings(Buffer.from(octets)))
      .filter(([, spelled]) => spelled.some((one) => text.includes(one)))
      .map(([spelling]) => `${name} as ${spelling}`)
  })
}

function spellings(octets: Buffer): Record<string, readonly (Buffer | string)[]> {
  const hex = octets.toString('hex')
  const pairs = hex.match(/../g) ?? []
  const numbers = [...octets]
  return {
    octets: [octets],
    'octets in JSON or UTF-8': [octets.toString('latin1'), JSON.stringify(octets.toString('latin1')).slice(1, -1)],
    hex: [hex, hex.toUpperCase(), pairs.join(' '), pairs.join(':'), pairs.join(':').toUpperCase()],
    base64: [...inBase64(octets, 'base64')],
    base64url: [...inBase64(octets, 'base64url')],
    numbers: [numbers.join(','), numbers.join(', ')],
    'an object of numbers': [numbers.map((number, at) => `"${at}":${number}`).join(',')],
  }
}

/** Its characters that do not depend on what stands before and after it, at each of the three places in a group. */
function* inBase64(octets: Buffer, encoding: 'base64' | 'base64url'): Generator<string> {
  for (let before = 0; before < 3; before++) {
    const all = Buffer.concat([Buffer.alloc(before), octets])
      .toString(encoding)
      .replace(/=+$/, '')
    const dependentAfter = (before + octets.length) % 3 === 0 ? 0 : 1
    yield all.slice(Math.ceil((before * 8) / 6), all.length - dependentAfter)
  }
}
