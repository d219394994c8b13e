#!/usr/bin/env python3
"""A disk that is full to the last byte: the member reports it, keeps what it acknowledged, and opens
again, on the full disk and on one with space.

    full_disk_test.py SERVER"""

import os
import subprocess
import sys
import tempfile

import cluster as processes


def mount(directory, options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory],
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def fill(path):
    with open(path, "ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                pass


def expect_report(cluster):
    """The member ended, and said why. Of a write that is cut short LMDB says input/output error."""
    status = cluster.await_exit("a")
    last = cluster["a"].log().strip().split("\n")[-1]
    if status == 0 or not any(words in last for words in ("o space", "Input/output error")):
        raise processes.Failed(f"it ended with status {status}, saying: {last}")
    return last


def run(server, directory):
    with processes.Cluster(server, directory, names="a") as cluster:
        a = cluster["a"]
        a.log_path = os.path.join(os.path.dirname(directory), "log")  # Not on the full disk.
        cluster.start()
        cluster.await_serving()
        acknowledged = {}
        cluster.put_until(20, "k/", acknowledged)
        filler = os.path.join(directory, "filler")
        fill(filler)

        # The segment of the log was preallocated, and takes some more.
        refused = 0
        for i in range(100):
            key, value = f"k/large/{i}", f"{i} " + "x" * 1000000
            if cluster.ctl("put", key, at=a, stdin=value) == "OK\n":
                acknowledged[key] = value
            else:
                refused += 1
                if refused > 3:
                    break
        if not refused:
            raise processes.Failed("a full disk took 100 MB")
        said = expect_report(cluster)

        # Still full. The log opens and needs no space for it; the store may need some to go on.
        cluster.start()
        try:
            cluster.await_serving(seconds=20)
            cluster.check_reads("k/", acknowledged)
            cluster.kill(a)
        except processes.Failed:
            if a.process.poll() is None:
                raise
            expect_report(cluster)

        os.remove(filler)
        cluster.start()
        cluster.await_serving()
        cluster.check_reads("k/", acknowledged)
        cluster.put_until(20, "k/more/", acknowledged)
        cluster.check_reads("k/", acknowledged)
        print(f"{len(acknowledged)} puts acknowledged, {refused} refused on the full disk, none lost; "
              f"it said: {said}")


def main():
    with tempfile.TemporaryDirectory() as directory:
        disk = os.path.join(directory, "disk")
        os.mkdir(disk)
        if not mount(disk, "size=160m"):
            print("SKIPPED: no tmpfs can be mounted here")
            return
        try:
            run(sys.argv[1], disk)
        except processes.Failed as why:
            sys.exit(f"FAILED: {why}")
        finally:
            subprocess.run(["umount", "-l", disk], check=False)


if __name__ == "__main__":
    main()
