// Only for watch_hub*.cc: what the hub remembers, and one banner of functions per room.
//
//   watch_hub_requests.cc  what the clients ask for
//   watch_hub_present.cc   what happens now, told to those who have everything
//   watch_hub_past.cc      what happened before, read for those who are behind
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_IMPL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_IMPL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/watch/outbox.h"
#include "examples/raftexample/watch/stream.h"
#include "examples/raftexample/watch/watch.h"
#include "examples/raftexample/watch/watch_event.h"
#include "examples/raftexample/watch/watch_hub.h"
#include "examples/raftexample/watch/watch_states.h"

namespace raftexample {

// In answers that are not of one watch.
inline constexpr int64_t kNoWatch = -1;

// A response, but for its events.
inline etcdserverpb::WatchResponse Head(int64_t watch_id, int64_t revision) {
  etcdserverpb::WatchResponse head;
  head.set_watch_id(watch_id);
  head.mutable_header()->set_revision(revision);
  return head;
}

class Hub : public WatchHub {
 public:
  Hub(const Store* store, Options options)
      : store_(store), options_(std::move(options)), revision_(store->revision()) {}

  std::unique_ptr<WatchStream> OpenStream(std::function<void()> ready) override;
  Counts counts() const override;

  // --- Requests, from the handles of the streams ---
  void Close(Stream& stream);
  void Create(Stream& stream, const etcdserverpb::WatchCreateRequest& request);
  void Refuse(Stream& stream, absl::string_view reason);
  void Cancel(Stream& stream, int64_t watch_id);
  void RequestProgress(Stream& stream);
  // The client has read: those who wait for it may go on.
  void Resume(Stream& stream);

  // --- The present ---
  void Notify(int64_t revision, absl::Span<const Change> changes) override;
  void NotifyProgress() override;
  void Reset() override;

  // --- The past ---
  bool SyncSome() override;

 private:
  // Shared, so that they outlive what is done with them while no lock is held.
  using Watches = std::vector<std::shared_ptr<Watch>>;

  // --- Answers ---
  // Outboxes with news for a client that waits; told when the lock is released.
  using News = std::vector<std::shared_ptr<Outbox>>;
  static void Announce(const News& news) {
    for (const std::shared_ptr<Outbox>& outbox : news) outbox->Announce();
  }
  void Send(Stream& stream, WatchOutput output, News& news, bool may_split = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Queues what has gathered in watch.events, which ends with `revision`. False if there is no
  // room: then the watch keeps `next`.
  bool Deliver(Watch& watch, int64_t revision, News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeAnswerProgress(Stream& stream, News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- Requests ---
  // Empty if the watch may be.
  absl::string_view WhyNot(const Stream& stream,
                           const etcdserverpb::WatchCreateRequest& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendRefusal(Stream& stream, absl::string_view reason, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True if the watch begins in the past.
  bool Begin(Stream& stream, const etcdserverpb::WatchCreateRequest& request, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- The present ---
  // Gathers the events of these changes; returns whose they are.
  std::vector<Watch*> GatherNow(absl::Span<const Change> changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- The past ---
  // The unsynced watches that are furthest behind; those that are too far are cancelled.
  Watches ChooseUnsynced(News& news);
  void EndCompacted(Watch& watch, int64_t compacted, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Brings them nearer to the present. True if there is more to do at once.
  bool CatchUp(const Watches& watches, News& news);
  void DeliverGathered(const Watches& watches, int64_t through, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Store* const store_;
  const Options options_;

  absl::Mutex sync_mutex_;  // One pass of SyncSome() at a time. Taken first.

  mutable absl::Mutex mutex_;
  int64_t revision_ ABSL_GUARDED_BY(mutex_);  // Of the last Notify().
  WatchStates states_ ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);  // But for what states_ knows.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_HUB_IMPL_H_
