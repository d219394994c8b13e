#!/usr/bin/env python3
"""What README.md and kubernetes.yaml say holds: files are there, flags exist, names fit together.

usage: documents_test.py RAFTEXAMPLE README KUBERNETES_YAML
"""

import os
import re
import subprocess
import sys
import unittest

try:
    import yaml
except ImportError:
    yaml = None

RAFTEXAMPLE = README = MANIFEST = None  # Of the command line.


def known_flags():
    help_text = subprocess.run([RAFTEXAMPLE, "--help"], check=True, text=True,
                               capture_output=True).stdout
    return set(re.findall(r"^  (--[a-z-]+)", help_text, re.MULTILINE))


class Readme(unittest.TestCase):
    def setUp(self):
        with open(README) as f:
            self.text = f.read()

    def test_links_lead_somewhere(self):
        links = re.findall(r"\]\(([^)#:]+)\)", self.text)
        self.assertGreater(len(links), 20)
        base = os.path.dirname(README)
        missing = [link for link in links if not os.path.exists(os.path.join(base, link))]
        self.assertEqual(missing, [])

    def test_flags_exist(self):
        blocks = re.findall(r"raftexample --name.*?(?:&|\n```)", self.text, re.DOTALL)
        used = set(re.findall(r"(--[a-z-]+)", " ".join(blocks)))
        self.assertIn("--listen-peer-urls", used)
        self.assertLessEqual(used, known_flags())


@unittest.skipIf(yaml is None, "there is no python3-yaml here")
class Kubernetes(unittest.TestCase):
    def setUp(self):
        with open(MANIFEST) as f:
            self.objects = list(yaml.safe_load_all(f))
        self.set = next(o for o in self.objects if o["kind"] == "StatefulSet")
        self.pod = self.set["spec"]["template"]
        self.container, = self.pod["spec"]["containers"]
        self.flags = dict(arg.split("=", 1) for arg in self.container["args"])
        self.ports = {p["name"]: p["containerPort"] for p in self.container["ports"]}

    def test_every_object_has_a_kind_and_a_name(self):
        for one in self.objects:
            self.assertTrue(one["apiVersion"] and one["kind"] and one["metadata"]["name"])
        names = [(one["kind"], one["metadata"]["name"]) for one in self.objects]
        self.assertEqual(len(names), len(set(names)))

    def test_selectors_find_the_pods(self):
        labels = self.pod["metadata"]["labels"]
        for one in self.objects:
            selector = one["spec"]["selector"]
            self.assertEqual(selector.get("matchLabels", selector), labels, one["metadata"])

    def test_flags_exist(self):
        self.assertLessEqual(set(self.flags), known_flags())

    def test_every_replica_is_a_first_member_under_the_name_of_its_service(self):
        name, service = self.set["metadata"]["name"], self.set["spec"]["serviceName"]
        self.assertEqual(
            self.flags["--initial-cluster"].split(","),
            [f"{name}-{i}=http://{name}-{i}.{service}:{self.ports['peer']}"
             for i in range(self.set["spec"]["replicas"])])
        self.assertEqual(self.flags["--initial-advertise-peer-urls"],
                         f"http://$(POD).{service}:{self.ports['peer']}")
        headless = [o["metadata"]["name"] for o in self.objects
                    if o["kind"] == "Service" and o["spec"].get("clusterIP") == "None"]
        self.assertEqual(headless, [service])

    def test_ports_and_volumes_fit(self):
        for what in "client", "peer", "metrics":
            self.assertTrue(self.flags[f"--listen-{what}-urls"].endswith(f":{self.ports[what]}"))
        for one in self.objects:
            if one["kind"] == "Service":
                for port in one["spec"]["ports"]:
                    self.assertEqual(port["port"], self.ports[port["name"]])
        for probe in "startupProbe", "livenessProbe", "readinessProbe":
            self.assertIn(self.container[probe]["httpGet"]["port"], self.ports)
        mounts = {m["name"] for m in self.container["volumeMounts"]}
        claims = {c["metadata"]["name"] for c in self.set["spec"]["volumeClaimTemplates"]}
        self.assertEqual(mounts, claims)
        self.assertTrue(self.flags["--data-dir"].startswith(
            self.container["volumeMounts"][0]["mountPath"] + "/"))

    def test_a_drained_node_leaves_a_quorum(self):
        budget = next(o for o in self.objects if o["kind"] == "PodDisruptionBudget")
        self.assertGreater(budget["spec"]["minAvailable"], self.set["spec"]["replicas"] // 2)


if __name__ == "__main__":
    # The files themselves, not Bazel's links to them: what they name lies beside them.
    RAFTEXAMPLE, README, MANIFEST = (os.path.realpath(path) for path in sys.argv[1:4])
    unittest.main(argv=sys.argv[:1], verbosity=2)
