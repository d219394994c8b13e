// A session of the npm package etcd3, a client of etcd written by others: puts, reads, transactions,
// leases, locks, elections, watches, users. Prints one line for each thing that was as it should be,
// and ends with 1 at the first that was not.
//
//   node session.mjs HOST:PORT      (etcd3 is found from the current directory; see ./run)

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const { Etcd3 } = createRequire(`${process.cwd()}/`)('etcd3');

const hosts = `http://${process.argv[2] ?? '127.0.0.1:2379'}`;
const client = new Etcd3({ hosts });
const keys = client.namespace(`session/${process.pid}/`);

async function shows(claim, story) {
  await story();
  console.log(`ok  ${claim}`);
}

// The next time that `emitter` says `event`.
const next = (emitter, event) =>
  new Promise((resolve, reject) => {
    emitter.once(event, resolve);
    if (event !== 'error') emitter.once('error', reject);
  });

await shows('what is put is read', async () => {
  await keys.put('a').value('1');
  assert.equal(await keys.get('a').string(), '1');
  assert.equal(await keys.get('none'), null);
  const before = await keys.put('a').value('2').getPrevious();
  assert.equal(before.value.toString(), '1');
  assert.equal(await keys.get('a').string(), '2');
});

await shows('ranges are sorted, limited and counted', async () => {
  for (const name of ['b', 'c', 'd']) await keys.put(`range/${name}`).value(name.toUpperCase());
  const all = await keys.getAll().prefix('range/').sort('Key', 'Descend').strings();
  assert.deepEqual(Object.values(all), ['D', 'C', 'B']);
  assert.deepEqual(await keys.getAll().prefix('range/').limit(2).keys(), ['range/b', 'range/c']);
  assert.equal(await keys.getAll().prefix('range/').count(), 3);
  const { deleted } = await keys.delete().prefix('range/');
  assert.equal(Number(deleted), 3);
});

await shows('a transaction takes one branch or the other', async () => {
  await keys.put('balance').value('10');
  const spend = (expected) =>
    keys
      .if('balance', 'Value', '==', expected)
      .then(keys.put('balance').value('7'), keys.get('balance'))
      .else(keys.get('balance'))
      .commit();
  const won = await spend('10');
  assert.equal(won.succeeded, true);
  assert.equal(won.responses[1].response_range.kvs[0].value.toString(), '7');
  const lost = await spend('10');
  assert.equal(lost.succeeded, false);
  assert.equal(lost.responses[0].response_range.kvs[0].value.toString(), '7');
});

await shows('software transactional memory retries what collided', async () => {
  await keys.put('counter').value('0');
  const add = () =>
    keys.stm({ retries: 50 }).transact(async (tx) => {
      await tx.put('counter').value(Number(await tx.get('counter')) + 1);
    });
  await Promise.all(Array.from({ length: 8 }, add));
  assert.equal(await keys.get('counter').number(), 8);
});

await shows('a watch tells every change in order', async () => {
  const watcher = await keys.watch().prefix('seen/').create();
  const seen = [];
  const all = new Promise((resolve) => {
    const note = (kind) => (kv) => {
      seen.push(`${kind} ${kv.key} ${kv.value}`);
      if (seen.length === 4) resolve();
    };
    watcher.on('put', note('put'));
    watcher.on('delete', note('delete'));
  });
  await keys.put('seen/x').value('1');
  await keys.put('seen/y').value('2');
  await keys.delete().key('seen/x');
  await keys.put('seen/x').value('3');
  await all;
  assert.deepEqual(seen, ['put seen/x 1', 'put seen/y 2', 'delete seen/x ', 'put seen/x 3']);
  await watcher.cancel();
});

await shows('a watch from the past tells what happened since', async () => {
  const { header } = await keys.put('past').value('1');
  await keys.put('past').value('2');
  const watcher = await keys.watch().key('past').startRevision(header.revision).create();
  const first = await next(watcher, 'put');
  assert.equal(first.value.toString(), '1');
  await watcher.cancel();
});

await shows('a lease that is revoked takes its keys along', async () => {
  const lease = keys.lease(30);
  await lease.put('leased').value('here');
  const watcher = await keys.watch().key('leased').create();
  const gone = next(watcher, 'delete');
  assert.equal(await keys.get('leased').string(), 'here');
  await lease.keepaliveOnce();
  await lease.revoke();
  await gone;
  assert.equal(await keys.get('leased'), null);
  await watcher.cancel();
});

await shows('a lease that nobody keeps alive runs out', async () => {
  const lease = keys.lease(1, { autoKeepAlive: false });
  const watcher = await keys.watch().key('brief').create();
  const gone = next(watcher, 'delete');
  await lease.put('brief').value('x');
  await gone;
  await watcher.cancel();
});

await shows('a lock is held by one at a time', async () => {
  const lock = keys.lock('mutex');
  await lock.acquire();
  await assert.rejects(keys.lock('mutex').acquire(), /unable to acquire lock|Failed to acquire/i);
  await lock.release();
  let inside = 0;
  const enter = async () => {
    for (;;) {
      try {
        await keys.lock('mutex').do(async () => {
          assert.equal(++inside, 1);
          await new Promise((resolve) => setTimeout(resolve, 2));
          --inside;
        });
        return;
      } catch (error) {
        if (!/unable to acquire lock|Failed to acquire/i.test(String(error))) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  await Promise.all([enter(), enter(), enter()]);
});

await shows('an election has one leader, and observers hear of the next', async () => {
  const election = keys.election('leader', 30);
  const observer = await election.observe();
  const first = election.campaign('one');
  await next(first, 'elected');
  while (observer.leader() !== 'one') await next(observer, 'change');
  const second = election.campaign('two');
  await first.proclaim('one again');
  while (observer.leader() !== 'one again') await next(observer, 'change');
  const elected = next(second, 'elected');
  await first.resign();
  await elected;
  assert.equal(await election.leader(), 'two');
  while (observer.leader() !== 'two') await next(observer, 'change');
  await second.resign();
  await observer.cancel();
});

await shows('errors have their names', async () => {
  await assert.rejects(keys.lease(10).grant().then(async (id) => {
    await client.leaseClient.leaseRevoke({ ID: id });
    await client.leaseClient.leaseRevoke({ ID: id });
  }), /requested lease not found/);
  await assert.rejects(keys.get('a').revision(1_000_000_000), /future revision/);
});

await shows('members, status and alarms can be asked for', async () => {
  const { members } = await client.cluster.memberList({});
  assert.ok(members.length >= 1);
  const status = await client.maintenance.status({});
  assert.match(status.version, /^3\./);
  assert.deepEqual((await client.maintenance.alarm({ action: 'Get' })).alarms, []);
});

await shows('users, roles and permissions', async () => {
  const role = client.role(`reader${process.pid}`);
  await role.create();
  await role.grant({ permission: 'Read', range: client.range({ prefix: 'session/' }) });
  const user = client.user(`ann${process.pid}`);
  await user.create('secret');
  await user.addRole(role);
  assert.deepEqual((await user.roles()).map((r) => r.name), [role.name]);
  await user.delete();
  await role.delete();
});

await keys.delete().all();
client.close();
