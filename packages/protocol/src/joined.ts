// How inputs of the key schedule are joined: docs/protocol.md section 5. Each with its length in 2 octets before it, so that
// no two different lists of inputs give the same octets.

const LENGTH_OCTETS = 2

/**
 * `prefix`, then each input with its length, then `spare` octets that the caller sets. One buffer, written once: this runs
 * several times in each authentication.
 */
export function joinPrefixed(prefix: Buffer, inputs: readonly (string | Uint8Array)[], spare = 0): Buffer {
  let size = prefix.length + spare
  for (const input of inputs) size += LENGTH_OCTETS + octetsOf(input)
  const joined = Buffer.allocUnsafe(size)
  joined.set(prefix)
  let at = prefix.length
  for (const input of inputs) {
    at = joined.writeUInt16BE(octetsOf(input), at)
    if (typeof input === 'string') joined.write(input, at)
    else joined.set(input, at)
    at += octetsOf(input)
  }
  return joined
}

/** A label as every derivation begins with it: `opencpns/1 ` and its name, length-prefixed. */
export function label(name: string): Buffer {
  return joinPrefixed(Buffer.alloc(0), [`opencpns/1 ${name}`])
}

function octetsOf(input: string | Uint8Array): number {
  return typeof input === 'string' ? Buffer.byteLength(input) : input.length
}
