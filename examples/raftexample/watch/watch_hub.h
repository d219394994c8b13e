// Watches: everything that happens to some keys, from some revision on, each change once and in
// order, however slow the listener.
//
// A watch is in one of three states, and moves between them without losing or repeating anything,
// because `next`, the first revision that it has not been given, moves with it:
//
//   synced     has everything; Notify() hands it each transaction as it happens
//   unsynced   began in the past or fell behind; SyncSome() reads its changes from the store
//   slow       its stream's queue is full; waits, holding nothing, until the client has read some,
//              and is then unsynced
//
// So memory is bounded by the queues of the streams, and a client that does not read costs the
// others nothing. A watch that needs what was compacted is cancelled with the compacted revision,
// and is told nothing more; as in etcd it still has its ID, until the client cancels it, too.
//
// Threads: Notify and Reset belong to the thread that applies; everything else any thread, any
// time. A stream outlives no hub.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/watch/watch_event.h"

namespace raftexample {

class WatchHub;

// One client's stream of any number of watches.
class WatchStream {
 public:
  // Cancels all watches of the stream. `ready` is not called any more when it returns; so `ready`
  // itself must not do it.
  virtual ~WatchStream() = default;

  // Adds a watch; its "created" response is queued, before any of its events. A request that cannot
  // be is answered the same way: created and cancelled, watch ID -1, the reason as a text.
  virtual void Create(const etcdserverpb::WatchCreateRequest& request) = 0;
  // The same for a request that was refused elsewhere (no permission): only the answer is queued.
  virtual void Refuse(absl::string_view reason) = 0;
  // Its events that are queued will still be sent before the "canceled" response. Unknown: ignored;
  // a watch that compaction ended is not unknown until then.
  virtual void Cancel(int64_t watch_id) = 0;
  // Answered once, when every watch of the stream has everything up to the revision in the answer.
  virtual void RequestProgress() = 0;

  // The next response to send, nullopt when there is none now: `ready` will tell. One caller at a
  // time.
  virtual absl::optional<WatchOutput> Next() = 0;

  // So much is queued that the client should read before it asks for more: the answers to its own
  // requests are queued whatever the bound.
  virtual bool backlogged() const = 0;
};

class WatchHub {
 public:
  struct Options {
    // Of queued events, for each stream. A single transaction may exceed it.
    size_t max_queue_bytes = size_t{4} << 20;
    // Pieces of a response for those who accept fragments.
    size_t max_fragment_bytes = size_t{2} << 20;
    // Of one pass of SyncSome: watches, and bytes of changes read.
    size_t sync_watches = 512;
    size_t sync_bytes = size_t{4} << 20;
    // More are refused.
    size_t max_watches = 1'000'000;
    // Called from any thread, with no lock held, when SyncSome() has got something to do.
    std::function<void()> wake = [] {};
  };

  // The store must outlive the hub.
  static std::unique_ptr<WatchHub> Create(const Store* store, Options options);
  virtual ~WatchHub() = default;

  // `ready` is called, from any thread and with no lock held, when Next() has something to give
  // after it had nothing.
  virtual std::unique_ptr<WatchStream> OpenStream(std::function<void()> ready) = 0;

  // One finished transaction, in order and whole. Costs little when nobody watches.
  virtual void Notify(int64_t revision, absl::Span<const Change> changes) = 0;

  // Brings unsynced watches nearer to the present. True if there is more to do at once.
  virtual bool SyncSome() = 0;
  // Tells each synced watch that asked for it, and got nothing since the last call, how far it is.
  virtual void NotifyProgress() = 0;

  // The store has been replaced by a snapshot. Nobody is given anything twice.
  virtual void Reset() = 0;

  struct Counts {
    size_t streams = 0;
    size_t watches = 0;  // With those that compaction ended, until their clients cancel them.
    size_t unsynced = 0;
    size_t slow = 0;
    uint64_t events = 0;  // Handed out since the start.
  };
  virtual Counts counts() const = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_H_
