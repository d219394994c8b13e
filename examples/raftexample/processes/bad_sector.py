#!/usr/bin/env python3
"""One sector of one log goes bad: nothing acknowledged may be lost, and no two members may differ.

Three members; 20 puts; c is killed; 200 more puts are acknowledged by a and b, which are then killed
too; one sector of b's log, synced long ago and about 9 KB before its end, becomes zeros; b and c are
started, then a. If b took the damage for the end of its log it could now make c leave behind what
a still has. It must refuse to start, and leave its files as they are; a and c go on with all that was
acknowledged, and b comes back as a new member that is told everything.

    bad_sector.py --server=bazel-bin/examples/raftexample/raftexample --runs=20

The last line is `N passed, N failed`."""

import argparse
import glob
import hashlib
import os
import shutil
import sys
import tempfile
import time

import cluster as processes

SECTOR = 512


def end_of(log):
    """Behind the last byte that is not zero: segments have their full length from the start."""
    with open(log, "rb") as file:
        content = file.read()
    return len(content.rstrip(b"\0"))


def zero_a_sector(data_directory, before_end):
    newest = sorted(glob.glob(os.path.join(data_directory, "log", "*.wal")))[-1]
    at = (end_of(newest) - before_end) // SECTOR * SECTOR
    if at <= SECTOR:
        raise processes.Failed("the log is too short for this scenario")
    with open(newest, "r+b") as file:
        file.seek(at)
        if not any(file.read(SECTOR)):
            raise processes.Failed(f"the sector at {at} is zero already")
        file.seek(at)
        file.write(bytes(SECTOR))
    return newest, at


def digest_of(directory):
    digest = hashlib.sha256()
    for path in sorted(glob.glob(os.path.join(directory, "**"), recursive=True)):
        digest.update(path.encode())
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()


def expect_refusal(cluster, name):
    """The member's own words."""
    status = cluster.await_exit(name)
    words = cluster[name].log().strip().split("\n")[-1]
    if status == 0 or "corruption" not in words or ".wal" not in words:
        raise processes.Failed(f"{name} ended with status {status}, saying: {words}")
    return words


def run(options, directory, before_end):
    with processes.Cluster(options.server, directory, flags=options.flags) as cluster:
        acknowledged = {}
        cluster.start()
        cluster.await_serving()
        cluster.put_until(20, "k/early/", acknowledged)
        cluster.kill(cluster["c"])
        cluster.put_until(options.puts, "k/late/", acknowledged)
        cluster.kill(cluster["a"])
        cluster.kill(cluster["b"])

        zero_a_sector(cluster["b"].data, before_end)
        before = digest_of(os.path.join(cluster["b"].data, "log"))
        cluster.start("b", "c")
        words = expect_refusal(cluster, "b")
        if digest_of(os.path.join(cluster["b"].data, "log")) != before:
            raise processes.Failed("b has changed the log that it refused")
        cluster.start("a")
        cluster.await_serving("a", "c")
        cluster.check_reads("k/", acknowledged)
        cluster.put_until(5, "k/after/", acknowledged)
        cluster.check_reads("k/", acknowledged)

        # b begins anew, under a new identity.
        listed = cluster.ctl("member", "list", at=cluster["a"])
        old = next(line.split(",")[0] for line in listed.split("\n") if cluster["b"].peer_url in line)
        for command in (["remove", old], ["add", "b", f"--peer-urls={cluster['b'].peer_url}"]):
            deadline = time.monotonic() + 60  # A change waits for members to be well connected.
            while cluster.ctl("member", *command, at=cluster["a"]) is None:
                if time.monotonic() > deadline:
                    raise processes.Failed(f"member {command[0]} was refused for a minute")
                time.sleep(0.5)
        shutil.rmtree(cluster["b"].data)
        cluster.start("b", state="existing")
        cluster.await_serving()
        if cluster.check_reads("k/", acknowledged) != 3:
            raise processes.Failed("not all members run")
        return len(acknowledged), words


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--puts", type=int, default=200)
    parser.add_argument("flags", nargs="*", help="more flags of raftexample, after --")
    options = parser.parse_args()
    failed = 0
    for number in range(options.runs):
        before_end = 9216 + SECTOR * (number - options.runs // 2)  # A different one each time.
        with tempfile.TemporaryDirectory() as directory:
            try:
                kept, words = run(options, directory, before_end)
                print(f"run {number + 1}: {kept} acknowledged puts, none lost; b said: {words}", flush=True)
            except processes.Failed as why:
                failed += 1
                print(f"run {number + 1} FAILED: {why}", flush=True)
    print(f"{options.runs - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
