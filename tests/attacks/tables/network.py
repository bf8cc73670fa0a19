"""Reaching others over the network."""

from tests.attacks.attack import REFUSED, Attack

NETWORK = {
    "tcp": Attack(
        "Connects to a service on this machine that trusts its neighbours; no socket can be made.",
        "import socket; socket.create_connection(('127.0.0.1', 80), 1)",
        REFUSED,
    ),
    "listen": Attack(
        "Opens a door for somebody outside; it ends at the socket.",
        "import socket; socket.create_server(('127.0.0.1', 0))",
        REFUSED,
    ),
    "udp": Attack(
        "Sends data out in packets that need no connection, which Landlock does not ask about; the filter does.",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        REFUSED,
    ),
    "unix": Attack(
        "Talks to the evaluator's or Docker's socket on this machine; that family is refused as every other.",
        "import socket; socket.socket(socket.AF_UNIX)",
        REFUSED,
    ),
    "netlink": Attack(
        "Asks the kernel for interfaces and routes; netlink is a socket too.",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        REFUSED,
    ),
    "packet": Attack(
        "Listens to the wire; a packet socket is refused before any privilege is asked.",
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        REFUSED,
    ),
    "kernel crypto": Attack(
        "Reaches a corner of the kernel known for its bugs, its ciphers; they are behind a socket.",
        "import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
        REFUSED,
    ),
    "vsock": Attack(
        "Talks to the hypervisor under this machine; vsock is refused with the rest.",
        "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        REFUSED,
    ),
    "name lookup": Attack(
        "Carries data out in the names it looks up; the resolver gets neither its files nor a socket.",
        "import socket; socket.getaddrinfo('localhost', 80)",
        ("gaierror",),
    ),
    "download of weights": Attack(
        "Has torch.hub fetch from an address of its choice; there is no folder for it and no network.",
        "import os; os.environ['TORCH_HOME'] = '/tmp/whyloss-x'; torch.hub.load_state_dict_from_url('http://127.0.0.1/x')",
        REFUSED,
    ),
    "distributed store": Attack(
        "Opens a port by torch's own native server, past Python's sockets; the same call is refused to it.",
        "torch.distributed.TCPStore('127.0.0.1', 0, is_master=True)",
        ("DistNetworkError", "DistStoreError"),
    ),
    "socket pair": Attack(
        "Wants sockets to pass descriptors through; even a pair of its own is refused.",
        "import socket; socket.socketpair()",
        REFUSED,
    ),
    "native socket": Attack(
        "Makes the socket in the C library; the filter sees the call, not its caller.",
        "call(libc.socket, 2, 1, 0)",
        REFUSED,
    ),
    "url": Attack(
        "Asks the cloud's metadata service or a neighbour by HTTP; the request gets no socket.",
        """
import urllib.request
try:
    urllib.request.urlopen('http://127.0.0.1')
except OSError as error:
    raise error.reason
""",
        REFUSED,
    ),
    "event loop": Attack(
        "Builds a server on asyncio; its loop does not even start.",
        "import asyncio; asyncio.run(asyncio.sleep(0))",
        REFUSED,
    ),
    "socket on a descriptor": Attack(
        "Treats the result's pipe as a socket, hoping that it is one; calls on sockets are not listed.",
        "import socket; socket.socket(fileno=3)",
        REFUSED,
    ),
}
