#!/bin/sh
# A machine in a network namespace of its own: $1 is the Python to use, $2 a directory for the engine.
set -e
"$1" -c 'from pathlib import Path; from engine import snapshot; snapshot.mount("sysfs", Path("/sys"), "sysfs")'
ip link set lo up
ip link add up0 mtu 1380 type veth peer name far0
"$1" - "$2" <<'PYTHON'
import json, os, socket, subprocess, sys, threading
from pathlib import Path

from engine import process
from engine.containers import rundir
from engine.networks import network_namespace
from engine.networks.network import Network

def ip(*words):
    subprocess.run(["ip", *words], check=True)

far = network_namespace.create("far")
ip("link", "set", "far0", "netns", far.path)

def configure():
    ip("addr", "add", "198.51.100.1/24", "dev", "far0")
    ip("addr", "add", "2001:db8::1/64", "dev", "far0", "nodad")
    ip("link", "set", "far0", "up")
    return [socket.create_server(("198.51.100.1", 80)), socket.create_server(("2001:db8::1", 80), family=socket.AF_INET6)]

servers = network_namespace.inside(far, configure)
for words in ("addr add 198.51.100.2/24 dev up0", "addr add 2001:db8::2/64 dev up0 nodad", "link set up0 up",
              "route add default via 198.51.100.1", "-6 route add default via 2001:db8::1",
              "route add 10.64.0.0/16 via 198.51.100.1"):
    ip(*words.split())
for program in ("iptables", "ip6tables"):
    subprocess.run([program, "-P", "FORWARD", "DROP"], check=True)

def answer(server):
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"from outside")

for server in servers:
    threading.Thread(target=answer, args=(server,), daemon=True).start()

def ask(address):
    with socket.create_connection((address, 80), 5) as connection:
        return connection.recv(100).decode()

run_dir = rundir.open_run_dir(Path(sys.argv[1]))
network = Network(run_dir, lambda text: print(text, file=sys.stderr))
with network.lease() as namespace:
    facts = {
        "address": namespace.address,
        "reached": [network_namespace.inside(namespace, lambda: ask(a)) for a in ("198.51.100.1", "2001:db8::1")],
        "mtu": network_namespace.inside(namespace, lambda: int(
            process.run(["ip", "-o", "link", "show", "eth0"]).stdout.split(b"mtu ")[1].split()[0])),
    }
network.close()
saved = process.run(["iptables-save"]).stdout + process.run(["ip6tables-save"]).stdout
facts["rules_left"] = [line for line in saved.decode().splitlines() if run_dir.name in line]
run_dir.close()
print(json.dumps(facts))
PYTHON
