"""Step 7: TLS 1.3 with an external PSK on a TCP connection that is already open (protocol.md, section 5.3).

Python's `ssl` has PSK callbacks from 3.13 on. An older Python drives `openssl s_client` through a relay socket; the PSK is then
visible in the list of processes for as long as the session lasts, which is good enough for tests and for nothing else.
"""

import re
import select
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from typing import Protocol


class HandshakeFailed(Exception):
    """An alert, or the end of the connection: the two sides do not hold the same PSK."""


class Channel(Protocol):
    def read(self, count: int, deadline: float) -> bytes:
        """Exactly count octets. Raises HandshakeFailed or EOFError when the connection ends, TimeoutError at the deadline."""

    def write(self, octets: bytes) -> None: ...

    def close(self) -> None: ...


def upgrade(tcp: socket.socket, identity: str, psk: bytes, alpn: str, deadline: float) -> Channel:
    """Becomes the TLS client on this connection. deadline is in seconds of time.monotonic()."""
    if hasattr(ssl.SSLContext, "set_psk_client_callback"):
        return _Ssl(tcp, identity, psk, alpn, deadline)
    return _SClient(tcp, identity, psk, alpn, deadline)


class _Ssl:
    def __init__(self, tcp: socket.socket, identity: str, psk: bytes, alpn: str, deadline: float) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # no certificate: the PSK authenticates both
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.options |= ssl.OP_NO_TICKET
        context.set_alpn_protocols([alpn])
        context.set_psk_client_callback(lambda hint: (identity, psk))
        tcp.settimeout(_left(deadline))
        try:
            self._tls = context.wrap_socket(tcp)
        except (ssl.SSLError, ConnectionError) as error:
            raise HandshakeFailed(str(error)) from error
        if self._tls.selected_alpn_protocol() != alpn:
            raise HandshakeFailed("another ALPN protocol")

    def read(self, count: int, deadline: float) -> bytes:
        octets = b""
        while len(octets) < count:
            self._tls.settimeout(_left(deadline))
            try:
                part = self._tls.recv(count - len(octets))
            except (ssl.SSLError, ConnectionError) as error:  # in TLS 1.3 the server's alert may come after our Finished
                raise HandshakeFailed(str(error)) from error
            if not part:
                raise EOFError
            octets += part
        return octets

    def write(self, octets: bytes) -> None:
        self._tls.sendall(octets)

    def close(self) -> None:
        self._tls.close()


class _SClient:
    def __init__(self, tcp: socket.socket, identity: str, psk: bytes, alpn: str, deadline: float) -> None:
        self._tcp, self._alpn, self._deadline = tcp, alpn, deadline
        tcp.settimeout(None)
        self._messages = tempfile.NamedTemporaryFile(prefix="handshake-")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(_left(deadline))
            self._process = subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-quiet", "-noservername"]
                + ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256", "-groups", "X25519:P-256"]
                + ["-psk_identity", identity, "-psk", psk.hex(), "-alpn", alpn, "-no_ticket"]
                + ["-msg", "-msgfile", self._messages.name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            )  # fmt: skip
            self._relay, _ = listener.accept()
        self._relay.settimeout(None)
        for source, sink in ((tcp, self._relay), (self._relay, tcp)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()
        self._proved = False

    def read(self, count: int, deadline: float) -> bytes:
        octets = b""
        while len(octets) < count:
            if not select.select([self._process.stdout], [], [], _left(deadline))[0]:
                raise TimeoutError
            part = self._process.stdout.read(count - len(octets))
            if not part:
                raise EOFError if self._proved else HandshakeFailed("s_client ended")
            if not self._proved:
                self._check_alpn()
            octets += part
        return octets

    def _check_alpn(self) -> None:
        """In the EncryptedExtensions (RFC 8446, section 4.3.1) that s_client wrote down."""
        with open(self._messages.name) as messages:
            shown = re.search(r"^<<< .*EncryptedExtensions\n((?: {4}.*\n)+)", messages.read(), re.MULTILINE)
        name = self._alpn.encode()
        extension = b"\x00\x10" + b"".join((len(name) + more).to_bytes(size, "big") for more, size in ((3, 2), (1, 2), (0, 1)))
        if not shown or extension + name not in bytes.fromhex(shown[1]):
            raise HandshakeFailed("another ALPN protocol")
        self._proved = True

    def write(self, octets: bytes) -> None:
        if not self._proved:  # s_client takes input only once it is connected; the server speaks first in all our protocols but pairing
            self._await_handshake()
        while octets:
            octets = octets[self._process.stdin.write(octets) :]

    def _await_handshake(self) -> None:
        while True:
            with open(self._messages.name) as messages:
                if re.search(r"^>>> .*Finished", messages.read(), re.MULTILINE):
                    return self._check_alpn()
            if self._process.poll() is not None:
                raise HandshakeFailed("s_client ended")
            _left(self._deadline)
            time.sleep(0.005)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._relay.close()
        self._tcp.close()
        self._messages.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while octets := source.recv(65536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # closed under our hands: the end, too


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
