#!/usr/bin/env python3
"""A small PNE: pairs with a gateway, and opens a session at any. Prints one line of JSON; exits 0 on success, 1 on refusal.

    python3 pne.py pair 'cpns:…' --credential watch.json
    python3 pne.py connect HOST:PORT --credential watch.json [--service NAME [--echo TEXT]] [--again]

Left out: staying present (Ping and Pong), and more than one session at a time. "Section" means one of docs/protocol.md.
"""

import argparse
import hashlib
import json
import os
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import cpns
import gpsk
import tls

FLOW_SECONDS = 15  # section 8


class Refused(Exception):
    """The attempt failed. Its text is a result of section 6 or a word for what went wrong on this side."""


@dataclass
class Credential:
    pne_id: str
    realm: str
    gateway: str  # the gateway that assigned the key
    second_seed: bytes
    eu_key: bytes = field(repr=False)


class ClearLink:
    """The frames in the clear of one connection, and their transcript."""

    def __init__(self, addresses: list[tuple[str, int]]) -> None:
        self.deadline = time.monotonic() + FLOW_SECONDS
        self.tcp = _connect(addresses, self.deadline)
        self._transcript = hashlib.sha256()

    def send(self, name: str, /, **fields: Any) -> None:
        octets = cpns.frame(cpns.encode(name, **fields))
        self._transcript.update(octets)
        self.tcp.sendall(octets)

    def receive(self) -> tuple[str, dict[str, Any]]:
        prefix = self._read(4)
        length = int.from_bytes(prefix, "big")
        if not 1 <= length <= cpns.MAX_FRAME:
            raise cpns.Malformed("a frame of this length does not exist")
        body = self._read(length)
        self._transcript.update(prefix + body)
        return cpns.decode(body)

    @property
    def transcript_hash(self) -> bytes:
        return self._transcript.digest()

    def upgrade(self, session_id: bytes, psk: bytes, alpn: str) -> "SecureLink":
        self.tcp.setblocking(False)
        try:
            self.tcp.recv(1, socket.MSG_PEEK)
            raise cpns.Malformed("something came after the last frame in the clear")  # the end of the connection, too
        except BlockingIOError:
            return SecureLink(tls.upgrade(self.tcp, cpns.base64url(session_id), psk, alpn, self.deadline), self.deadline)

    def close(self) -> None:
        self.tcp.close()

    def _read(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            self.tcp.settimeout(max(0.001, self.deadline - time.monotonic()))
            part = self.tcp.recv(count - len(octets))
            if not part:
                raise EOFError
            octets += part
        return octets


class SecureLink:
    """Frames inside TLS, until the octets belong to a service."""

    def __init__(self, channel: tls.Channel, deadline: float) -> None:
        self.channel, self.deadline = channel, deadline

    def send(self, name: str, /, **fields: Any) -> None:
        self.channel.write(cpns.frame(cpns.encode(name, **fields)))

    def receive(self) -> tuple[str, dict[str, Any]]:
        length = int.from_bytes(self.channel.read(4, self.deadline), "big")
        if not 1 <= length <= cpns.MAX_FRAME:
            raise cpns.Malformed("a frame of this length does not exist")
        return cpns.decode(self.channel.read(length, self.deadline))


@dataclass
class Session:
    link: SecureLink
    case: str
    gateway: str
    session_id: bytes
    tk: bytes | None = field(repr=False)
    resumed: bool


def authenticate(
    address: tuple[str, int], credential: Credential, service: str | None = None, known: tuple[str, bytes] | None = None
) -> Session:
    """Steps 1 to 8, as the state machine of section 9. Raises Refused, and what sockets, frames and proofs raise.

    known: a gateway and the TK that it may still hold too.
    """
    link = ClearLink([address])
    known_id = cpns.transient_key_id(known[1]) if known else None
    link.send(
        "AuthenticationRequest",
        versions=[cpns.VERSION],
        secondSeed=credential.second_seed,
        realm=credential.realm,
        service=service,
        transientKeyId=known_id,
    )  # 1

    peer = gpsk.Peer(cpns.pne_identity(credential.second_seed, credential.realm), cpns.gpsk_psk(credential.eu_key))
    gateway = None
    name, message = link.receive()
    for _ in range(4):
        if name != "Challenge":
            break
        _check_answer(message, gateway)
        gateway = message["gateway"]
        link.send("ChallengeAnswer", eap=peer.receive(message["eap"]))  # 5
        name, message = link.receive()

    if name == "AuthenticationResponse" and message["result"] != 0:
        raise Refused(cpns.RESULTS[message["result"]])  # a hint: nothing is changed because of it
    if name != "SessionOffer":
        raise cpns.Malformed(f"{name} has no place here")
    _check_answer(message, gateway)
    case = cpns.CASES[message["case"]]
    tk = _remote_key(message, gateway, peer, known) if case == "remote" else None
    key = tk or _local_key(message, gateway, credential)

    offer, gateway, session_id = message, message["gateway"], message["sessionId"]
    psk = cpns.session_psk(key, case, gateway, session_id, link.transcript_hash)
    secure = link.upgrade(session_id, psk, "opencpns/1")  # 7
    name, message = secure.receive()  # 8
    if name != "AuthenticationResponse":
        raise cpns.Malformed(f"{name} has no place here")
    if message["result"] != 0:
        raise Refused(cpns.RESULTS[message["result"]])
    return Session(secure, case, gateway, session_id, tk, resumed="transientKeyId" in offer)


def _local_key(offer: dict[str, Any], challenger: str | None, credential: Credential) -> bytes:
    if challenger or offer["gateway"] != credential.gateway or "eap" in offer or "transientKeyId" in offer:
        raise Refused("this is not the local case at the gateway that assigned the key")
    return cpns.local_session_key(credential.eu_key)


def _remote_key(
    offer: dict[str, Any], challenger: str | None, peer: gpsk.Peer, known: tuple[str, bytes] | None
) -> bytes:
    """The TK: of EAP-GPSK just completed, or the one that was named and is repeated."""
    if challenger is None:
        if known is None or "eap" in offer or offer.get("transientKeyId") != cpns.transient_key_id(known[1]):
            raise Refused("the remote case without proof of the server")
        if offer["gateway"] != known[0]:
            raise Refused("the TK belongs to another gateway")
        return known[1]
    if "eap" in offer:
        peer.receive(offer["eap"])  # GPSK-3; the proof in step 7 takes the place of GPSK-4
    if peer.msk is None or "transientKeyId" in offer:
        raise Refused("the remote case without proof of the server")
    return cpns.transient_key(peer.msk, challenger)


def _check_answer(message: dict[str, Any], gateway: str | None) -> None:
    if message["version"] != cpns.VERSION:
        raise Refused("a version that was not asked for")
    if gateway is not None and message["gateway"] != gateway:
        raise Refused("the gateway changed its name")


def pair(uri: str, nonce: bytes, store: Any) -> None:
    """Section 4.3. `store(credential)` returns when the credential is durable. The nonce stays the same for one ticket."""
    ticket = cpns.parse_pairing_uri(uri)
    link = ClearLink(ticket.addresses)
    link.send("PairingRequest", versions=[cpns.VERSION], ticketId=ticket.id)
    name, message = link.receive()
    if name == "PairingResponse" and message["result"] != 0:
        raise Refused(cpns.RESULTS[message["result"]])
    if name != "PairingOffer":
        raise cpns.Malformed(f"{name} has no place here")
    _check_answer(message, ticket.gateway)
    psk = cpns.pairing_psk(ticket.secret, ticket.gateway, link.transcript_hash)
    secure = link.upgrade(message["sessionId"], psk, "opencpns-pairing/1")

    secure.send("AssignmentRequest", deviceNonce=nonce)
    name, message = secure.receive()
    if name == "PairingResponse" and message["result"] != 0:
        raise Refused(cpns.RESULTS[message["result"]])
    if name != "Assignment":
        raise cpns.Malformed(f"{name} has no place here")
    store(Credential(message["pneId"], message["realm"], ticket.gateway, message["secondSeed"], message["euKey"]))
    secure.send("AssignmentConfirmation")
    name, message = secure.receive()
    if name != "PairingResponse" or message["result"] != 0:
        raise Refused(cpns.RESULTS[message.get("result", 1)])
    secure.channel.close()


def _connect(addresses: list[tuple[str, int]], deadline: float) -> socket.socket:
    for last, address in enumerate(addresses, 1 - len(addresses)):
        try:
            return socket.create_connection(address, timeout=max(0.001, deadline - time.monotonic()))
        except OSError:
            if last == 0:
                raise
    raise AssertionError("no address")


def read_credential(path: str) -> Credential:
    with open(path) as file:
        stored = json.load(file)
    if stored.get("type") != "opencpns-pne" or stored.get("version") != 1:
        raise ValueError(f"{path} holds no credential of a PNE")
    seed, key = cpns.from_base64url(stored["secondSeed"]), cpns.from_base64url(stored["euKey"])
    return Credential(stored["pneId"], stored["realm"], stored["gateway"], seed, key)


def write_credential(path: str, credential: Credential) -> None:
    _write_durably(
        path,
        json.dumps(
            {
                "type": "opencpns-pne",
                "version": 1,
                "pneId": credential.pne_id,
                "realm": credential.realm,
                "gateway": credential.gateway,
                "secondSeed": cpns.base64url(credential.second_seed),
                "euKey": cpns.base64url(credential.eu_key),
            },
            indent=2,
        ).encode(),
    )


def device_nonce(path: str) -> bytes:
    """The nonce of a pairing that was cut off, or a new one, on the disk before it is used."""
    if not os.path.exists(path):
        _write_durably(path, os.urandom(32))
    with open(path, "rb") as file:
        return file.read()


def _write_durably(path: str, octets: bytes) -> None:
    with open(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def run_pair(arguments: argparse.Namespace) -> dict[str, Any]:
    ticket = cpns.parse_pairing_uri(arguments.uri)
    nonce_file = f"{arguments.credential}.{ticket.id.hex()}.nonce"
    if os.path.exists(arguments.credential) and not os.path.exists(nonce_file):
        raise Refused("the credential file is there already")
    pair(arguments.uri, device_nonce(nonce_file), lambda credential: write_credential(arguments.credential, credential))
    os.unlink(nonce_file)
    credential = read_credential(arguments.credential)
    return {"result": "success", "pneId": credential.pne_id, "realm": credential.realm, "gateway": credential.gateway}


def run_connect(arguments: argparse.Namespace) -> dict[str, Any]:
    host, _, port = arguments.address.rpartition(":")
    address, credential = (host.strip("[]"), int(port)), read_credential(arguments.credential)
    session = authenticate(address, credential, arguments.service)
    facts = _use(session, arguments.echo)
    if arguments.again:
        known = (session.gateway, session.tk) if session.tk else None
        facts["again"] = _use(authenticate(address, credential, arguments.service, known), arguments.echo)
    return facts


def _use(session: Session, echo: str | None) -> dict[str, Any]:
    facts = {
        "result": "success",
        "case": session.case,
        "gateway": session.gateway,
        "sessionId": cpns.base64url(session.session_id),
        "resumed": session.resumed,
    }
    if echo is not None:
        channel, octets = session.link.channel, echo.encode()
        channel.write(octets)
        facts["echo"] = channel.read(len(octets), time.monotonic() + FLOW_SECONDS).decode()
    session.link.channel.close()
    return facts


def main() -> int:
    parser = argparse.ArgumentParser(description="A small PNE, written from docs/protocol.md.")
    commands = parser.add_subparsers(required=True)
    pairing = commands.add_parser("pair", help="get a key assigned by a gateway")
    pairing.add_argument("uri")
    pairing.set_defaults(run=run_pair)
    connect = commands.add_parser("connect", help="open a session at a gateway")
    connect.add_argument("address", metavar="HOST:PORT")
    connect.add_argument("--service", metavar="NAME", help="what the session is for; without it, presence")
    connect.add_argument("--echo", metavar="TEXT", help="send TEXT to the service and wait for as much to come back")
    connect.add_argument("--again", action="store_true", help="then open a second session, naming the TK of the first")
    connect.set_defaults(run=run_connect)
    for command in (pairing, connect):
        command.add_argument("--credential", metavar="FILE", required=True)
    arguments = parser.parse_args()
    try:
        facts = arguments.run(arguments)
    except (tls.HandshakeFailed, gpsk.GpskError) as error:
        facts = {"result": "authentication-failed", "detail": str(error)}
    except (Refused, cpns.Malformed, TimeoutError, EOFError, OSError) as error:
        facts = {"result": str(error) or type(error).__name__}
    print(json.dumps(facts))
    return 0 if facts["result"] == "success" else 1


if __name__ == "__main__":
    sys.exit(main())
