#!/usr/bin/env python3
"""Verifies all test vectors of docs/vectors, independently of the code that wrote them.

    python3 check_vectors.py [FOLDER]

Prints one line a file, and each vector that does not hold; exits 1 if there is one.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Callable

import cpns
import gpsk

OCTETS = bytes.fromhex
failures: list[str] = []


def check(name: str, holds: Callable[[], bool]) -> int:
    """Counts one vector; what raises does not hold."""
    try:
        if holds():
            return 1
        failures.append(name)
    except Exception as error:  # any: a wrong vector may break anything
        failures.append(f"{name}: {type(error).__name__}: {error}")
    return 1


def refuses(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        read(value)
    except cpns.Malformed:
        return True
    return False


def as_json(value: Any) -> Any:
    """Octets in hex, all else as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list) else value


# keys.json: for each derivation a function of the inputs; text is realm, gateway and case, the rest is octets or a number

DERIVATIONS: dict[str, Callable[..., Any]] = {
    "peerIdentity": lambda secondSeed, realm: cpns.pne_identity(secondSeed, realm),
    "euKey": lambda firstSeed, secondSeed, realm: cpns.eu_key(firstSeed, secondSeed, realm),
    "gpskPsk": lambda euKey: cpns.gpsk_psk(euKey),
    "localSessionKey": lambda euKey: cpns.local_session_key(euKey),
    "transientKey": lambda msk, gateway: cpns.transient_key(msk, gateway),
    "transientKeyId": lambda transientKey: cpns.transient_key_id(transientKey),
    "sessionPsk": lambda key, case, gateway, sessionId, transcriptHash: cpns.session_psk(key, case, gateway, sessionId, transcriptHash),
    "pairingPsk": lambda secret, gateway, transcriptHash: cpns.pairing_psk(secret, gateway, transcriptHash),
    "gatewayPsk": lambda secret, gateway, transcriptHash: cpns.gateway_psk(secret, gateway, transcriptHash),
    "revocationTag": lambda secondSeed: cpns.revocation_tag(secondSeed),
    "randServer": lambda challengeKey, gateway, time, random: cpns.rand_server(challengeKey, time, random, gateway),
    "randServerVerdict": lambda challengeKey, gateway, randServer, now: cpns.check_rand_server(challengeKey, randServer, gateway, now),
}  # fmt: skip
TEXT = {"realm", "gateway", "case"}


def inputs(values: dict[str, Any]) -> dict[str, Any]:
    return {name: OCTETS(value) if isinstance(value, str) and name not in TEXT else value for name, value in values.items()}


def check_keys(file: dict[str, Any]) -> int:
    assert set(file) - {"description", "source"} == set(DERIVATIONS), "a derivation is missing"
    return sum(
        check(vector["name"], lambda: as_json(derive(**inputs(vector["in"]))) == vector["out"])
        for kind, derive in DERIVATIONS.items()
        for vector in file[kind]
    )


# messages.json


def says(body: bytes, message: str, fields: dict[str, Any]) -> bool:
    """The body decodes to this message, and the message encodes to this body."""
    name, values = cpns.decode(body)
    return name == message and as_json(values) == fields and cpns.encode(name, **values) == body


def check_messages(file: dict[str, Any]) -> int:
    assert {vector["message"] for vector in file["messages"]} == set(cpns.MESSAGES), "a message is missing"
    count = sum(
        check(vector["name"], lambda: says(OCTETS(vector["body"]), vector["message"], vector["fields"]))
        for vector in file["messages"]
    )
    count += sum(
        check(f"refused: {vector['reason']}", lambda: refuses(cpns.decode, OCTETS(vector["body"])))
        for vector in file["refused"]
    )
    return count + sum(
        check(vector["reason"], lambda: not 1 <= int(vector["prefix"], 16) <= vector["maxOctets"])
        for vector in file["refusedLengths"]
    )


# local.json, remote.json, pairing.json


def check_flow(flow: dict[str, Any]) -> int:
    given = {name: value for name, value in flow["given"].items()}
    derived = {name: OCTETS(value) for name, value in flow["derived"].items()}
    count = 0
    if "firstSeed" in given:
        eu_key = cpns.eu_key(OCTETS(given["firstSeed"]), OCTETS(given["secondSeed"]), given["realm"])
        count += check(f"{flow['name']}: EUKey", lambda: derived["euKey"] == eu_key)
    if "localSessionKey" in derived:
        key = cpns.local_session_key(OCTETS(given["euKey"]))
        count += check(f"{flow['name']}: local session key", lambda: derived["localSessionKey"] == key)
    if "gpsk" in flow:
        count += check_gpsk_of_flow(flow["name"], given, derived, {name: OCTETS(one) for name, one in flow["gpsk"].items()})
    return count + sum(check_link(f"{flow['name']}, {link['link']}", link, given, derived) for link in flow["links"])


def check_gpsk_of_flow(name: str, given: dict[str, Any], derived: dict[str, bytes], packets: dict[str, bytes]) -> int:
    rand_peer, rand_server, suite = OCTETS(given["randPeer"]), OCTETS(given["randServer"]), given["csuite"]
    psk = cpns.gpsk_psk(derived["euKey"])
    identity = cpns.pne_identity(OCTETS(given["secondSeed"]), given["realm"])
    conversation = {
        "ciphersuite": suite, "psk": psk.hex(), "id_peer": identity, "id_server": given["idServer"],
        "rand_peer": rand_peer.hex(), "rand_server": rand_server.hex(), "sk": derived["sk"].hex(), "msk": derived["msk"].hex(),
    }  # fmt: skip
    conversation |= {packet: octets.hex() for packet, octets in packets.items()}
    count = check_gpsk(name, conversation, offered=[2, 1])
    tk = cpns.transient_key(derived["msk"], given["gateway"])
    issued_at = int.from_bytes(rand_server[:4], "big")
    verdict = cpns.check_rand_server(OCTETS(given["challengeKey"]), rand_server, given["gateway"], issued_at)
    count += check(f"{name}: GPSK PSK", lambda: derived["gpskPsk"] == psk)
    count += check(f"{name}: RAND_Server", lambda: verdict == "valid")
    count += check(f"{name}: TK", lambda: derived["transientKey"] == tk)
    return count + check(f"{name}: TK id", lambda: derived["transientKeyId"] == cpns.transient_key_id(tk))


def check_link(name: str, link: dict[str, Any], given: dict[str, Any], derived: dict[str, bytes]) -> int:
    count = 0
    transcript = b""
    for said in link["clear"] + link["insideTls"]:
        octets = OCTETS(said["frame"])
        holds = lambda: octets == cpns.frame(octets[4:]) and says(octets[4:], said["message"], said["fields"])
        count += check(f"{name}: {said['message']}", holds)
        transcript += octets if said in link["clear"] else b""
    transcript_hash = hashlib.sha256(transcript).digest()
    offer = link["clear"][-1]
    session_id = OCTETS(offer["fields"]["sessionId"])
    psk, alpn = psk_of(offer, session_id, transcript_hash, given, derived)
    count += check(f"{name}: transcript hash", lambda: transcript_hash.hex() == link["transcriptHash"])
    count += check(f"{name}: PSK identity", lambda: cpns.base64url(session_id) == link["pskIdentity"])
    count += check(f"{name}: ALPN", lambda: alpn == link["alpn"])
    return count + check(f"{name}: PSK", lambda: psk.hex() == link["psk"])


def psk_of(offer: dict, session_id: bytes, transcript_hash: bytes, given: dict, derived: dict) -> tuple[bytes, str]:
    """Section 5.3: the PSK of the link that this offer ends the clear part of, and its ALPN protocol."""
    gateway = given["gateway"]
    if offer["message"] == "SessionOffer":
        case = cpns.CASES[offer["fields"]["case"]]
        key = derived["localSessionKey"] if case == "local" else derived["transientKey"]
        return cpns.session_psk(key, case, gateway, session_id, transcript_hash), "opencpns/1"
    if offer["message"] == "PairingOffer":
        secret = cpns.parse_pairing_uri(given["uri"]).secret
        return cpns.pairing_psk(secret, gateway, transcript_hash), "opencpns-pairing/1"
    return cpns.gateway_psk(OCTETS(given["gatewaySecret"]), gateway, transcript_hash), "opencpns-server/1"


def check_flows(file: dict[str, Any]) -> int:
    return sum(map(check_flow, file["flows"]))


def check_pairing(file: dict[str, Any]) -> int:
    count = check_flows(file)
    count += sum(check(vector["name"], lambda: parses(vector)) for vector in file["uris"])
    return count + sum(
        check(f"refused: {vector['reason']}", lambda: refuses(cpns.parse_pairing_uri, vector["uri"]))
        for vector in file["refusedUris"]
    )


def parses(vector: dict[str, Any]) -> bool:
    ticket, expected = cpns.parse_pairing_uri(vector["uri"]), vector["ticket"]
    addresses = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in ticket.addresses]
    return {
        "addresses": addresses,
        "gateway": ticket.gateway,
        "ticketId": ticket.id.hex(),
        "secret": ticket.secret.hex(),
        "expiresAtS": ticket.expires,
    } == expected


# eap-gpsk.json


def check_gpsk(name: str, vector: dict[str, Any], offered: list[int]) -> int:
    """Both sides: the peer's packets from the server's, the server's from its values, and all the keys that are there."""
    suite = vector["ciphersuite"]
    psk, rand_peer, rand_server = (OCTETS(vector[part]) for part in ("psk", "rand_peer", "rand_server"))
    id_peer, id_server = vector["id_peer"].encode(), vector["id_server"].encode()
    keys = gpsk.derive(suite, psk, id_peer, id_server, rand_peer, rand_server)
    count = sum(
        check(f"{name}: {part.upper()}", lambda: getattr(keys, part).hex() == vector[part])
        for part in ("mk", "msk", "emsk", "sk", "pk", "session_id")
        if part in vector
    )
    packets = {part: OCTETS(vector[part]) for part in ("gpsk1", "gpsk2", "gpsk3", "gpsk4")}
    gpsk1 = gpsk.gpsk1(packets["gpsk1"][1], id_server, rand_server, offered)
    gpsk3 = gpsk.gpsk3(packets["gpsk3"][1], keys, suite, rand_peer, rand_server, id_server)
    peer = gpsk.Peer(vector["id_peer"], psk, (suite,), lambda count: rand_peer)
    count += check(f"{name}: GPSK-1", lambda: packets["gpsk1"] == gpsk1)
    count += check(f"{name}: GPSK-2", lambda: packets["gpsk2"] == peer.receive(packets["gpsk1"]))
    count += check(f"{name}: GPSK-3", lambda: packets["gpsk3"] == gpsk3)
    count += check(f"{name}: GPSK-4", lambda: packets["gpsk4"] == peer.receive(packets["gpsk3"]))
    return count + check(f"{name}: MSK of the peer", lambda: peer.msk is not None and peer.msk.hex() == vector["msk"])


def check_eap_gpsk(file: list[dict[str, Any]]) -> int:
    return sum(check_gpsk(f"{vector['source']}, ciphersuite {vector['ciphersuite']}", vector, [1, 2]) for vector in file)


FILES: dict[str, Callable[[Any], int]] = {
    "keys.json": check_keys,
    "messages.json": check_messages,
    "local.json": check_flows,
    "remote.json": check_flows,
    "pairing.json": check_pairing,
    "eap-gpsk.json": check_eap_gpsk,
}


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[3] / "docs" / "vectors")
    for name in FILES:
        before = len(failures)
        count = FILES[name](json.loads((folder / name).read_text()))
        print(f"{name}: {count - (len(failures) - before)} of {count} vectors hold")
        for failure in failures[before:]:
            print(f"  {name}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
