#!/usr/bin/env python3
"""No promise leaves a real raftexample before the disk has taken what backs it.

The processes run with record_calls.cc in front of the C library; afterwards, from what was asked of
the disk and what was sent, in order:

- an answer to a client is not sent before the entry is in the log, synced, on a majority of members
  (of one member: on it);
- a follower's acknowledgement (MsgAppResp) is not sent before its log is synced to that index, and
  its term; a vote (MsgVoteResp) not before term and vote are;
- a file is synced before it gets its name, and the directory before anything is written to the file
  under that name.

    ordering_test.py SERVER RECORDER"""

import concurrent.futures
import os
import sys
import tempfile

import calls as recorded
import cluster as processes
import wire


class Disk:
    """When what was written to one member's log became durable."""

    def __init__(self, calls):
        durable = recorded.durable_times(calls)
        self.writes = [(durable.get(c.number, float("inf")), c.data) for c in calls
                       if c.kind == recorded.WRITE and c.path.endswith(".wal")]
        state = wire.LogState()
        self.states = []  # (durable from, last index, term, vote)
        for when, data in self.writes:
            state.add(data)
            self.states.append((when, state.last, state.term, state.vote))

    def at(self, time):
        """The newest state that was durable: one batch is in flight at a time."""
        newest = (0, 0, 0, 0)
        for state in self.states:
            if state[0] > time:
                break
            newest = state
        return newest

    def holds(self, token, time):
        return any(when <= time and token in data for when, data in self.writes)


def check(condition, what):
    if not condition:
        raise processes.Failed(what)


def check_client_answers(calls, tokens, quorum):
    """Each token is the value of one put, and stands in nothing a client is sent but the answer."""
    disks = {member: Disk(c) for member, c in calls.items()}
    seen = set()
    for member, its_calls in calls.items():
        for call in its_calls:
            if call.kind != recorded.SEND or call.local_port != member.client_port:
                continue
            for token in tokens:
                if token not in call.data:
                    continue
                seen.add(token)
                holders = sum(disk.holds(token, call.begun) for disk in disks.values())
                check(holders >= quorum, f"{member.name} answered {token} when {holders} members "
                      f"had it on disk, of the {quorum} that it takes")
    check(seen == set(tokens), f"only {len(seen)} of {len(tokens)} answers were seen")
    return len(seen)


def check_peer_promises(member, calls, peer_ports):
    disk = Disk(calls)
    connections = {}
    acks = votes = 0
    for call in calls:
        if call.kind != recorded.SEND or call.peer_port not in peer_ports:
            continue
        key = (call.descriptor, call.local_port, call.peer_port)
        for frame in connections.setdefault(key, wire.Connection()).feed(call.data):
            try:
                messages = wire.raft_messages(frame)
            except ValueError:
                continue  # A request of another kind.
            for m in messages:
                _, last, term, vote = disk.at(call.begun)
                if m.type == wire.MSG_APP_RESP and not m.reject:
                    acks += 1
                    check(last >= m.index and term >= m.term,
                          f"{member.name} acknowledged {m.index} of term {m.term} when its disk "
                          f"had {last} of term {term}")
                if m.type == wire.MSG_VOTE_RESP and not m.reject:
                    votes += 1
                    check((term, vote) == (m.term, m.to),
                          f"{member.name} gave its vote of term {m.term} to {m.to:x} when its disk "
                          f"had a vote of term {term} for {vote:x}")
    return acks, votes


def check_names(calls):
    """Synced, renamed, directory synced, and only then used."""
    unsynced = {}  # Path -> writes since the last sync of it.
    unsettled = set()  # Renamed, and the directory not synced since.
    durable = recorded.durable_times(calls)
    renames = 0
    for call in calls:
        if call.kind == recorded.WRITE:
            check(call.path not in unsettled, f"{call.path} is written to before its name is durable")
            unsynced.setdefault(call.path, set()).add(call.number)
        elif call.kind == recorded.SYNC:
            unsynced[call.path] = {n for n in unsynced.get(call.path, ())
                                   if durable.get(n, float("inf")) > call.ended}
        elif call.kind == recorded.SYNC_DIRECTORY:
            unsettled = {p for p in unsettled if os.path.dirname(p) != call.path}
        elif call.kind == recorded.RENAME:
            renames += 1
            check(not unsynced.pop(call.path, None), f"{call.path} is renamed before it is synced")
            unsettled.add(call.data.decode())
    check(not unsettled, f"{unsettled} may lose their names")
    return renames


def transaction(value, key):
    """A put whose answer carries the value."""
    return f'\nput {key} {value}\nget {key}\n\n\n\n'


def run(server, recorder, names, puts):
    with tempfile.TemporaryDirectory() as directory, processes.Cluster(
            server, directory, names, recorder, flags=["--snapshot-count=20"]) as cluster:
        cluster.start()
        cluster.await_serving()
        tokens = [b"token-%d-" % i + b"x" * 20 for i in range(puts)]
        members = list(cluster.members.values())

        def put(i):
            return cluster.ctl("txn", at=members[i % len(members)],
                               stdin=transaction(tokens[i].decode(), f"k{i}"))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            check(all(pool.map(put, range(puts))), "a put failed")
        # Enough for a second segment.
        for i in range(70 if len(names) == 1 else 0):
            check(cluster.ctl("put", "large", at=members[0], stdin="x" * (1 << 20)), "a large put failed")
        for member in members:
            cluster.end(member)  # Or a file could have its name, and not yet for good.
        calls = {m: recorded.read(m.recording) for m in members}
        answers = check_client_answers(calls, tokens, len(names) // 2 + 1)
        peer_ports = {m.peer_port for m in members}
        acks = votes = renames = syncs = 0
        for member, its_calls in calls.items():
            a, v = check_peer_promises(member, its_calls, peer_ports)
            acks, votes = acks + a, votes + v
            renames += check_names(its_calls)
            syncs += sum(c.kind == recorded.SYNC for c in its_calls)
        if len(names) > 1:
            check(acks > 0 and votes > 0, f"{acks} acknowledgements and {votes} votes were seen")
        else:
            check(os.path.exists(os.path.join(members[0].data, "log", "0000000000000002.wal")),
                  "there is no second segment")
        print(f"{len(names)} member(s): {answers} answers to clients, {acks} acknowledgements and "
              f"{votes} votes, {renames} renamed files, {syncs} syncs: each in its order", flush=True)


def main():
    server, recorder = sys.argv[1:]
    try:
        run(server, recorder, "a", puts=40)
        run(server, recorder, "abc", puts=60)
    except processes.Failed as why:
        sys.exit(f"FAILED: {why}")


if __name__ == "__main__":
    main()
