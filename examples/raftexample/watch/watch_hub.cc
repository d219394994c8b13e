#include "examples/raftexample/watch/watch_hub.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/watch/event_maker.h"
#include "examples/raftexample/watch/outbox.h"
#include "examples/raftexample/watch/watch_index.h"
#include "raft/check.h"

namespace raftexample {
namespace {

using etcdserverpb::WatchCreateRequest;

// In answers that are not of one watch.
constexpr int64_t kNoWatch = -1;
// What clients are told was compacted when nothing was. A watch may ask for it, too.
constexpr int64_t kNeverCompacted = -1;

// When a watch is nearer to the present than this, the rest is read while no change can happen:
// otherwise a busy store would stay ahead of it for ever.
constexpr int64_t kLastStep = 500;

// --- The hub -------------------------------------------------------------------------------------

struct Stream;

struct Watch {
  enum class State { kSynced, kUnsynced, kSlow, kGone };

  Stream* stream = nullptr;
  int64_t id = 0;
  std::string key, range_end;
  bool wants_puts = true, wants_deletes = true;
  bool wants_previous = false, wants_progress = false, may_split = false;

  State state = State::kGone;
  // The first revision that it has not been given, or does not want to miss. While it is synced,
  // everything before what Notify() brings next has been given, and only a later `next` matters.
  int64_t next = 0;
  bool heard = false;  // Got events since the last NotifyProgress().

  WatchEvents events;  // What Notify() or SyncSome() is about to queue.

  KeyRange range() const { return {key, range_end}; }
  bool Wants(const Record& record) const { return record.deletes ? wants_deletes : wants_puts; }
};
using WatchPtr = std::shared_ptr<Watch>;

struct Stream {
  explicit Stream(std::shared_ptr<Outbox> o) : outbox(std::move(o)) {}
  std::shared_ptr<Outbox> outbox;
  std::map<int64_t, WatchPtr> watches;
  std::set<Watch*> slow;
  size_t behind = 0;  // Watches that are not synced.
  int64_t next_id = 0;
  bool progress_requested = false;
};

class Hub;

class StreamHandle : public WatchStream {
 public:
  StreamHandle(Hub* hub, std::shared_ptr<Outbox> outbox) : hub_(hub), stream_(std::move(outbox)) {}
  ~StreamHandle() override;

  void Create(const WatchCreateRequest& request) override;
  void Refuse(absl::string_view reason) override;
  void Cancel(int64_t watch_id) override;
  void RequestProgress() override;
  absl::optional<WatchOutput> Next() override;
  bool backlogged() const override { return !stream_.outbox->HasRoom(); }

 private:
  Hub* const hub_;
  Stream stream_;  // Guarded by the hub's lock, but for the outbox.
};

class Hub : public WatchHub {
 public:
  Hub(const Store* store, Options options)
      : store_(store), options_(std::move(options)), revision_(store->revision()) {}

  std::unique_ptr<WatchStream> OpenStream(std::function<void()> ready) override {
    auto outbox = std::make_shared<Outbox>(options_.max_queue_bytes, options_.max_fragment_bytes,
                                           std::move(ready));
    absl::MutexLock lock(&mutex_);
    ++counts_.streams;
    return std::make_unique<StreamHandle>(this, std::move(outbox));
  }

  void Notify(int64_t revision, absl::Span<const Change> changes) override;
  bool SyncSome() override;
  void NotifyProgress() override;
  void Reset() override;
  Counts counts() const override {
    absl::MutexLock lock(&mutex_);
    Counts counts = counts_;
    counts.unsynced = unsynced_.size();
    return counts;
  }

  // --- For the handles of the streams ------------------------------------------------------------

  void Close(Stream& stream);
  void Create(Stream& stream, const WatchCreateRequest& request);
  void Refuse(Stream& stream, absl::string_view reason);
  void Cancel(Stream& stream, int64_t watch_id);
  void RequestProgress(Stream& stream);
  // The client has read: those who wait for it may go on.
  void Resume(Stream& stream);

 private:
  // Outboxes with news for a client that waits; told when the lock is released.
  using News = std::vector<std::shared_ptr<Outbox>>;
  static void Announce(const News& news) {
    for (const std::shared_ptr<Outbox>& outbox : news) outbox->Announce();
  }
  void Send(Stream& stream, WatchOutput output, News& news, bool may_split = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (stream.outbox->Add(std::move(output), may_split)) news.push_back(stream.outbox);
  }

  static etcdserverpb::WatchResponse Head(int64_t watch_id, int64_t revision) {
    etcdserverpb::WatchResponse head;
    head.set_watch_id(watch_id);
    head.mutable_header()->set_revision(revision);
    return head;
  }
  WatchOutput Refusal(absl::string_view reason) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The only two that move a watch from one state to another.
  void Leave(Watch& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enter(Watch& watch, Watch::State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Move(Watch& watch, Watch::State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Leave(watch);
    Enter(watch, state);
  }

  // Queues what has gathered in watch.events, which ends with `revision`. False if there is no
  // room: then the watch keeps `next`.
  bool Deliver(Watch& watch, int64_t revision, News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndCompacted(const WatchPtr& watch, int64_t compacted, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeAnswerProgress(Stream& stream, News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The unsynced watches that are furthest behind; those that are too far are cancelled.
  std::vector<WatchPtr> ChooseUnsynced(News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads the changes that these watches miss into their `events`, at most max_bytes of them but
  // whole revisions. Returns the revision up to which they then are complete; 0 if some are too far
  // behind. Nobody else may touch the `events` of the watches.
  int64_t Gather(const std::vector<WatchPtr>& watches, size_t max_bytes) const;
  void DeliverGathered(const std::vector<WatchPtr>& watches, int64_t through, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  struct ByNext {
    bool operator()(const WatchPtr& a, const WatchPtr& b) const {
      return a->next != b->next ? a->next < b->next : a < b;
    }
  };

  const Store* const store_;
  const Options options_;

  absl::Mutex sync_mutex_;  // One pass of SyncSome() at a time. Taken first.

  mutable absl::Mutex mutex_;
  int64_t revision_ ABSL_GUARDED_BY(mutex_);  // Of the last Notify().
  WatchIndex<Watch*> synced_ ABSL_GUARDED_BY(mutex_);
  std::set<WatchPtr, ByNext> unsynced_ ABSL_GUARDED_BY(mutex_);
  std::set<Watch*> progress_ ABSL_GUARDED_BY(mutex_);  // Those that want to be told.
  Counts counts_ ABSL_GUARDED_BY(mutex_);              // But for unsynced.
};

// --- Streams -------------------------------------------------------------------------------------

StreamHandle::~StreamHandle() {
  hub_->Close(stream_);
  stream_.outbox->Close();
}
void StreamHandle::Create(const WatchCreateRequest& request) { hub_->Create(stream_, request); }
void StreamHandle::Refuse(absl::string_view reason) { hub_->Refuse(stream_, reason); }
void StreamHandle::Cancel(int64_t watch_id) { hub_->Cancel(stream_, watch_id); }
void StreamHandle::RequestProgress() { hub_->RequestProgress(stream_); }

absl::optional<WatchOutput> StreamHandle::Next() {
  absl::optional<WatchOutput> next = stream_.outbox->Next();
  if (!next || stream_.outbox->IsHalfEmpty()) hub_->Resume(stream_);
  return next;
}

void Hub::Close(Stream& stream) {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, watch] : stream.watches) Leave(*watch);
  counts_.watches -= stream.watches.size();
  --counts_.streams;
  stream.watches.clear();
}

WatchOutput Hub::Refusal(absl::string_view reason) const {
  WatchOutput output{Head(kNoWatch, revision_), {}};
  output.head.set_created(true);
  output.head.set_canceled(true);
  output.head.set_cancel_reason(std::string(reason));
  return output;
}

void Hub::Refuse(Stream& stream, absl::string_view reason) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    Send(stream, Refusal(reason), news);
  }
  Announce(news);
}

void Hub::Create(Stream& stream, const WatchCreateRequest& request) {
  News news;
  bool is_unsynced = false;
  {
    absl::MutexLock lock(&mutex_);
    const KeyRange range = WatchedRange(request.key(), request.range_end());
    if (range.IsEmpty()) {
      Send(stream, Refusal(errors::kEmptyWatchRange), news);
    } else if (request.watch_id() != 0 && stream.watches.count(request.watch_id()) > 0) {
      Send(stream, Refusal(errors::kDuplicateWatchId), news);
    } else if (counts_.watches >= options_.max_watches) {
      Send(stream, Refusal(errors::kTooManyRequests.text), news);
    } else {
      auto watch = std::make_shared<Watch>();
      watch->stream = &stream;
      watch->id = request.watch_id();
      if (watch->id == 0) {
        while (stream.watches.count(stream.next_id) > 0) ++stream.next_id;
        watch->id = stream.next_id++;
      }
      watch->key = std::string(range.key);
      watch->range_end = std::string(range.range_end);
      for (int filter : request.filters()) {
        if (filter == WatchCreateRequest::NOPUT) watch->wants_puts = false;
        if (filter == WatchCreateRequest::NODELETE) watch->wants_deletes = false;
      }
      watch->wants_previous = request.prev_kv();
      watch->wants_progress = request.progress_notify();
      watch->may_split = request.fragment();
      watch->next = request.start_revision() == 0 ? revision_ + 1 : request.start_revision();
      stream.watches[watch->id] = watch;
      ++counts_.watches;

      // Queued under the lock under which it becomes visible to Notify(): first the answer, then
      // the events.
      WatchOutput created{Head(watch->id, revision_), {}};
      created.head.set_created(true);
      Send(stream, std::move(created), news);
      is_unsynced = watch->next <= revision_;
      Enter(*watch, is_unsynced ? Watch::State::kUnsynced : Watch::State::kSynced);
    }
  }
  Announce(news);
  if (is_unsynced) options_.wake();
}

void Hub::Cancel(Stream& stream, int64_t watch_id) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    auto found = stream.watches.find(watch_id);
    if (found == stream.watches.end()) return;
    Leave(*found->second);
    stream.watches.erase(found);
    --counts_.watches;
    WatchOutput canceled{Head(watch_id, revision_), {}};
    canceled.head.set_canceled(true);
    Send(stream, std::move(canceled), news);
    MaybeAnswerProgress(stream, news);
  }
  Announce(news);
}

void Hub::RequestProgress(Stream& stream) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    stream.progress_requested = true;
    MaybeAnswerProgress(stream, news);
  }
  Announce(news);
}

void Hub::MaybeAnswerProgress(Stream& stream, News& news) {
  if (!stream.progress_requested || stream.behind > 0) return;
  stream.progress_requested = false;
  Send(stream, {Head(kNoWatch, revision_), {}}, news);
}

void Hub::Resume(Stream& stream) {
  {
    absl::MutexLock lock(&mutex_);
    if (stream.slow.empty()) return;
    while (!stream.slow.empty()) Move(**stream.slow.begin(), Watch::State::kUnsynced);
  }
  options_.wake();
}

// --- States --------------------------------------------------------------------------------------

void Hub::Leave(Watch& watch) {
  switch (watch.state) {
    case Watch::State::kSynced: synced_.Remove(watch.range(), &watch); break;
    case Watch::State::kUnsynced:
      unsynced_.erase(watch.stream->watches[watch.id]);
      --watch.stream->behind;
      break;
    case Watch::State::kSlow:
      watch.stream->slow.erase(&watch);
      --watch.stream->behind;
      --counts_.slow;
      break;
    case Watch::State::kGone: break;
  }
  if (watch.wants_progress) progress_.erase(&watch);
  watch.state = Watch::State::kGone;
}

void Hub::Enter(Watch& watch, Watch::State state) {
  watch.state = state;
  switch (state) {
    case Watch::State::kSynced: synced_.Add(watch.range(), &watch); break;
    case Watch::State::kUnsynced:
      unsynced_.insert(watch.stream->watches[watch.id]);
      ++watch.stream->behind;
      break;
    case Watch::State::kSlow:
      watch.stream->slow.insert(&watch);
      ++watch.stream->behind;
      ++counts_.slow;
      break;
    case Watch::State::kGone: break;
  }
  if (watch.wants_progress) progress_.insert(&watch);
}

bool Hub::Deliver(Watch& watch, int64_t revision, News& news) {
  if (watch.events.empty()) return true;
  WatchEvents events = std::move(watch.events);
  watch.events.clear();
  if (!watch.stream->outbox->HasRoom()) return false;
  counts_.events += events.size();
  watch.heard = true;
  Send(*watch.stream, {Head(watch.id, revision), std::move(events)}, news, watch.may_split);
  return true;
}

// --- The present ---------------------------------------------------------------------------------

void Hub::Notify(int64_t revision, absl::Span<const Change> changes) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    revision_ = revision;
    if (synced_.empty()) return;
    std::vector<Watch*> touched;
    for (const Change& change : changes) {
      const absl::optional<Record> record = DecodeRecord(change.stored);
      RAFT_CHECK(record.has_value()) << "a change that was never encoded";
      EventMaker events(*store_, change, *record);
      synced_.Visit(record->key, [&](Watch* watch) {
        if (watch->next > revision || !watch->Wants(*record)) return;
        if (watch->events.empty()) touched.push_back(watch);
        watch->events.push_back(events.For(watch->wants_previous));
      });
    }
    for (Watch* watch : touched) {
      if (Deliver(*watch, revision, news)) continue;
      watch->next = revision;
      Move(*watch, Watch::State::kSlow);
    }
  }
  Announce(news);
}

void Hub::NotifyProgress() {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    for (Watch* watch : progress_) {
      const bool heard = std::exchange(watch->heard, false);
      // What is still queued will tell more.
      if (heard || watch->state != Watch::State::kSynced || !watch->stream->outbox->IsEmpty()) {
        continue;
      }
      Send(*watch->stream, {Head(watch->id, revision_), {}}, news);
    }
  }
  Announce(news);
}

void Hub::Reset() {
  {
    absl::MutexLock lock(&mutex_);
    std::vector<Watch*> all;
    // What is synced has everything up to the last Notify().
    synced_.VisitAll([&](Watch* watch) { all.push_back(watch); });
    for (Watch* watch : all) {
      watch->next = std::max(watch->next, revision_ + 1);
      Move(*watch, Watch::State::kUnsynced);
    }
    revision_ = std::max(revision_, store_->revision());
  }
  options_.wake();
}

// --- The past ------------------------------------------------------------------------------------

void Hub::EndCompacted(const WatchPtr& watch, int64_t compacted, News& news) {
  Stream& stream = *watch->stream;
  Leave(*watch);  // The stream keeps it: its ID is taken until the client cancels it.
  WatchOutput canceled{Head(watch->id, 0), {}};
  canceled.head.set_canceled(true);
  canceled.head.set_compact_revision(compacted == 0 ? kNeverCompacted : compacted);
  Send(stream, std::move(canceled), news);
  MaybeAnswerProgress(stream, news);
}

std::vector<WatchPtr> Hub::ChooseUnsynced(News& news) {
  const int64_t compacted = store_->compacted();
  std::vector<WatchPtr> chosen;
  for (auto it = unsynced_.begin();
       it != unsynced_.end() && chosen.size() < options_.sync_watches;) {
    const WatchPtr watch = *it++;
    if (watch->next < (compacted == 0 ? kNeverCompacted : compacted)) {
      EndCompacted(watch, compacted, news);
    } else {
      chosen.push_back(watch);
    }
  }
  return chosen;
}

int64_t Hub::Gather(const std::vector<WatchPtr>& watches, size_t max_bytes) const {
  WatchIndex<Watch*> index;
  int64_t first = watches.front()->next;
  for (const WatchPtr& watch : watches) {
    index.Add(watch->range(), watch.get());
    first = std::min(first, watch->next);
  }
  int64_t through = store_->revision();
  int64_t reading = first;
  size_t bytes = 0;
  absl::Status s = store_->Changes(std::max<int64_t>(first, 1), [&](const Change& change) {
    if (change.at.main > through) return false;
    if (change.at.main > reading && bytes >= max_bytes) {
      through = reading;
      return false;
    }
    reading = change.at.main;
    bytes += change.stored.size();
    const absl::optional<Record> record = DecodeRecord(change.stored);
    if (!record) return true;  // The store has complained about it.
    EventMaker events(*store_, change, *record);
    index.Visit(record->key, [&](Watch* watch) {
      if (watch->next > change.at.main || !watch->Wants(*record)) return;
      watch->events.push_back(events.For(watch->wants_previous));
    });
    return true;
  });
  if (s.ok()) return through;
  for (const WatchPtr& watch : watches) watch->events.clear();
  return 0;
}

void Hub::DeliverGathered(const std::vector<WatchPtr>& watches, int64_t through, News& news) {
  for (const WatchPtr& watch : watches) {
    if (watch->state != Watch::State::kUnsynced) {  // Gone in the meantime.
      watch->events.clear();
      continue;
    }
    if (!Deliver(*watch, through, news)) {
      Move(*watch, Watch::State::kSlow);
      continue;
    }
    Leave(*watch);
    watch->next = std::max(watch->next, through + 1);
    Enter(*watch, watch->next > revision_ ? Watch::State::kSynced : Watch::State::kUnsynced);
    MaybeAnswerProgress(*watch->stream, news);
  }
}

bool Hub::SyncSome() {
  absl::MutexLock sync_lock(&sync_mutex_);
  News news;
  bool has_more = false;
  std::vector<WatchPtr> chosen;
  {
    absl::MutexLock lock(&mutex_);
    chosen = ChooseUnsynced(news);
  }
  if (!chosen.empty()) {
    const int64_t through = Gather(chosen, options_.sync_bytes);
    absl::MutexLock lock(&mutex_);
    if (through > 0) DeliverGathered(chosen, through, news);
    // Those who nearly made it: nothing can happen while the rest is read.
    std::vector<WatchPtr> close;
    for (const WatchPtr& watch : chosen) {
      if (watch->state == Watch::State::kUnsynced && revision_ - watch->next < kLastStep) {
        close.push_back(watch);
      }
    }
    if (!close.empty()) {
      const int64_t end = Gather(close, SIZE_MAX);
      if (end > 0) DeliverGathered(close, end, news);
    }
    has_more = !unsynced_.empty();
  }
  Announce(news);
  return has_more;
}

}  // namespace

std::unique_ptr<WatchHub> WatchHub::Create(const Store* store, Options options) {
  return std::make_unique<Hub>(store, std::move(options));
}

}  // namespace raftexample
