"""EAP-GPSK (RFC 5433): keys, the peer, and as much of the server as a check of test vectors needs. Both ciphersuites."""

import hmac
import os
from dataclasses import dataclass, field
from typing import Callable

from cmac import aes_cmac

REQUEST, RESPONSE, TYPE = 1, 2, 51
SUITES = {1: 16, 2: 32}  # specifier: KS, the octets of a key and of a MAC


class GpskError(Exception):
    """The packet proves nothing, or proves that the other side holds another key."""


def suite_octets(specifier: int) -> bytes:
    return bytes(4) + specifier.to_bytes(2, "big")  # vendor 0 is the IETF


def mac(suite: int, key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256") if suite == 2 else aes_cmac(key, data)


def gkdf(suite: int, key: bytes, data: bytes, length: int) -> bytes:
    """GKDF of section 4: MAC(i || data) for i = 1, 2 … in 2 octets."""
    output = b""
    for i in range(1, -(-length // SUITES[suite]) + 1):
        output += mac(suite, key, i.to_bytes(2, "big") + data)
    return output[:length]


@dataclass(frozen=True)
class Keys:
    mk: bytes = field(repr=False)
    msk: bytes = field(repr=False)
    emsk: bytes = field(repr=False)
    sk: bytes = field(repr=False)
    pk: bytes = field(repr=False)
    session_id: bytes


def derive(suite: int, psk: bytes, id_peer: bytes, id_server: bytes, rand_peer: bytes, rand_server: bytes) -> Keys:
    """Section 4. PK exists in ciphersuite 1 alone."""
    ks, csuite_sel = SUITES[suite], suite_octets(suite)
    input_string = rand_peer + id_peer + rand_server + id_server
    mk = gkdf(suite, psk[:ks], _lp(psk) + csuite_sel + input_string, ks)
    out = gkdf(suite, mk, input_string, 128 + (2 * ks if suite == 1 else ks))
    method_id = gkdf(suite, psk[:ks], b"Method ID" + bytes([TYPE]) + csuite_sel + input_string, 16)
    return Keys(mk, out[:64], out[64:128], out[128 : 128 + ks], out[128 + ks :], bytes([TYPE]) + method_id)


def packet(code: int, identifier: int, op: int, payload: bytes) -> bytes:
    return bytes([code, identifier]) + (6 + len(payload)).to_bytes(2, "big") + bytes([TYPE, op]) + payload


def gpsk1(identifier: int, id_server: bytes, rand_server: bytes, suites: list[int]) -> bytes:
    return packet(REQUEST, identifier, 1, _lp(id_server) + rand_server + _lp(b"".join(map(suite_octets, suites))))


def gpsk3(identifier: int, keys: Keys, suite: int, rand_peer: bytes, rand_server: bytes, id_server: bytes) -> bytes:
    protected = rand_peer + rand_server + _lp(id_server) + suite_octets(suite) + _lp(b"")
    return packet(REQUEST, identifier, 3, protected + mac(suite, keys.sk, protected))


class Peer:
    """Answers GPSK-1 with GPSK-2 and GPSK-3 with GPSK-4. After GPSK-3 `msk` is there: the server has proved itself."""

    def __init__(
        self, identity: str, psk: bytes, suites: tuple[int, ...] = (2, 1), random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._id_peer, self._psk, self._suites = identity.encode(), psk, suites
        self._rand_peer = random(32)
        self._keys: Keys | None = None
        self.msk: bytes | None = None

    def receive(self, request: bytes) -> bytes:
        """The EAP Response to an EAP Request. Raises GpskError."""
        if len(request) < 6 or request[0] != REQUEST or request[4] != TYPE:
            raise GpskError("not an EAP-GPSK request")
        if int.from_bytes(request[2:4], "big") != len(request):
            raise GpskError("the EAP length is not the length of the packet")
        identifier, op, reader = request[1], request[5], _Reader(request[6:])
        if op == 1 and self._keys is None:
            return packet(RESPONSE, identifier, 2, self._answer_gpsk1(reader))
        if op == 3 and self._keys is not None:
            return packet(RESPONSE, identifier, 4, self._answer_gpsk3(reader, self._keys))
        raise GpskError(f"op-code {op} has no place here")

    def _answer_gpsk1(self, gpsk1: "_Reader") -> bytes:
        self._id_server, self._rand_server, csuite_list = gpsk1.lp(), gpsk1.take(32), gpsk1.lp()
        gpsk1.end()
        offered = [csuite_list[i : i + 6] for i in range(0, len(csuite_list), 6)]
        self._suite = next((s for s in self._suites if suite_octets(s) in offered), 0)
        if not self._suite or len(csuite_list) % 6:
            raise GpskError("no ciphersuite in common")
        self._keys = derive(self._suite, self._psk, self._id_peer, self._id_server, self._rand_peer, self._rand_server)
        protected = _lp(self._id_peer) + _lp(self._id_server) + self._rand_peer + self._rand_server
        protected += _lp(csuite_list) + suite_octets(self._suite) + _lp(b"")
        return protected + mac(self._suite, self._keys.sk, protected)

    def _answer_gpsk3(self, gpsk3: "_Reader", keys: Keys) -> bytes:
        start = gpsk3.at
        repeated = (gpsk3.take(32), gpsk3.take(32), gpsk3.lp(), gpsk3.take(6))
        gpsk3.lp()  # PD_Payload_Block: nothing that a PNE uses
        protected, received = gpsk3.octets[start : gpsk3.at], gpsk3.take(SUITES[self._suite])
        gpsk3.end()
        if not hmac.compare_digest(mac(self._suite, keys.sk, protected), received):
            raise GpskError("the MAC of GPSK-3 is wrong: the server does not hold this key")
        if repeated != (self._rand_peer, self._rand_server, self._id_server, suite_octets(self._suite)):
            raise GpskError("GPSK-3 repeats other values than those of this exchange")
        self.msk = keys.msk
        return _lp(b"") + mac(self._suite, keys.sk, _lp(b""))


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets, self.at = octets, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.octets):
            raise GpskError("cut off")
        self.at += count
        return self.octets[self.at - count : self.at]

    def lp(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))

    def end(self) -> None:
        if self.at != len(self.octets):
            raise GpskError("octets after the end")


def _lp(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value
