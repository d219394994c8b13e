"""raftexample as it is run: processes on loopback, which tests start, kill, stop and ask."""

import concurrent.futures
import os
import socket
import subprocess
import time


class Failed(Exception):
    """The scenario did not go as it must."""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Member:
    def __init__(self, name, directory, client_port, peer_port):
        self.name = name
        self.data = os.path.join(directory, name)
        self.log_path = os.path.join(directory, name + ".log")
        self.recording = os.path.join(directory, name + ".calls")
        self.client_port = client_port
        self.peer_port = peer_port
        self.process = None

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.client_port}"

    @property
    def peer_url(self):
        return f"http://127.0.0.1:{self.peer_port}"

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()


class Cluster:
    """Ends all its processes on leaving a `with`."""

    def __init__(self, server, directory, names="abc", recorder=None, flags=()):
        self.server = os.path.abspath(server)
        self.recorder = recorder and os.path.abspath(recorder)
        self.flags = list(flags)
        ports = free_ports(2 * len(names))
        self.members = {
            name: Member(name, os.path.abspath(directory), ports[2 * i], ports[2 * i + 1])
            for i, name in enumerate(names)
        }

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for member in self.members.values():
            self.kill(member)

    def __getitem__(self, name):
        return self.members[name]

    def running(self):
        return [m for m in self.members.values() if m.process and m.process.poll() is None]

    def start(self, *names, state="new"):
        for name in names or self.members:
            member = self.members[name]
            environment = dict(os.environ)
            if self.recorder:
                # AddressSanitizer wants to come first, but can do without.
                asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
                environment.update(LD_PRELOAD=self.recorder, ASAN_OPTIONS=asan,
                                   RECORD_CALLS_FILE=member.recording,
                                   RECORD_CALLS_DIRECTORY=member.data)
            client = f"http://{member.endpoint}"
            with open(member.log_path, "ab") as log:
                member.process = subprocess.Popen(
                    [
                        self.server, "--name", member.name, "--data-dir", member.data,
                        "--listen-client-urls", client, "--advertise-client-urls", client,
                        "--listen-peer-urls", member.peer_url,
                        "--initial-advertise-peer-urls", member.peer_url,
                        "--initial-cluster",
                        ",".join(f"{m.name}={m.peer_url}" for m in self.members.values()),
                        "--initial-cluster-state", state, "--initial-cluster-token", "processes",
                        *self.flags
                    ],
                    stdout=log, stderr=log, env=environment)

    def kill(self, member):
        if member.process is None:
            return
        member.process.kill()
        member.process.wait()
        member.process = None

    def end(self, member):
        """In good order: what it has begun is done."""
        member.process.terminate()
        member.process.wait()
        member.process = None

    def ctl(self, *arguments, at=None, timeout=5, stdin=None):
        """etcdctl's output; None if it failed. `at`: a member; else whoever answers."""
        members = [at] if at else list(self.members.values())
        try:
            done = subprocess.run(
                ["etcdctl", "--endpoints", ",".join(m.endpoint for m in members),
                 f"--command-timeout={timeout}s", f"--dial-timeout={timeout}s", *arguments],
                input=stdin, capture_output=True, text=True, timeout=4 * timeout,
                stdin=None if stdin is not None else subprocess.DEVNULL,
                env=dict(os.environ, ETCDCTL_API="3"))
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def await_serving(self, *names, seconds=120):
        """Until each of them answers a linearizable read."""
        deadline = time.monotonic() + seconds
        for name in names or self.members:
            while self.ctl("get", "serving?", at=self.members[name], timeout=2) is None:
                if time.monotonic() > deadline:
                    raise Failed(f"{name} does not serve after {seconds} s:\n"
                                 + self.members[name].log()[-2000:])

    def await_exit(self, name, seconds=120):
        """The status it ended with."""
        try:
            status = self.members[name].process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{name} still runs after {seconds} s") from None
        self.members[name].process = None
        return status

    def put(self, key, value, at=None):
        return self.ctl("put", key, value, at=at) == "OK\n"

    def put_until(self, count, prefix, acknowledged, threads=4, at=None):
        """Puts new keys until `count` more were acknowledged; adds those to the dict."""
        wanted = len(acknowledged) + count
        deadline = time.monotonic() + 30 + 2 * count
        tried = 0
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            while len(acknowledged) < wanted:
                if time.monotonic() > deadline:
                    raise Failed(f"{count} puts took longer than they may")
                keys = [f"{prefix}{tried + i}" for i in range(min(threads, wanted - len(acknowledged)))]
                tried += len(keys)
                for key, done in zip(keys, pool.map(lambda k: self.put(k, "of " + k, at), keys)):
                    if done:
                        acknowledged[key] = "of " + key

    def read_all(self, prefix, member, consistency="l", seconds=120):
        """{key: value} as this member answers it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.ctl("get", "--prefix", prefix, f"--consistency={consistency}", at=member,
                             timeout=60)
            if found is not None:
                lines = found.split("\n")
                return dict(zip(lines[0:-1:2], lines[1::2]))
            if time.monotonic() > deadline:
                raise Failed(f"{member.name} answers no reads:\n" + member.log()[-2000:])

    def check_reads(self, prefix, acknowledged):
        """Every running member answers alike, and has all that was acknowledged."""
        answers = {m.name: self.read_all(prefix, m) for m in self.running()}
        for name, answer in answers.items():
            lost = [key for key, value in acknowledged.items() if answer.get(key) != value]
            if lost:
                raise Failed(f"{name} has lost {len(lost)} of {len(acknowledged)} acknowledged "
                             f"puts: {sorted(lost)[:10]}")
            first = next(iter(answers))
            if answer != answers[first]:
                differ = sorted(k for k in {**answer, **answers[first]}
                                if answer.get(k) != answers[first].get(k))
                raise Failed(f"{first} and {name} answer differently about {differ[:10]}")
        return len(answers)
