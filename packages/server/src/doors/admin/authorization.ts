// Who may use the admin API: whoever sends the token of the data folder as a bearer token (RFC 6750 section 2.1).
import { createHash, timingSafeEqual } from 'node:crypto'

/** Gives a check of an Authorization header. Hashing first makes both sides of the comparison equally long. */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = sha256(token)
  return (header) => {
    const [, given] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? '') ?? []
    return given !== undefined && timingSafeEqual(sha256(given), expected)
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
