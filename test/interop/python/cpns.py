"""OpenCPNS, version 1, in octets: encoding, messages, identities, key schedule, RAND_Server and the pairing URI.

Written from docs/protocol.md and the RFCs that it names, by the standard library alone. "Section" means a section of that
document. There is no socket, clock or random source in here. EAP-GPSK is in gpsk.py.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from typing import Any, Callable, NamedTuple
from urllib.parse import unquote

VERSION = 1
MAX_FRAME = 4096  # octets, PNE and PN GW
MAX_UPSTREAM_FRAME = 65536  # octets, PN GW and CPNS Server


class Malformed(ValueError):
    """What came is not what section 3, 4 or 2 allows."""


# Section 3: CBOR, the subset that is used, in deterministic encoding (RFC 8949, section 4.2.1)


def cbor_encode(item: Any) -> bytes:
    """Encodes unsigned integers, bytes, text, booleans, lists, and maps with unsigned integer keys."""
    if isinstance(item, bool):
        return b"\xf5" if item else b"\xf4"
    if isinstance(item, int):
        return _head(0, item)
    if isinstance(item, bytes):
        return _head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return _head(3, len(text)) + text
    if isinstance(item, list):
        return _head(4, len(item)) + b"".join(map(cbor_encode, item))
    if isinstance(item, dict):
        return _head(5, len(item)) + b"".join(cbor_encode(key) + cbor_encode(item[key]) for key in sorted(item))
    raise TypeError(f"no CBOR for {type(item).__name__}")


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError("an integer has at most 64 bits")


def cbor_decode(body: bytes) -> Any:
    """Decodes one item. Raises Malformed for trailing octets and for all that cbor_encode would not have written."""
    item, end = _decode(body, 0, depth=0)
    if end != len(body):
        raise Malformed("octets after the item")
    if cbor_encode(item) != body:
        raise Malformed("not the deterministic encoding")
    return item


def _decode(body: bytes, at: int, depth: int) -> tuple[Any, int]:
    if at >= len(body) or depth > 4:
        raise Malformed("cut off" if depth <= 4 else "nested too deep")
    major, info = body[at] >> 5, body[at] & 31
    if major == 7 and info in (20, 21):
        return info == 21, at + 1
    if major > 5 or info > 27:
        raise Malformed("a kind of item that is not used")
    at += 1
    value = info
    if info >= 24:
        size = 1 << info - 24
        value, at = int.from_bytes(_take(body, at, size), "big"), at + size
    if major == 0:
        return value, at
    if major == 2:
        return _take(body, at, value), at + value
    if major == 3:
        try:
            return _take(body, at, value).decode("utf-8"), at + value
        except UnicodeDecodeError:
            raise Malformed("text is not UTF-8") from None
    if major == 4:
        items = []
        for _ in range(value):
            item, at = _decode(body, at, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        entries: dict[int, Any] = {}
        for _ in range(value):
            key, at = _decode(body, at, depth + 1)
            if type(key) is not int or key in entries:
                raise Malformed("a key is not an unsigned integer, or comes twice")
            entries[key], at = _decode(body, at, depth + 1)
        return entries, at
    raise Malformed("a kind of item that is not used")


def _take(body: bytes, at: int, count: int) -> bytes:
    if at + count > len(body):
        raise Malformed("cut off")
    return body[at : at + count]


def frame(body: bytes) -> bytes:
    """A body with its length prefix."""
    return len(body).to_bytes(4, "big") + body


# Section 4: messages. A type is a predicate.

Type = Callable[[Any], bool]


def _uint(low: int, high: int) -> Type:
    return lambda value: type(value) is int and low <= value <= high


def _octets(low: int, high: int | None = None) -> Type:
    return lambda value: isinstance(value, bytes) and low <= len(value) <= (high or low)


def _text(low: int, high: int) -> Type:
    return lambda value: (
        isinstance(value, str)
        and low <= len(value.encode()) <= high
        and not any(unicodedata.category(character) == "Cc" or character == "\ufeff" for character in value)
    )


def _list(low: int, high: int, of: Type) -> Type:
    return lambda value: isinstance(value, list) and low <= len(value) <= high and all(map(of, value))


def _pattern(form: str) -> Type:
    return lambda value: isinstance(value, str) and re.fullmatch(form, value) is not None


_bool: Type = lambda value: isinstance(value, bool)
_version = _uint(1, 255)
_versions = _list(1, 8, _version)
_u32 = _uint(0, 2**32 - 1)
_u53 = _uint(0, 2**53 - 1)
_result = _uint(0, 10)
_eap = _octets(4, 1020)
_gateway = _text(3, 253)
_realm = _text(1, 190)
_name = _text(1, 64)
_id16 = _octets(16)
_key32 = _octets(32)
_report = _octets(1, 256)
_reason = _pattern("[a-z0-9-]{1,64}")
_traceparent = _pattern("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# Number, name, and the fields in the order of their keys, from 1 on; "?" marks what may be missing.
_DECLARED: list[tuple[int, str, dict[str, Type]]] = [
    (1, "AuthenticationRequest", {"versions": _versions, "secondSeed": _key32, "realm": _realm, "service?": _name, "transientKeyId?": _id16, "traceparent?": _traceparent}),
    (2, "Challenge", {"version": _version, "gateway": _gateway, "eap": _eap}),
    (3, "ChallengeAnswer", {"eap": _eap}),
    (4, "SessionOffer", {"version": _version, "gateway": _gateway, "sessionId": _id16, "case": _uint(0, 1), "eap?": _eap, "transientKeyId?": _id16}),
    (5, "AuthenticationResponse", {"result": _result, "lifetimeS?": _u32, "versions?": _versions}),
    (6, "Ping", {}),
    (7, "Pong", {}),
    (8, "SessionEnd", {"reason": _uint(0, 2)}),
    (9, "RotationRequest", {}),
    (10, "RotationOffer", {"secondSeed": _key32, "euKey": _key32}),
    (11, "RotationConfirmation", {"secondSeed": _key32}),
    (12, "RotationDone", {"secondSeed": _key32}),
    (16, "PairingRequest", {"versions": _versions, "ticketId": _id16}),
    (17, "PairingOffer", {"version": _version, "gateway": _gateway, "sessionId": _id16}),
    (18, "PairingResponse", {"result": _result, "versions?": _versions}),
    (19, "AssignmentRequest", {"deviceNonce": _key32}),
    (20, "Assignment", {"pneId": _name, "realm": _realm, "secondSeed": _key32, "euKey": _key32}),
    (21, "AssignmentConfirmation", {}),
    (32, "Hello", {"versions": _versions, "gateway": _gateway}),
    (33, "HelloOffer", {"version": _version, "realm": _realm, "sessionId": _id16}),
    (34, "HelloResponse", {"result": _result, "revocations?": _u53, "versions?": _versions}),
    (35, "ChallengeRequest", {"id": _u32, "count": _uint(1, 64)}),
    (36, "ChallengeResponse", {"id": _u32, "result": _result, "challenges?": _list(0, 64, _eap), "lifetimeS?": _uint(0, 86400)}),
    (37, "ForwardedRequest", {"id": _u32, "secondSeed": _key32, "challenge": _eap, "eap": _eap, "sessionId?": _id16, "traceparent?": _traceparent}),
    (38, "ForwardedResponse", {"id": _u32, "result": _result, "eap?": _eap, "transientKey?": _key32, "lifetimeS?": _u32, "pneId?": _name, "user?": _name, "sessionsMax?": _uint(1, 65535)}),
    (39, "KeyAssignmentRequest", {"id": _u32, "secondSeed": _key32, "name?": _name, "replaces?": _key32, "ticketId?": _id16}),
    (40, "KeyAssignmentResponse", {"id": _u32, "result": _result, "euKey?": _key32, "pneId?": _name, "user?": _name, "generation?": _uint(1, 2**32 - 1)}),
    (41, "KeyConfirmationRequest", {"id": _u32, "secondSeed": _key32, "ticketId?": _id16}),
    (42, "KeyConfirmationResponse", {"id": _u32, "result": _result}),
    (43, "RevocationsRequest", {"id": _u32, "since": _u53}),
    (44, "RevocationsResponse", {"id": _u32, "result": _result, "tags?": _list(0, 1000, _key32), "upTo?": _u53, "more?": _bool}),
    (45, "RevocationNotice", {"upTo": _u53}),
    (46, "KeyRetirementRequest", {"id": _u32, "secondSeed": _key32}),
    (47, "KeyRetirementResponse", {"id": _u32, "result": _result}),
    (48, "RegistrationsRequest", {"id": _u32, "first": _u53, "reports": _list(1, 64, _report)}),
    (49, "RegistrationsResponse", {"id": _u32, "result": _result, "upTo?": _u53}),
    (50, "RegistrationReport", {"kind": _uint(0, 1), "sessionId": _id16, "secondSeed": _key32, "atMs": _u53, "case": _uint(0, 1)}),
    (51, "PolicyNotice", {"generation": _uint(1, 2**32 - 1), "visitors": _bool, "sessionsMax?": _uint(1, 65535)}),
    (52, "AuthenticationsReport", {"spanMs": _u32, "localAccepted": _u32, "localRefused": _u32, "remoteAccepted": _u32, "remoteRefused": _u32, "undecided": _u32, "untold": _u32, "reports": _list(0, 32, _report)}),
    (53, "AuthenticationReport", {"sessionId": _id16, "result": _result, "atUs": _u53, "serverRoundTrips": _uint(0, 255), "case?": _uint(0, 1), "reason?": _reason, "keyUsed?": _uint(0, 2), "pneId?": _name, "step2Us?": _u32, "step3Us?": _u32, "step6Us?": _u32, "step7Us?": _u32, "step8Us?": _u32}),
    (54, "TicketRequest", {"id": _u32, "name?": _name, "lifetimeS?": _uint(60, 3600)}),
    (55, "TicketResponse", {"id": _u32, "result": _result, "uri?": _text(1, 1024), "expiresAtS?": _u53, "ticketId?": _id16}),
    (56, "RotationNotice", {"pneId": _name}),
    (57, "ClosingNotice", {}),
]  # fmt: skip


class _Field(NamedTuple):
    key: int
    type: Type
    optional: bool


MESSAGES: dict[str, tuple[int, dict[str, _Field]]] = {
    name: (
        number,
        {field.rstrip("?"): _Field(key, type_, field.endswith("?")) for key, (field, type_) in enumerate(fields.items(), 1)},
    )
    for number, name, fields in _DECLARED
}
NAMES = {number: name for name, (number, _) in MESSAGES.items()}

RESULTS = [
    "success", "authentication-failed", "unsupported-version", "malformed-message", "busy", "server-unreachable",
    "ticket-used", "ticket-expired", "service-unavailable", "not-permitted", "challenge-refused",
]  # fmt: skip
CASES = ["local", "remote"]


def encode(name: str, /, **values: Any) -> bytes:
    """The body of a message. A value of None is a field left out."""
    number, fields = MESSAGES[name]
    return cbor_encode({0: number} | {fields[field].key: value for field, value in values.items() if value is not None})


def decode(body: bytes) -> tuple[str, dict[str, Any]]:
    """The name and the fields of a message. Raises Malformed for whatever section 3 has refused."""
    entries = cbor_decode(body)
    if not isinstance(entries, dict) or entries.get(0) not in NAMES or isinstance(entries[0], bool):
        raise Malformed("not a message")
    name = NAMES[entries.pop(0)]
    values = {}
    for field, (key, type_, optional) in MESSAGES[name][1].items():
        if key in entries:
            values[field] = entries.pop(key)
            if not type_(values[field]):
                raise Malformed(f"{name}.{field} is outside its limits")
        elif not optional:
            raise Malformed(f"{name}.{field} is missing")
    if entries:
        raise Malformed(f"{name} has an unknown key")
    return name, values


# Section 2: identities

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_REALM = rf"{_LABEL}(?:\.{_LABEL})*"


def is_realm(text: str) -> bool:
    return len(text) <= 190 and re.fullmatch(_REALM, text) is not None


def is_gateway(text: str) -> bool:
    name, at, realm = text.partition("@")
    return at == "@" and len(text) <= 253 and re.fullmatch(_LABEL, name) is not None and is_realm(realm)


def pne_identity(second_seed: bytes, realm: str) -> str:
    """ID_Peer of EAP-GPSK."""
    return f"{base64url(second_seed)}@{realm}"


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Without padding, and without set bits that say nothing. Raises Malformed."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Malformed("not base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(octets) != text:
        raise Malformed("not base64url: unused bits are set")
    return octets


# Section 5: key schedule


def _lp(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _label(label: str) -> bytes:
    return _lp(f"opencpns/1 {label}".encode())


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _expand(key: bytes, label: str, *inputs: bytes) -> bytes:
    return _hmac(key, _label(label) + b"".join(map(_lp, inputs)) + b"\x01")


def eu_key(first_seed: bytes, second_seed: bytes, realm: str) -> bytes:
    prk = _hmac(second_seed, first_seed)  # HKDF-Extract: the salt is the key of the HMAC
    return _expand(prk, "eukey", realm.encode())


def gpsk_psk(eu_key: bytes) -> bytes:
    return _expand(eu_key, "eap-gpsk psk")


def local_session_key(eu_key: bytes) -> bytes:
    return _expand(eu_key, "local session key")


def transient_key(msk: bytes, gateway: str) -> bytes:
    return _expand(msk, "transient key", gateway.encode())


def transient_key_id(tk: bytes) -> bytes:
    return _expand(tk, "transient key id")[:16]


def session_psk(key: bytes, case: str, gateway: str, session_id: bytes, transcript_hash: bytes) -> bytes:
    return _expand(key, "session psk", case.encode(), gateway.encode(), session_id, transcript_hash)


def pairing_psk(secret: bytes, gateway: str, transcript_hash: bytes) -> bytes:
    return _expand(secret, "pairing psk", gateway.encode(), transcript_hash)


def gateway_psk(secret: bytes, gateway: str, transcript_hash: bytes) -> bytes:
    return _expand(secret, "gateway psk", gateway.encode(), transcript_hash)


def revocation_tag(second_seed: bytes) -> bytes:
    return hashlib.sha256(_label("revocation tag") + _lp(second_seed)).digest()


def rand_server(challenge_key: bytes, time: int, random: bytes, gateway: str) -> bytes:
    """Section 5.4; time in seconds since the epoch, random has 12 octets."""
    certified = time.to_bytes(4, "big") + random
    return certified + _hmac(challenge_key, _label("rand server") + _lp(certified) + _lp(gateway.encode()))[:16]


def check_rand_server(challenge_key: bytes, rand: bytes, gateway: str, now: int) -> str:
    """The verdict: "valid", "forged", or "expired" for what is too old or too far ahead."""
    time = int.from_bytes(rand[:4], "big")
    if len(rand) != 32 or not hmac.compare_digest(rand_server(challenge_key, time, rand[4:16], gateway), rand):
        return "forged"
    return "valid" if -60 <= now - time <= 300 else "expired"


# Section 4.3: the pairing URI


class Ticket(NamedTuple):
    addresses: list[tuple[str, int]]
    gateway: str
    id: bytes
    secret: bytes
    expires: int  # seconds since the epoch


def parse_pairing_uri(uri: str) -> Ticket:
    """Raises Malformed."""
    match = re.fullmatch(r"cpns:([^?]+)\?(.+)", uri)
    if not match or len(uri) > 1024:
        raise Malformed("not cpns:HOST:PORT?g=…&t=…&s=…&x=…")
    parameters = dict(pair.partition("=")[::2] for pair in match[2].split("&"))
    if set("gtsx") - set(parameters) or len(parameters) != match[2].count("&") + 1:
        raise Malformed("a parameter is missing, or comes twice")
    addresses = [_address(text) for text in match[1].split(",")]
    ticket_id, secret = from_base64url(parameters["t"]), from_base64url(parameters["s"])
    gateway = unquote(parameters["g"])
    if len(addresses) > 4 or len(ticket_id) != 16 or not 16 <= len(secret) <= 64 or not is_gateway(gateway):
        raise Malformed("a part is outside its limits")
    if not re.fullmatch(r"[0-9]{1,15}", parameters["x"]):
        raise Malformed("the expiry is not a number")
    return Ticket(addresses, gateway, ticket_id, secret, int(parameters["x"]))


def _address(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+)):([0-9]{1,5})", text)
    if not match or not 1 <= int(match[3]) <= 65535:
        raise Malformed(f"not HOST:PORT: {text}")
    return match[1] or match[2], int(match[3])
