#!/usr/bin/env python3
"""A member as web clients see it: over plain connections and over TLS, beside the API, at one port.

usage: site_test.py RAFTEXAMPLE SCREENSHOT
"""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import zlib

RAFTEXAMPLE = SCREENSHOT = None  # Of the command line.


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, context=None, method="GET"):
    """Status, headers and body, whatever the status."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Cluster:
    """Members on loopback, with directories that go away in the end."""

    def __init__(self, names, scheme="http", flags=()):
        self.work = tempfile.mkdtemp()
        self.client = {n: f"{scheme}://127.0.0.1:{free_port()}" for n in names}
        self.peer = {n: f"http://127.0.0.1:{free_port()}" for n in names}
        self.metrics = {n: f"http://127.0.0.1:{free_port()}" for n in names}
        self.flags = list(flags)
        self.processes = {}
        for name in names:
            self.start(name)

    def start(self, name):
        with open(f"{self.work}/{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [RAFTEXAMPLE, "--name", name, "--data-dir", f"{self.work}/{name}",
                 "--listen-client-urls", self.client[name],
                 "--advertise-client-urls", self.client[name],
                 "--listen-peer-urls", self.peer[name],
                 "--initial-advertise-peer-urls", self.peer[name],
                 "--listen-metrics-urls", self.metrics[name],
                 "--initial-cluster", ",".join(f"{n}={u}" for n, u in self.peer.items()),
                 *self.flags],
                stderr=log, stdout=log)

    def stop(self, name, how=signal.SIGTERM):
        """The exit status."""
        process = self.processes.pop(name)
        process.send_signal(how)
        return process.wait(timeout=60)

    def wait_healthy(self):
        for name, url in self.metrics.items():
            deadline = time.monotonic() + 60
            while True:
                try:
                    if get(url + "/health")[0] == 200:
                        break
                except OSError:
                    pass
                if time.monotonic() > deadline:
                    raise TimeoutError(self.log(name))
                time.sleep(0.05)

    def log(self, name):
        with open(f"{self.work}/{name}.log") as log:
            return log.read()

    def etcdctl(self, name, *arguments):
        return subprocess.run(
            ["etcdctl", "--endpoints", self.client[name], *arguments],
            env={**os.environ, "ETCDCTL_API": "3"}, check=True, text=True, capture_output=True,
            timeout=60).stdout

    def close(self):
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL)
        shutil.rmtree(self.work)


class OneMember(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(["n1"], flags=["--quota-backend-bytes", "1000000"])
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.wait_healthy()
        cls.url = cls.cluster.client["n1"]

    def metric(self, line):
        """The value behind the exact name, with its labels."""
        _, headers, body = get(self.url + "/metrics")
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        for one in body.splitlines():
            if one.startswith(line + " "):
                return float(one.split()[-1])
        self.fail(f"no {line} in\n{body}")

    def test_health_is_json(self):
        status, headers, body = get(self.url + "/health")
        self.assertEqual((status, json.loads(body)), (200, {"health": "true"}))
        self.assertEqual(headers["Content-Type"], "application/json")

    def test_an_alarm_is_bad_health_unless_it_is_overlooked(self):
        put = 'etcd_server_proposals_failed_total'
        before = self.metric(put)
        with self.assertRaises(subprocess.CalledProcessError):
            for i in range(20):  # Over the quota of a megabyte.
                self.cluster.etcdctl("n1", "put", "large", "x" * 100_000)
        self.assertGreater(self.metric(put), before)
        deadline = time.monotonic() + 60  # The put is refused before the alarm is agreed upon.
        while self.metric("raftexample_alarms") != 1:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        status, _, body = get(self.url + "/health")
        self.assertEqual((status, json.loads(body)),
                         (503, {"health": "false", "reason": "ALARM NOSPACE"}))
        self.assertEqual(get(self.url + "/health?exclude=NOSPACE")[0], 200)
        self.assertEqual(get(self.url + "/health?exclude=CORRUPT")[0], 503)
        self.assertEqual(get(self.url + "/readyz")[0], 200)
        self.cluster.etcdctl("n1", "alarm", "disarm")
        self.assertEqual(get(self.url + "/health")[0], 200)

    def test_livez_and_readyz(self):
        self.assertEqual(get(self.url + "/livez")[::2], (200, "ok\n"))
        self.assertEqual(get(self.url + "/readyz")[::2], (200, "ok\n"))
        self.assertEqual(get(self.url + "/readyz?verbose&exclude=data_corruption")[2],
                         "[+]serializable_read ok\n[+]linearizable_read ok\nok\n")

    def test_version(self):
        # A young cluster agrees on its version only after it has a leader, as in etcd.
        deadline = time.monotonic() + 60
        while "not_decided" in (version := get(self.url + "/version")[2]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(json.loads(version), {"etcdserver": "3.4.23", "etcdcluster": "3.4.0"})

    def test_metrics_follow_what_happens(self):
        handled = ('grpc_server_handled_total{grpc_code="OK",grpc_method="Put",'
                   'grpc_service="etcdserverpb.KV",grpc_type="unary"}')
        self.cluster.etcdctl("n1", "put", "a", "b")
        calls, revision = self.metric(handled), self.metric("etcd_debugging_mvcc_current_revision")
        applied = self.metric("etcd_server_proposals_applied_total")
        syncs = self.metric("etcd_disk_wal_fsync_duration_seconds_count")
        self.cluster.etcdctl("n1", "put", "a", "c")
        self.assertEqual(self.metric(handled), calls + 1)
        self.assertEqual(self.metric("etcd_debugging_mvcc_current_revision"), revision + 1)
        self.assertGreater(self.metric("etcd_server_proposals_applied_total"), applied)
        self.assertGreater(self.metric("etcd_disk_wal_fsync_duration_seconds_count"), syncs)
        self.assertEqual(self.metric("etcd_server_has_leader"), 1)
        self.assertEqual(self.metric("etcd_server_is_leader"), 1)
        self.assertGreater(self.metric("process_resident_memory_bytes"), 1 << 20)

    def test_other_paths_and_methods(self):
        self.assertEqual(get(self.url + "/nothing/here")[0], 404)
        for method in "POST", "PUT", "DELETE", "HEAD":
            status, headers, _ = get(self.url + "/health", method=method)
            self.assertEqual((status, headers["Allow"]), (405, "GET"), method)

    def test_the_metrics_port_has_the_same(self):
        metrics = self.cluster.metrics["n1"]
        for path in "/health", "/version", "/metrics", "/":
            self.assertEqual(get(metrics + path)[0], 200, path)

    def test_silent_clients_hold_up_nobody(self):
        host, port = self.url.removeprefix("http://").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(100)]
        self.assertEqual(get(self.url + "/health")[0], 200)
        self.cluster.etcdctl("n1", "put", "silent", "no")
        for s in silent:
            s.close()


# What dashboards and alarms made for etcd ask for: the names that a real etcd 3.4.23 shows, and of
# what type. Proposals are gauges there, although they only grow.
METRICS_OF_ETCD = {
    "counter": {
        "etcd_debugging_mvcc_events_total",
        "etcd_network_peer_received_bytes_total",
        "etcd_network_peer_sent_bytes_total",
        "etcd_server_leader_changes_seen_total",
        "etcd_server_proposals_failed_total",
        "etcd_server_slow_apply_total",
        "grpc_server_handled_total",
        "grpc_server_started_total",
        "process_cpu_seconds_total",
    },
    "gauge": {
        "etcd_cluster_version",
        "etcd_debugging_mvcc_compact_revision",
        "etcd_debugging_mvcc_current_revision",
        "etcd_debugging_mvcc_keys_total",
        "etcd_debugging_mvcc_slow_watcher_total",
        "etcd_debugging_mvcc_watch_stream_total",
        "etcd_debugging_mvcc_watcher_total",
        "etcd_mvcc_db_total_size_in_bytes",
        "etcd_mvcc_db_total_size_in_use_in_bytes",
        "etcd_network_active_peers",
        "etcd_server_has_leader",
        "etcd_server_id",
        "etcd_server_is_leader",
        "etcd_server_is_learner",
        "etcd_server_proposals_applied_total",
        "etcd_server_proposals_committed_total",
        "etcd_server_proposals_pending",
        "etcd_server_quota_backend_bytes",
        "etcd_server_version",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    },
    "histogram": {
        "etcd_disk_backend_commit_duration_seconds",
        "etcd_disk_wal_fsync_duration_seconds",
    },
}


class ThreeMembers(unittest.TestCase):
    def test_metrics_have_the_names_and_types_of_etcd(self):
        cluster = Cluster(["n1", "n2", "n3"])
        self.addCleanup(cluster.close)
        cluster.wait_healthy()
        cluster.etcdctl("n1", "put", "a", "b")
        text = get(cluster.client["n1"] + "/metrics")[2]
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        for kind, names in METRICS_OF_ETCD.items():
            self.assertEqual({name: types.get(name) for name in names}, dict.fromkeys(names, kind))
        # From a millisecond on, each twice the one before.
        for name in METRICS_OF_ETCD["histogram"]:
            ends = re.findall(rf'^{name}_bucket{{le="([\d.]+)"}}', text, re.MULTILINE)
            self.assertEqual([float(end) for end in ends], [2**i / 1000 for i in range(14)], name)

    def test_the_end_of_a_quorum_is_seen(self):
        cluster = Cluster(["n1", "n2", "n3"])
        self.addCleanup(cluster.close)
        cluster.wait_healthy()
        members = json.loads(get(cluster.client["n2"] + "/cluster.json")[2])["members"]
        self.assertEqual({m["name"] for m in members if m.get("report")}, {"n1", "n2", "n3"})
        self.assertEqual(sum(m["leader"] for m in members), 1)

        self.assertEqual(cluster.stop("n3"), 0, "a clean end")
        members = json.loads(get(cluster.client["n2"] + "/cluster.json")[2])["members"]
        self.assertEqual({m["name"] for m in members if m["error"]}, {"n3"})
        cluster.stop("n1", signal.SIGKILL)
        health = cluster.client["n2"] + "/health"
        self.assertEqual(get(health)[0], 503)
        self.assertEqual(get(health + "?serializable=true")[0], 200)
        self.assertEqual(get(cluster.client["n2"] + "/livez")[0], 200)
        self.assertEqual(get(cluster.client["n2"] + "/readyz")[0], 503)
        self.assertEqual(cluster.stop("n2"), 0, "with requests that nobody can answer, too")


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.key, cls.certificate = cls.directory + "/key.pem", cls.directory + "/certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", cls.key, "-out",
             cls.certificate], check=True, capture_output=True)

    def start(self, *flags):
        cluster = Cluster(["n1"], scheme="https",
                          flags=["--cert-file", self.certificate, "--key-file", self.key, *flags])
        self.addCleanup(cluster.close)
        cluster.wait_healthy()  # At the metrics port, which is plain.
        return cluster

    def test_web_and_api_share_a_port(self):
        cluster = self.start()
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])  # As browsers do.
        self.assertEqual(get(cluster.client["n1"] + "/health", context)[0], 200)
        self.assertEqual(
            cluster.etcdctl("n1", "--cacert", self.certificate, "put", "a", "b"), "OK\n")

    def test_who_must_show_a_certificate_must_do_so_here_too(self):
        cluster = self.start("--client-cert-auth", "--trusted-ca-file", self.certificate)
        context = ssl.create_default_context(cafile=self.certificate)
        self.assertEqual(get(cluster.client["n1"] + "/health", context)[0], 403)
        context.load_cert_chain(self.certificate, self.key)
        self.assertEqual(get(cluster.client["n1"] + "/health", context)[0], 200)


def pixels(png):
    """The bytes of all lines of an 8-bit PNG, filtered as they are: equal lines stay equal."""
    with open(png, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, packed = 8, b""
    while position < len(data):
        size, kind = int.from_bytes(data[position:position + 4], "big"), data[position + 4:position + 8]
        if kind == b"IDAT":
            packed += data[position + 8:position + 8 + size]
        position += size + 12
    return zlib.decompress(packed)


class Page(unittest.TestCase):
    @staticmethod
    def applied(cluster):
        report = json.loads(get(cluster.client["n1"] + "/cluster.json")[2])
        return [int(m["report"]["applied"]) for m in report["members"] if m.get("report")]

    def test_shows_the_cluster_as_it_is(self):
        cluster = Cluster(["n1", "n2", "n3"])
        self.addCleanup(cluster.close)
        cluster.wait_healthy()
        for i in range(7):
            cluster.etcdctl("n1", "put", f"key{i}", "value")
        cluster.etcdctl("n1", "lease", "grant", "600")
        cluster.stop("n3", signal.SIGKILL)
        png, html = cluster.work + "/page.png", cluster.work + "/page.html"
        url = cluster.client["n1"] + "/"
        for _ in range(5):  # Until nothing was applied meanwhile: a new leader begins with an entry.
            before = self.applied(cluster)
            looked = subprocess.run([SCREENSHOT, url, png, html], text=True, capture_output=True)
            if looked.returncode == 3:
                self.skipTest(looked.stdout.strip())
            self.assertEqual(looked.returncode, 0, looked.stderr)
            if self.applied(cluster) == before:
                break
        with open(html) as f:
            document = f.read()

        tiles = dict(re.findall(
            r'class="name">([^<]*)</div><div class="value">([^<]*)</div>', document))
        self.assertEqual((tiles["Keys"], tiles["Leases"]), ("7", "1"), tiles)
        self.assertIn("1 of 3 unreachable", document)
        self.assertIn("revision 8", document)
        roles = re.findall(r"<b>(n\d)</b>.*?(leader|follower|unreachable)</span>", document)
        self.assertEqual(dict(roles)["n3"], "unreachable", roles)
        applied = re.findall(r'class="applied">([\d,]+)', document)
        self.assertEqual([int(a.replace(",", "")) for a in applied], before)
        external = re.findall(r'(?:src|href)="(?!data:|/)[^"]*"', document)
        self.assertEqual(external, [], "nothing is loaded from outside")
        self.assertGreater(len(set(pixels(png))), 50, "a blank page")


if __name__ == "__main__":
    RAFTEXAMPLE, SCREENSHOT = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
