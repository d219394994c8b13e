#!/usr/bin/env python3
"""What users get wrong: the program says so in one line and ends, or the request is refused with
etcd's words, and nothing that was there before is changed.

    bad_input_test.py SERVER"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

import cluster as processes


def refused(server, flags, words, user=None):
    """The program ends by itself with status 1 and one line, which has these words."""
    try:
        done = subprocess.run([server, *flags], capture_output=True, text=True, timeout=60,
                              check=False, user=user)
    except subprocess.TimeoutExpired:
        raise processes.Failed(f"{flags}: it runs") from None
    lines = [line for line in done.stderr.split("\n") if line.startswith("raftexample: ")]
    if done.returncode != 1 or done.stdout or len(lines) != 1:
        raise processes.Failed(f"{flags}: status {done.returncode}\n{done.stdout}{done.stderr}")
    missing = [word for word in words if word not in lines[0]]
    if missing:
        raise processes.Failed(f"{flags}: {missing} is not in {lines[0]}")
    print("refused:", lines[0])


def contents(directory):
    """{path: bytes} of all files below."""
    found = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


def flags_of(directory, client_port, peer_port):
    client, peer = (f"http://127.0.0.1:{port}" for port in (client_port, peer_port))
    return ["--name=a", f"--data-dir={directory}", f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=a={peer}"]


def command_lines(server, directory):
    data = os.path.join(directory, "never")
    for flag, words in [
            ("--no-such-flag=1", ["unknown flag", "--no-such-flag"]),
            ("stray", ["unexpected argument", "stray"]),
            ("--election-timeout=soon", ["--election-timeout=soon", "number"]),
            ("--heartbeat-interval=300", ["--election-timeout", "--heartbeat-interval=300"]),
            ("--listen-client-urls=ftp://127.0.0.1:1", ["--listen-client-urls", "ftp://"]),
            ("--initial-cluster=b=http://127.0.0.1:1", ["--initial-cluster", "a"]),
    ]:
        refused(server, [*flags_of(data, *processes.free_ports(2)), flag], words)
    if os.path.exists(data):
        raise processes.Failed("a wrong command line has made a data directory")


def taken_ports(server, directory):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free, = processes.free_ports(1)
        for i, ports in enumerate([(port, free), (free, port)]):
            refused(server, flags_of(os.path.join(directory, f"taken{i}"), *ports), [str(port)])


def data_directories(server, directory):
    def case(name, words, user=None):
        path = os.path.join(directory, name)
        refused(server, flags_of(path, *processes.free_ports(2)), [path, *words], user)

    foreign = os.path.join(directory, "foreign")
    os.mkdir(foreign)
    with open(os.path.join(foreign, "letter.txt"), "w") as file:
        file.write("dear reader")
    case("foreign", [])
    if contents(foreign) != {"letter.txt": b"dear reader"}:
        raise processes.Failed("the files of somebody else were changed")

    with open(os.path.join(directory, "file"), "w") as file:
        file.write("not a directory")
    case("file", [])

    os.mkdir(os.path.join(directory, "unreadable"), 0)
    case("unreadable", ["ermission denied"], user=nobody_if_root())


def nobody_if_root():
    """Nothing is unreadable to root."""
    return 65534 if os.geteuid() == 0 else None


def data_directory_in_use(server, cluster):
    a = cluster["a"]
    refused(server, flags_of(a.data, *processes.free_ports(2)), [a.data])


def answer(member, *arguments, stdin=None):
    """What etcdctl says on stderr; the request must fail."""
    done = subprocess.run(["etcdctl", f"--endpoints={member.endpoint}", *arguments], input=stdin,
                          capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, ETCDCTL_API="3"))
    if done.returncode == 0:
        raise processes.Failed(f"{arguments} was carried out: {done.stdout[:200]}")
    return done.stderr


def revision(cluster):
    fields = cluster.ctl("get", "before", "-w", "fields", at=cluster["a"])
    return next(line for line in fields.split("\n") if line.startswith('"Revision"'))


def requests(cluster):
    a = cluster["a"]
    before = revision(cluster)
    for arguments, stdin, words in [
            (("put", "large"), "x" * 1572864, "etcdserver: request is too large"),
            (("put", "huge"), "x" * 3000000, "ResourceExhausted"),
            (("put", "", "value"), None, "etcdserver: key is not provided"),
            (("get", ""), None, "etcdserver: key is not provided"),
            (("del", ""), None, "etcdserver: key is not provided"),
            (("txn",), "\nput a 1\n\n" + "".join(f"put k{i} 1\n" for i in range(129)) + "\n",
             "etcdserver: too many operations in txn request"),
            (("txn",), "\nput a 1\nput a 2\n\n\n",
             "etcdserver: duplicate key given in txn request"),
            (("put", "k", "v", "--lease=7b"), None, "etcdserver: requested lease not found"),
            (("get", "k", "--rev=1000000"), None, "required revision is a future revision"),
            (("compact", "1000000"), None, "required revision is a future revision"),
            (("member", "remove", "1"), None, "etcdserver: member not found"),
    ]:
        said = answer(a, *arguments, stdin=stdin)
        if words not in said:
            raise processes.Failed(f"etcdctl {arguments} has not been told {words!r}, but {said!r}")
        print("refused:", words)
    if revision(cluster) != before:
        raise processes.Failed("a request that was refused has made a revision")


def garbage(cluster):
    """Bytes of no protocol, to both ports; the checks that follow show that the member lives."""
    a = cluster["a"]
    for port in (a.client_port, a.peer_port):
        for data in (bytes(64), b"GET / HTTP/9.9\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 99):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
                s.sendall(data)


def run(server, directory):
    command_lines(server, directory)
    taken_ports(server, directory)
    data_directories(server, directory)
    with processes.Cluster(server, directory, names="a") as cluster:
        a = cluster["a"]
        cluster.start()
        cluster.await_serving()
        if not cluster.put("before", "stays", at=a):
            raise processes.Failed("the first put failed:\n" + a.log()[-2000:])
        data_directory_in_use(server, cluster)
        requests(cluster)
        garbage(cluster)
        cluster.check_reads("before", {"before": "stays"})
        cluster.kill(a)
        cluster.start()
        cluster.await_serving()
        cluster.check_reads("before", {"before": "stays"})
    print("all of it was refused, and nothing was lost")


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)  # The program is also run as a user who may read little.
        server = os.path.join(directory, "raftexample")
        shutil.copy(sys.argv[1], server)
        os.chmod(server, 0o755)
        run(server, directory)


if __name__ == "__main__":
    try:
        main()
    except processes.Failed as failed:
        sys.exit(f"FAILED: {failed}")
