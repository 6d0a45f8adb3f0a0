"""AES-CMAC with a 128-bit key (RFC 4493) on AES encryption (FIPS 197), which Python's standard library lacks.

Table look-ups by secret octets take a time that depends on them: for tests, not for devices.
"""

BLOCK = 16


def _times_x(octet: int) -> int:
    """Multiplication by x in GF(2^8)."""
    return octet << 1 ^ (0x11B if octet & 0x80 else 0)


def _make_sbox() -> list[int]:
    powers, value = [], 1
    for _ in range(255):  # of the generator x + 1
        powers.append(value)
        value ^= _times_x(value)
    sbox = [0x63] * 256
    for exponent, value in enumerate(powers):
        inverse = powers[-exponent % 255]
        bits = inverse ^ inverse << 1 ^ inverse << 2 ^ inverse << 3 ^ inverse << 4  # to be folded: rotations by 0 to 4
        sbox[value] = (bits ^ bits >> 8) & 0xFF ^ 0x63
    return sbox


_SBOX = _make_sbox()
_SHIFT_ROWS = [(i + 4 * (i % 4)) % 16 for i in range(16)]


def _round_keys(key: bytes) -> list[bytes]:
    words, constant = [key[i : i + 4] for i in range(0, 16, 4)], 1
    while len(words) < 44:
        word = words[-1]
        if len(words) % 4 == 0:
            word = bytes(_SBOX[octet] for octet in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _times_x(constant)
        words.append(_xor(words[-4], word))
    return [b"".join(words[i : i + 4]) for i in range(0, 44, 4)]


def _encrypt(round_keys: list[bytes], block: bytes) -> bytes:
    state = _xor(block, round_keys[0])
    for number, round_key in enumerate(round_keys[1:], 1):
        state = bytes(_SBOX[state[i]] for i in _SHIFT_ROWS)
        if number < 10:
            state = b"".join(_mix_column(state[i : i + 4]) for i in range(0, 16, 4))
        state = _xor(state, round_key)
    return state


def _mix_column(column: bytes) -> bytes:
    total = column[0] ^ column[1] ^ column[2] ^ column[3]
    return bytes(column[i] ^ total ^ _times_x(column[i] ^ column[(i + 1) % 4]) for i in range(4))


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def aes_cmac(key: bytes, message: bytes) -> bytes:
    """The MAC, 16 octets, under a key of 16 octets."""
    round_keys = _round_keys(key)
    subkey = _double(_encrypt(round_keys, bytes(BLOCK)))
    whole = len(message) > 0 and len(message) % BLOCK == 0
    if not whole:
        subkey = _double(subkey)
        message += b"\x80" + bytes(-(len(message) + 1) % BLOCK)
    message = message[:-BLOCK] + _xor(message[-BLOCK:], subkey)
    chain = bytes(BLOCK)
    for i in range(0, len(message), BLOCK):
        chain = _encrypt(round_keys, _xor(chain, message[i : i + BLOCK]))
    return chain


def _double(block: bytes) -> bytes:
    doubled = int.from_bytes(block, "big") << 1
    return (doubled ^ (doubled >> 128) * ((1 << 128) | 0x87)).to_bytes(BLOCK, "big")
