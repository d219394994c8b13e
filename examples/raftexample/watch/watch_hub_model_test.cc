// The hub beside a model: random writes, watches, compactions, and clients that read more or less.
// Everyone must have been told exactly what the model says.
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/testing/model_store.h"
#include "examples/raftexample/watch/testing.h"
#include "examples/raftexample/watch/watch_hub.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::WatchCreateRequest;
using etcdserverpb::WatchResponse;

// Holds what one watch was told against what it should have been.
class Listener {
 public:
  Listener(WatchCreateRequest request, int64_t first) : request_(request), next_(first) {}

  void Hear(const WatchResponse& response) {
    if (response.canceled()) {
      // Once by a compaction, then perhaps by the client, too.
      const bool by_compaction = response.compact_revision() > 0;
      ASSERT_FALSE(by_compaction ? ended_ : canceled_) << "twice";
      if (by_compaction) compacted_ = response.compact_revision();
      canceled_ |= !by_compaction;
      ended_ = true;
      return;
    }
    ASSERT_FALSE(ended_) << "after the end";
    EXPECT_GE(response.header().revision(), last_header_) << "never backwards";
    last_header_ = response.header().revision();
    for (const mvccpb::Event& event : response.events()) {
      EXPECT_LE(event.kv().mod_revision(), response.header().revision());
      heard_.push_back(event);
    }
    // All of a revision is in one response, unless it is in fragments.
    if (!response.fragment() && response.events_size() > 0) {
      EXPECT_GT(response.events(0).kv().mod_revision(), in_fragments_ ? 0 : last_revision_);
      last_revision_ = response.events(response.events_size() - 1).kv().mod_revision();
    }
    in_fragments_ = response.fragment();
  }

  // Everything from the beginning on, up to the end of the watch.
  void Check(const ModelStore& model, int64_t through) const {
    std::vector<mvccpb::Event> expected;
    for (mvccpb::Event event : model.events()) {
      const int64_t at = event.kv().mod_revision();
      if (at < next_ || at > through) continue;
      if (!KeyRange{request_.key(), request_.range_end()}.Contains(event.kv().key())) continue;
      const bool deletes = event.type() == mvccpb::Event::DELETE;
      bool filtered = false;
      for (int filter : request_.filters()) {
        filtered |= filter == (deletes ? WatchCreateRequest::NODELETE : WatchCreateRequest::NOPUT);
      }
      if (filtered) continue;
      if (request_.prev_kv()) {
        const ModelStore::State& before = model.At(at - 1);
        if (auto kv = before.find(event.kv().key()); kv != before.end()) {
          *event.mutable_prev_kv() = kv->second;
        }
      }
      expected.push_back(event);
    }
    if (ended_) {
      // What it heard before is a beginning of what there was.
      ASSERT_LE(heard_.size(), expected.size());
      expected.resize(heard_.size());
    }
    ASSERT_EQ(heard_.size(), expected.size());
    for (size_t i = 0; i < heard_.size(); ++i) {
      mvccpb::Event told = heard_[i];
      // A compaction may have taken what was before.
      if (!told.has_prev_kv() && expected[i].kv().mod_revision() - 1 < model.compacted()) {
        expected[i].clear_prev_kv();
      }
      EXPECT_EQ(Text(told), Text(expected[i]));
    }
  }
  bool ended() const { return ended_; }
  int64_t compacted() const { return compacted_; }

 private:
  const WatchCreateRequest request_;
  const int64_t next_;
  std::vector<mvccpb::Event> heard_;
  int64_t last_header_ = 0, last_revision_ = 0, compacted_ = 0;
  bool in_fragments_ = false, ended_ = false, canceled_ = false;
};

TEST_F(HubTest, TellsEveryoneWhatTheModelSays) {
  int ended = 0, slow = 0;
  for (int seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    auto key = [&] { return std::string(1, static_cast<char>('a' + below(6))); };
    Start(
        {.max_queue_bytes = 600, .max_fragment_bytes = 200, .sync_watches = 3, .sync_bytes = 200});
    ModelStore model;
    std::vector<std::unique_ptr<WatchStream>> streams;
    std::vector<std::map<int64_t, Listener>> listeners(4);
    for (int i = 0; i < 4; ++i) streams.push_back(Open());

    auto read = [&](int s, int max) {
      for (; max > 0; --max) {
        absl::optional<WatchOutput> output = streams[s]->Next();
        if (!output) return;
        const WatchResponse response = output->ToProto();
        if (response.created() || response.watch_id() == -1) continue;
        listeners[s].at(response.watch_id()).Hear(response);
      }
    };
    auto write = [&] {
      etcdserverpb::TxnRequest txn;
      for (int n = 1 + below(3); n > 0; --n) {
        if (below(3) == 0) {
          txn.add_success()->mutable_request_delete_range()->set_key(key());
        } else {
          auto* put = txn.add_success()->mutable_request_put();
          put->set_key(key());
          put->set_value(absl::StrCat(below(1000)));
        }
      }
      // A key is changed once in a transaction.
      std::set<std::string> changed;
      Store::Write real(store_.get());
      etcdserverpb::TxnRequest valid;
      for (const auto& op : txn.success()) {
        const std::string& k =
            op.has_request_put() ? op.request_put().key() : op.request_delete_range().key();
        if (!changed.insert(k).second) continue;
        *valid.add_success() = op;
        if (op.has_request_put()) {
          real.Put(op.request_put(), nullptr);
        } else {
          real.DeleteRange(op.request_delete_range(), nullptr);
        }
      }
      Finish(real);
      etcdserverpb::TxnResponse ignored;
      ASSERT_TRUE(model.Txn(valid, leases_, &ignored).ok());
      ASSERT_EQ(model.revision(), store_->revision());
    };

    for (int step = 0; step < 600; ++step) {
      write();
      const int s = below(4);
      if (below(6) == 0) {
        WatchCreateRequest request = ToWatch(key());
        if (below(2) == 0) request.set_range_end(below(2) == 0 ? kZero : request.key() + "z");
        if (below(2) == 0) {
          request.set_start_revision(1 + below(static_cast<int>(model.revision()) + 5));
        }
        if (below(4) == 0) request.add_filters(WatchCreateRequest::NOPUT);
        if (below(4) == 0) request.add_filters(WatchCreateRequest::NODELETE);
        request.set_prev_kv(below(3) == 0);
        request.set_fragment(below(3) == 0);
        request.set_watch_id(1000 + step);
        streams[s]->Create(request);
        const int64_t first =
            request.start_revision() > 0 ? request.start_revision() : model.revision() + 1;
        listeners[s].emplace(request.watch_id(), Listener(request, first));
      }
      if (below(60) == 0 && !listeners[s].empty()) {
        streams[s]->Cancel(listeners[s].rbegin()->first);
      }
      if (below(80) == 0) {
        const int64_t at = model.revision() - below(20);
        if (store_->CheckCompaction(at).ok()) {
          Compact(at);
          ASSERT_TRUE(model.Compact(at).ok());
        }
      }
      if (below(3) == 0) hub_->SyncSome();
      if (below(10) == 0) hub_->NotifyProgress();
      if (below(10) == 0) streams[s]->RequestProgress();
      slow += static_cast<int>(hub_->counts().slow);
      read(s, below(s == 0 ? 2 : 12));  // The first one is slow.
    }
    // Everybody reads to the end.
    bool busy = true;
    while (busy) {
      busy = hub_->SyncSome();
      for (int s = 0; s < 4; ++s) {
        read(s, 1 << 20);
        busy |= hub_->counts().unsynced > 0 || hub_->counts().slow > 0;
      }
    }
    for (const auto& stream : listeners) {
      for (const auto& [id, listener] : stream) {
        listener.Check(model, model.revision());
        ended += listener.compacted() > 0;
      }
    }
    streams.clear();
    if (HasFailure()) break;
  }
  // The dice must have shown everything.
  EXPECT_GT(ended, 0);
  EXPECT_GT(slow, 0);
}

}  // namespace
}  // namespace raftexample
