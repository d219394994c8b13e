#!/usr/bin/env python3
"""A session of the Python package etcd3, a client of etcd written by others.

Puts, reads, transactions, leases, locks, watches, compaction, members, alarms. Prints one line for
each thing that was as it should be, and fails at the first that was not.

    session.py HOST:PORT
"""

import sys
import threading

import etcd3

host, port = (sys.argv[1] if len(sys.argv) > 1 else '127.0.0.1:2379').rsplit(':', 1)
client = etcd3.client(host=host, port=int(port), timeout=20)
PREFIX = '/session.py/'


def key(name):
    return PREFIX + name


def shows(claim):
    def run(story):
        story()
        print('ok ', claim)
    return run


@shows('what is put is read, with its revisions')
def _():
    client.put(key('a'), '1')
    client.put(key('a'), '2')
    value, meta = client.get(key('a'))
    assert value == b'2', value
    assert meta.version == 2 and meta.mod_revision == meta.create_revision + 1, meta
    assert client.get(key('none')) == (None, None)


@shows('ranges are sorted; a prefix is deleted')
def _():
    for name in 'cab':
        client.put(key('range/' + name), name)
    found = client.get_prefix(key('range/'), sort_order='descend', sort_target='key')
    assert [value for value, _ in found] == [b'c', b'b', b'a']
    assert client.delete_prefix(key('range/')).deleted == 3


@shows('compare and swap; put if absent')
def _():
    assert client.replace(key('a'), '2', '3')
    assert not client.replace(key('a'), '2', '4')
    assert client.put_if_not_exists(key('new'), 'x')
    assert not client.put_if_not_exists(key('new'), 'y')


@shows('a transaction takes one branch or the other')
def _():
    tx = client.transactions
    ok, answers = client.transaction(
        compare=[tx.value(key('a')) == '3', tx.version(key('none')) == 0],
        success=[tx.put(key('b'), 'yes'), tx.get(key('b')), tx.delete(key('new'))],
        failure=[tx.put(key('b'), 'no')])
    assert ok and answers[1][0][0] == b'yes', answers
    ok, answers = client.transaction(
        compare=[tx.create(key('none')) > 0], success=[], failure=[tx.get(key('a'))])
    assert not ok and answers[0][0][0] == b'3', answers


@shows('a lease takes its keys along')
def _():
    lease = client.lease(30)
    client.put(key('leased'), 'here', lease=lease)
    assert lease.granted_ttl == 30 and 25 <= lease.remaining_ttl <= 30
    assert [bytes(k) for k in lease.keys] == [key('leased').encode()]
    assert [r.TTL for r in lease.refresh()] == [30]
    lease.revoke()
    assert client.get(key('leased')) == (None, None)


@shows('a watch tells every change in order, also from the past')
def _():
    revision = client.put(key('w/1'), 'one').header.revision
    client.delete(key('w/1'))
    events, cancel = client.watch_prefix(key('w/'), start_revision=revision)
    client.put(key('w/2'), 'two')
    seen = []
    for event in events:
        seen.append((type(event).__name__, event.key[len(PREFIX):]))
        if len(seen) == 3:
            cancel()
            break
    assert seen == [('PutEvent', b'w/1'), ('DeleteEvent', b'w/1'), ('PutEvent', b'w/2')], seen


@shows('a watch below the compacted revision says so')
def _():
    first = client.put(key('c'), '1').header.revision
    last = client.put(key('c'), '2').header.revision
    client.compact(last)
    events, _ = client.watch(key('c'), start_revision=first)
    try:
        next(iter(events))
    except etcd3.exceptions.RevisionCompactedError as compacted:
        assert compacted.compacted_revision == last
    else:
        raise AssertionError('the watch goes on')


@shows('a lock is held by one at a time')
def _():
    inside, entered = [], []

    def work(number):
        mine = etcd3.client(host=host, port=int(port), timeout=20)
        with mine.lock(key('mutex'), ttl=20):
            assert not inside, inside
            inside.append(number)
            entered.append(number)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entered) == [0, 1, 2, 3], entered


@shows('members, status, alarms and the hash can be asked for')
def _():
    members = list(client.members)
    assert members and all(member.client_urls for member in members)
    status = client.status()
    assert status.version.startswith('3.') and status.leader is not None
    assert list(client.list_alarms()) == []
    assert client.hash() >= 0


client.delete_prefix(PREFIX)
