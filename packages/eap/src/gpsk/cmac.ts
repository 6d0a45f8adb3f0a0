// AES-CMAC with a 128-bit key: RFC 4493. On CBC of node:crypto, as OpenSSL's own CMAC is not in every Node that we support.
// One cipher serves all messages under a key: CBC goes on from its last block, so XORing that block into the first block of
// the next message starts the chain at zero again. That halves the cost of a MAC and saves the setup of the key.

import { createCipheriv } from 'node:crypto'

const BLOCK_OCTETS = 16
const ZERO = new Uint8Array(BLOCK_OCTETS)

/**
 * Keyed AES-CMAC: a function from a message of any length to its 16-octet MAC.
 * @param key 16 octets
 */
export function aesCmac(key: Uint8Array): (message: Uint8Array) => Buffer {
  const cipher = createCipheriv('aes-128-cbc', key, ZERO)
  let chain = cipher.update(ZERO)
  const k1 = double(chain)
  const k2 = double(k1)

  return function mac(message) {
    const blocks = Buffer.alloc(Math.max(1, Math.ceil(message.length / BLOCK_OCTETS)) * BLOCK_OCTETS)
    blocks.set(message)
    const whole = message.length === blocks.length
    if (!whole) blocks[message.length] = 0x80
    xorBlock(blocks, blocks.length - BLOCK_OCTETS, whole ? k1 : k2)
    xorBlock(blocks, 0, chain)
    chain = cipher.update(blocks).subarray(-BLOCK_OCTETS)
    return Buffer.from(chain)
  }
}

/** Multiplication by x in GF(2^128): the subkeys of RFC 4493 section 2.3, without a branch on secret bits. */
function double(block: Uint8Array): Buffer {
  const octets = Buffer.from(block)
  let carry = 0
  for (let i = BLOCK_OCTETS - 1; i >= 0; i--) {
    const shifted = ((octets[i] ?? 0) << 1) | carry
    carry = shifted >> 8
    octets[i] = shifted
  }
  octets[BLOCK_OCTETS - 1] = (octets[BLOCK_OCTETS - 1] ?? 0) ^ (0x87 & -carry)
  return octets
}

function xorBlock(into: Buffer, at: number, block: Uint8Array): void {
  for (let i = 0; i < BLOCK_OCTETS; i++) into[at + i] = (into[at + i] ?? 0) ^ (block[i] ?? 0)
}
