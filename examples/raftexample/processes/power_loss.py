#!/usr/bin/env python3
"""The loss of power, again and again under writes: nothing acknowledged is lost.

Three members, four writers. Each cycle one member, or all of them, loses its power: it is killed, and
everything that its disk has not synced is gone, too (record_calls.cc keeps what was there before). At
the end all lose theirs at once, start again, and answer alike, with all that was ever acknowledged.

What leaves the page cache whole (kill -9, pauses, partitions, slow disks) is in ../troubles.

    power_loss.py --server=.../raftexample --recorder=.../record_calls.so --cycles=20 --seed=1"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time

import calls as recorded
import cluster as processes


class Writers:
    """Put new keys until told to stop."""

    def __init__(self, cluster, count=4):
        self.acknowledged = {}
        self._cluster = cluster
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, writer):
        number = 0
        while not self._stop.is_set():
            number += 1
            key = f"k/{writer}/{number}"
            if self._cluster.put(key, "of " + key):
                with self._lock:
                    self.acknowledged[key] = "of " + key


def lose_power(cluster, members):
    for member in members:
        cluster.kill(member)
    undone = 0
    for member in members:
        if os.path.exists(member.recording):
            undone += recorded.lose_unsynced(recorded.read(member.recording))
            os.remove(member.recording)
    return undone


def run(options, directory):
    chance = random.Random(options.seed)
    undone = 0
    with processes.Cluster(options.server, directory, recorder=options.recorder,
                           flags=["--snapshot-count=50"]) as cluster:
        members = list(cluster.members.values())
        cluster.start()
        cluster.await_serving()
        writers = Writers(cluster)
        try:
            for _ in range(options.cycles):
                time.sleep(chance.uniform(0.2, 1.5))
                victims = members if chance.random() < 0.3 else [chance.choice(members)]
                undone += lose_power(cluster, victims)
                cluster.start(*(m.name for m in victims))
                cluster.await_serving()
        finally:
            writers.stop()
        undone += lose_power(cluster, members)
        cluster.start()
        cluster.await_serving()
        if not writers.acknowledged:
            raise processes.Failed("nothing was acknowledged")
        cluster.check_reads("k/", writers.acknowledged)
        print(f"seed {options.seed}: {options.cycles} times without power, {undone} unsynced calls "
              f"undone, {len(writers.acknowledged)} puts acknowledged, none lost")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--recorder", required=True)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        try:
            run(options, directory)
        except processes.Failed as why:
            sys.exit(f"FAILED: {why}")


if __name__ == "__main__":
    main()
