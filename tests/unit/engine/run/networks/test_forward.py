"""Connections and datagrams led on."""

import socket
import threading

import pytest

from baselard.engine.run.networks import forward


@pytest.fixture
def shouting():
    """A TCP server that answers each connection with what it was sent, once that is all, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shout, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]


def _shout(server):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(_all_of(connection).upper())


def _all_of(connection):
    return b"".join(iter(lambda: connection.recv(4096), b""))


def ask(address, text):
    with socket.create_connection(address, 5) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return _all_of(connection)


def test_both_directions_and_half_closed_connections(shouting):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with forward.tcp(listener, forward.to_port("127.0.0.1", shouting)):
            assert ask(address, b"hello") == b"HELLO"
            assert ask(address, b"x" * 300_000) == b"X" * 300_000


def _ended(connection):
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def test_a_target_that_is_not_there_closes_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as listener, forward.tcp(listener, forward.to_port("127.0.0.1", port)):
        assert _ended(socket.create_connection(listener.getsockname(), 5))


def test_unix_sockets(tmp_path, shouting):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with forward.tcp(listener, forward.to_port("127.0.0.1", shouting)), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"by file")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b"BY FILE"


def test_open_connections_end_with_the_block(shouting):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with forward.tcp(listener, forward.to_port("127.0.0.1", shouting)):
            connection = socket.create_connection(listener.getsockname(), 5)
            connection.sendall(b"x")
        assert _ended(connection)


def test_datagrams_of_several_peers_find_their_answers():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        server.bind(("127.0.0.1", 0))
        receiver.bind(("127.0.0.1", 0))
        threading.Thread(target=_echo, args=(server, 2), daemon=True).start()
        address = receiver.getsockname()
        with forward.udp(receiver, *server.getsockname()):
            peers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            for number, peer in enumerate(peers):
                peer.settimeout(5)
                peer.sendto(str(number).encode(), address)
            answers = [peer.recv(100) for peer in peers]
            for peer in peers:
                peer.close()
    assert answers == [b"echo 0", b"echo 1"]


def _echo(server, count):
    for _ in range(count):
        data, peer = server.recvfrom(100)
        server.sendto(b"echo " + data, peer)
