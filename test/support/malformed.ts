// Bodies and frames that docs/protocol.md section 3 has a receiver refuse, made from a good body of any message.

const octets = (hex: string) => Buffer.from(hex, 'hex')

/** Bodies that are no good message, by what is wrong with them. @param good a map of 1 to 22 pairs, the first of them key 0 */
export function malformedBodies(good: Uint8Array): Record<string, Buffer> {
  const count = (good[0] ?? 0) & 0x1f
  const number = Buffer.from(good.subarray(2, good[2] === 0x18 ? 4 : 3))
  const first = Buffer.concat([octets('00'), number])
  const rest = Buffer.from(good.subarray(1 + first.length))
  const map = (pairs: number, ...parts: Buffer[]) => Buffer.concat([Buffer.of(0xa0 | pairs), ...parts])
  const bodies = {
    'no CBOR': Buffer.from('GET / HTTP/1.1\r\n'),
    'a reserved octet': octets('1c'),
    'a list': octets('8101'),
    'an empty map': octets('a0'),
    'nothing but its number': map(1, first),
    'a trailing octet': Buffer.concat([good, octets('00')]),
    'itself twice': Buffer.concat([good, good]),
    'its last octet missing': Buffer.from(good.subarray(0, -1)),
    'an indefinite length': Buffer.concat([octets('bf'), first, rest, octets('ff')]),
    'a length that could be shorter': Buffer.concat([octets('b8'), Buffer.of(count), first, rest]),
    'a key that could be shorter': map(count, octets('1800'), number, rest),
    'a key twice': map(count + 1, first, first, rest),
    'an unknown key': map(count + 1, first, rest, octets('186300')),
    'a key of text': map(count + 1, first, rest, octets('616100')),
    'a negative key': map(count + 1, first, rest, octets('2000')),
    'its number as text': map(count, octets('006131'), rest),
    'its number as a float': map(count, octets('00f93c00'), rest),
    'its number in a tag': map(count, octets('00c1'), number, rest),
    'another number': map(count, octets('0018fe'), rest),
    'a number beyond 64 bits': map(count, octets('00c249010000000000000000'), rest),
    'a flag where a value belongs': map(2, first, octets('01f4')),
    'null where a value belongs': map(2, first, octets('01f6')),
    'octets that are promised and do not come': map(2, first, octets('015affffffff')),
    'a list of 2^32 items': map(2, first, octets('019affffffff')),
    'lists in lists, 2,000 deep': map(2, first, octets('01'), Buffer.alloc(2000, 0x81), octets('00')),
    ...(count > 1 && { 'its number last': map(count, rest, first) }),
  }
  return Object.fromEntries(Object.entries(bodies).filter(([, body]) => Buffer.compare(body, good) !== 0))
}

/** What is no frame. @param maxOctets the limit of this link */
export function malformedFrames(maxOctets: number): Record<string, Buffer> {
  return {
    'a frame of no octets': octets('00000000'),
    'a frame one octet above the limit': prefix(maxOctets + 1),
    'a frame of 4 GiB': octets('ffffffff'),
    'a frame that breaks off': Buffer.concat([prefix(100), octets('a100')]),
    'half a length': octets('0000'),
    'a record of TLS': octets('1603010005010000010000'),
  }
}

/** A body with its length before it. */
export function framed(body: Uint8Array): Buffer {
  return Buffer.concat([prefix(body.length), body])
}

function prefix(length: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(length)
  return octets
}
