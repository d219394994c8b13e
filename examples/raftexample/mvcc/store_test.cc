#include "examples/raftexample/mvcc/store.h"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/testing/model_store.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::DeleteRangeRequest;
using etcdserverpb::DeleteRangeResponse;
using etcdserverpb::PutRequest;
using etcdserverpb::PutResponse;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;

const std::string kZero(1, '\0');

// A store, its backend and leases, that can be closed and opened again.
class Kv {
 public:
  explicit Kv(std::string directory) : directory_(std::move(directory)) { Open(); }

  void Open() {
    store_ = nullptr;
    backend_ = nullptr;
    leases.lease_of_key.clear();
    backend_ = *Backend::Open({directory_, 64 << 20, /*sync=*/false});
    auto store = Store::Open(backend_.get(), &leases);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  Store& store() { return *store_; }
  Backend& backend() { return *backend_; }

  PutResponse Put(const PutRequest& request) {
    PutResponse response;
    Store::Write write(store_.get());
    write.Put(request, &response);
    write.Finish();
    return response;
  }
  PutResponse Put(const std::string& key, const std::string& value) {
    PutRequest request;
    request.set_key(key);
    request.set_value(value);
    return Put(request);
  }
  DeleteRangeResponse Delete(const DeleteRangeRequest& request) {
    DeleteRangeResponse response;
    Store::Write write(store_.get());
    write.DeleteRange(request, &response);
    write.Finish();
    return response;
  }
  DeleteRangeResponse Delete(const std::string& key, const std::string& end = "") {
    DeleteRangeRequest request;
    request.set_key(key);
    request.set_range_end(end);
    return Delete(request);
  }
  RangeResponse Range(const RangeRequest& request) {
    RangeResponse response;
    absl::Status s = store_->Range(request, &response);
    EXPECT_TRUE(s.ok()) << s;
    return response;
  }
  absl::Status StatusOfRead(int64_t revision) {
    RangeRequest request;
    request.set_key("k");
    request.set_revision(revision);
    RangeResponse response;
    return store_->Range(request, &response);
  }
  void FinishCompaction() {
    ASSERT_TRUE(backend_->Commit().ok());
    while (*store_->CompactSome()) {
    }
    ASSERT_TRUE(store_->CompactionFinished());
  }
  size_t StoredChanges() {
    EXPECT_TRUE(backend_->Commit().ok());
    size_t count = 0;
    EXPECT_TRUE(backend_
                    ->ScanCommitted(Bucket::kChanges,
                                    [&](absl::string_view, absl::string_view) {
                                      ++count;
                                      return true;
                                    })
                    .ok());
    return count;
  }

  ModelLeases leases;

 private:
  const std::string directory_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

std::vector<mvccpb::Event> Events(const Store& store, int64_t first) {
  std::vector<mvccpb::Event> events;
  absl::Status s = store.Changes(first, [&](const Change& change) {
    const Record record = *DecodeRecord(change.stored);
    mvccpb::Event event;
    event.set_type(record.deletes ? mvccpb::Event::DELETE : mvccpb::Event::PUT);
    ToKeyValue(record, change.at.main, WithValue::kYes, event.mutable_kv());
    events.push_back(event);
    return true;
  });
  EXPECT_TRUE(s.ok()) << s;
  return events;
}

std::string Text(const google::protobuf::Message& message) { return message.ShortDebugString(); }

TEST(Store, BeginsAtRevisionOne) {
  TempDirectory dir;
  Kv kv(dir / "db");
  EXPECT_EQ(kv.store().revision(), 1);
  EXPECT_EQ(kv.Put("a", "1").header().revision(), 2);
  EXPECT_EQ(kv.Delete("nothing").header().revision(), 2) << "nothing was changed";
  EXPECT_EQ(kv.Delete("a").header().revision(), 3);
}

TEST(Store, ATransactionIsVisibleAsAWholeOrNotAtAll) {
  TempDirectory dir;
  Kv kv(dir / "db");
  PutRequest request;
  RangeRequest all;
  all.set_key(kZero);
  all.set_range_end(kZero);
  Store::Write write(&kv.store());
  request.set_key("a");
  write.Put(request, nullptr);
  request.set_key("b");
  write.Put(request, nullptr);
  EXPECT_EQ(kv.Range(all).count(), 0);
  RangeResponse inside;
  ASSERT_TRUE(write.reads().Range(all, &inside).ok());
  EXPECT_EQ(inside.count(), 2);
  EXPECT_EQ(inside.header().revision(), 2);
  EXPECT_EQ(Events(kv.store(), 1).size(), 0u);
  write.Finish();
  EXPECT_EQ(kv.Range(all).count(), 2);
  EXPECT_EQ(Events(kv.store(), 1).size(), 2u);
}

TEST(Store, ReadsOutsideOfWhatIsKeptAreRefused) {
  TempDirectory dir;
  Kv kv(dir / "db");
  for (int i = 0; i < 5; ++i) kv.Put("k", absl::StrCat(i));  // Revisions 2 to 6.
  EXPECT_TRUE(errors::kFutureRevision.Is(kv.StatusOfRead(7)));
  EXPECT_TRUE(errors::kFutureRevision.Is(kv.store().Compact(7)));
  ASSERT_TRUE(kv.store().Compact(4).ok());
  EXPECT_TRUE(errors::kCompacted.Is(kv.StatusOfRead(3)));
  EXPECT_TRUE(kv.StatusOfRead(4).ok()) << "the compacted revision itself can be read";
  EXPECT_TRUE(errors::kCompacted.Is(kv.store().Compact(4)));
  EXPECT_TRUE(errors::kCompacted.Is(kv.store().Compact(3)));
  EXPECT_TRUE(errors::kCompacted.Is(kv.store().Changes(3, [](const Change&) { return true; })));
  EXPECT_TRUE(errors::kCompacted.Is(kv.store().HashKv(4).status())) << "unlike a read";
  EXPECT_TRUE(errors::kFutureRevision.Is(kv.store().HashKv(7).status()));
  EXPECT_EQ(kv.store().HashKv(0)->compacted, 4);
}

TEST(Store, ARestartStillSaysCompactedAndFinishesTheWork) {
  TempDirectory dir;
  Kv kv(dir / "db");
  for (int i = 0; i < 5; ++i) kv.Put("k", absl::StrCat(i));
  ASSERT_TRUE(kv.store().Compact(6).ok());
  ASSERT_TRUE(kv.backend().Commit().ok());
  kv.Open();
  EXPECT_EQ(kv.store().compacted(), 6);
  EXPECT_TRUE(errors::kCompacted.Is(kv.StatusOfRead(5)));
  EXPECT_FALSE(kv.store().CompactionFinished());
  kv.FinishCompaction();
  EXPECT_EQ(kv.StoredChanges(), 1u);
  kv.Open();
  EXPECT_TRUE(kv.store().CompactionFinished());
  EXPECT_FALSE(*kv.store().CompactSome());
  EXPECT_EQ(kv.store().revision(), 6);
}

// Deletes go after the puts that they hide, whatever piece is the last one before a crash.
TEST(Store, NoKeyComesBackWhenACompactionIsInterrupted) {
  TempDirectory dir;
  Kv kv(dir / "db");
  constexpr int kKeys = 3000;  // More than a piece.
  for (int i = 0; i < kKeys; ++i) kv.Put(absl::StrCat("k", i), "v");
  kv.Delete(kZero, kZero);
  kv.Put("last", "v");
  const int64_t now = kv.store().revision();
  ASSERT_TRUE(kv.store().Compact(now).ok());
  ASSERT_TRUE(kv.backend().Commit().ok());
  const uint32_t hash = kv.store().HashKv(0)->hash;
  int restarts = 0;
  while (!kv.store().CompactionFinished()) {
    // The index is done anew after each restart; then one piece of the backend.
    const size_t before = kv.StoredChanges();
    while (kv.StoredChanges() == before && *kv.store().CompactSome()) {
    }
    kv.Open();
    ++restarts;
    RangeRequest all;
    all.set_key(kZero);
    all.set_range_end(kZero);
    all.set_count_only(true);
    EXPECT_EQ(kv.Range(all).count(), 1);
    EXPECT_EQ(kv.store().HashKv(0)->hash, hash) << "what is left in the file must not show";
    ASSERT_LT(restarts, 20);
  }
  EXPECT_GT(restarts, 1);
  EXPECT_EQ(kv.StoredChanges(), 1u);
}

TEST(Store, ACompactionWaitsUntilTheFileHasWhatItRemoves) {
  TempDirectory dir;
  Kv kv(dir / "db");
  kv.Put("k", "1");
  kv.Put("k", "2");
  ASSERT_TRUE(kv.store().Compact(3).ok());
  while (*kv.store().CompactSome()) {
  }
  EXPECT_FALSE(kv.store().CompactionFinished());
  kv.FinishCompaction();
  EXPECT_EQ(kv.StoredChanges(), 1u);
}

TEST(Store, ADeleteAtTheCompactedRevisionCanStillBeWatched) {
  TempDirectory dir;
  Kv kv(dir / "db");
  kv.Put("k", "1");  // 2
  kv.Delete("k");    // 3
  ASSERT_TRUE(kv.store().Compact(3).ok());
  kv.FinishCompaction();
  const std::vector<mvccpb::Event> events = Events(kv.store(), 3);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type(), mvccpb::Event::DELETE);
  kv.Open();
  EXPECT_EQ(Events(kv.store(), 3).size(), 1u);
}

TEST(Store, KeysFindTheirLeasesAgainAfterARestart) {
  TempDirectory dir;
  Kv kv(dir / "db");
  kv.leases.existing = {1, 2};
  PutRequest put;
  for (auto [key, lease] : {std::pair("a", 1), {"b", 1}, {"c", 2}, {"a", 2}, {"b", 0}}) {
    put.set_key(key);
    put.set_lease(lease);
    kv.Put(put);
  }
  kv.Delete("c");
  const std::map<std::string, int64_t> expected = {{"a", 2}};
  EXPECT_EQ(kv.leases.lease_of_key, expected);
  ASSERT_TRUE(kv.backend().Commit().ok());
  kv.Open();
  EXPECT_EQ(kv.leases.lease_of_key, expected);
}

// --- Beside the model ----------------------------------------------------------------------------

class Dice {
 public:
  explicit Dice(int seed) : random_(seed) {}
  int Below(int n) { return static_cast<int>(random_() % n); }
  bool OneIn(int n) { return Below(n) == 0; }
  std::string Key() { return std::string(1 + Below(2), 'a') + static_cast<char>('a' + Below(6)); }
  std::string End() {
    switch (Below(4)) {
      case 0: return "";
      case 1: return kZero;
      default: return Key();
    }
  }

 private:
  std::mt19937 random_;
};

RangeRequest RandomRange(Dice& dice, int64_t revision) {
  RangeRequest request;
  request.set_key(dice.Key());
  request.set_range_end(dice.End());
  request.set_limit(dice.OneIn(2) ? 0 : dice.Below(5));
  if (dice.OneIn(2)) request.set_revision(dice.Below(static_cast<int>(revision) + 2));
  request.set_sort_order(static_cast<RangeRequest::SortOrder>(dice.Below(3)));
  request.set_sort_target(static_cast<RangeRequest::SortTarget>(dice.Below(5)));
  request.set_keys_only(dice.OneIn(4));
  request.set_count_only(dice.OneIn(6));
  auto bound = [&] { return dice.OneIn(4) ? dice.Below(static_cast<int>(revision) + 1) : 0; };
  request.set_min_mod_revision(bound());
  request.set_max_mod_revision(bound());
  request.set_min_create_revision(bound());
  request.set_max_create_revision(bound());
  return request;
}

// Two stores with the same writes, but flushed, compacted in pieces and restarted at different
// times, answer as the model does, and have the same hashes.
TEST(Store, DoesWhatTheModelDoes) {
  for (int seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    TempDirectory dir;
    Kv kvs[2] = {Kv(dir / "a"), Kv(dir / "b")};
    ModelStore model;
    ModelLeases leases;
    for (int64_t lease = 1; lease < 4; ++lease) {
      leases.existing.insert(lease);
      for (Kv& kv : kvs) kv.leases.existing.insert(lease);
    }
    for (int step = 0; step < 300; ++step) {
      if (dice.OneIn(3)) {
        DeleteRangeRequest request;
        request.set_key(dice.Key());
        request.set_range_end(dice.End());
        request.set_prev_kv(dice.OneIn(2));
        DeleteRangeResponse expected;
        model.DeleteRange(request, &expected);
        for (Kv& kv : kvs) EXPECT_EQ(Text(kv.Delete(request)), Text(expected));
      } else {
        PutRequest request;
        request.set_key(dice.Key());
        const bool lives = model.now().count(request.key()) > 0;
        request.set_ignore_value(lives && dice.OneIn(4));
        request.set_ignore_lease(lives && dice.OneIn(4));
        if (!request.ignore_value()) request.set_value(absl::StrCat(dice.Below(9)));
        if (!request.ignore_lease()) request.set_lease(dice.Below(4));
        request.set_prev_kv(dice.OneIn(2));
        PutResponse expected;
        ASSERT_TRUE(model.Put(request, leases, &expected).ok());
        for (Kv& kv : kvs) EXPECT_EQ(Text(kv.Put(request)), Text(expected));
      }
      if (dice.OneIn(25)) {
        const int64_t at = dice.Below(static_cast<int>(model.revision()) + 2);
        const absl::Status expected = model.Compact(at);
        for (Kv& kv : kvs) EXPECT_EQ(kv.store().Compact(at), expected);
      }
      for (Kv& kv : kvs) {
        if (dice.OneIn(10)) kv.backend().Seal();
        if (dice.OneIn(10)) {
          ASSERT_TRUE(kv.backend().Flush().ok());
        }
        if (dice.OneIn(5)) {
          ASSERT_TRUE(kv.store().CompactSome().ok());
        }
        if (dice.OneIn(60)) {
          ASSERT_TRUE(kv.backend().Commit().ok());
          kv.Open();
        }
      }
      const RangeRequest range = RandomRange(dice, model.revision());
      RangeResponse expected;
      const absl::Status status = model.Range(range, &expected);
      for (Kv& kv : kvs) {
        RangeResponse response;
        EXPECT_EQ(kv.store().Range(range, &response), status) << Text(range);
        EXPECT_EQ(Text(response), Text(expected)) << Text(range);
      }
    }
    const int64_t first = std::max<int64_t>(model.compacted(), 1);
    std::vector<mvccpb::Event> expected;
    for (const mvccpb::Event& event : model.events()) {
      // At the compacted revision what is superseded within it is not there, but nothing is.
      if (event.kv().mod_revision() >= first) expected.push_back(event);
    }
    for (Kv& kv : kvs) {
      const std::vector<mvccpb::Event> events = Events(kv.store(), first);
      ASSERT_EQ(events.size(), expected.size());
      for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(Text(events[i]), Text(expected[i]));
    }
    for (int64_t at = model.compacted() + 1; at <= model.revision(); ++at) {
      EXPECT_EQ(kvs[0].store().HashKv(at)->hash, kvs[1].store().HashKv(at)->hash) << at;
    }
    EXPECT_EQ(kvs[0].leases.lease_of_key, kvs[1].leases.lease_of_key);
    kvs[0].FinishCompaction();
    EXPECT_EQ(kvs[0].store().HashKv(0)->hash, kvs[1].store().HashKv(0)->hash);
  }
}

TEST(Store, HashesDifferWhenAnythingDiffers) {
  TempDirectory dir;
  Kv a(dir / "a"), b(dir / "b"), c(dir / "c");
  a.Put("k", "1");
  b.Put("k", "2");
  c.Put("l", "1");
  EXPECT_NE(a.store().HashKv(0)->hash, b.store().HashKv(0)->hash);
  EXPECT_NE(a.store().HashKv(0)->hash, c.store().HashKv(0)->hash);
}

// A writer moves an amount between two keys; no reader may ever see a different sum, now or in the
// past, while flushes and compactions go on.
TEST(Store, ReadersSeeWholeTransactionsWhileEverythingElseHappens) {
  TempDirectory dir;
  Kv kv(dir / "db");
  std::atomic<bool> done{false};
  auto put = [](Store::Write& write, const char* key, int value) {
    PutRequest request;
    request.set_key(key);
    request.set_value(absl::StrCat(value));
    write.Put(request, nullptr);
  };
  auto write_sum = [&](int x) {
    Store::Write write(&kv.store());
    put(write, "x", x);
    put(write, "y", 1000 - x);
    write.Finish();
  };
  write_sum(0);
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&, r] {
      while (!done) {
        RangeRequest request;
        request.set_key("x");
        request.set_range_end("z");
        if (r == 1) request.set_revision(std::max<int64_t>(2, kv.store().revision() - 3));
        RangeResponse response;
        const absl::Status s = kv.store().Range(request, &response);
        if (r == 1 && errors::kCompacted.Is(s)) continue;
        ASSERT_TRUE(s.ok()) << s;
        ASSERT_EQ(response.kvs_size(), 2);
        EXPECT_EQ(atoi(response.kvs(0).value().c_str()) + atoi(response.kvs(1).value().c_str()),
                  1000);
      }
    });
  }
  std::thread upkeep([&] {
    while (!done) {
      EXPECT_TRUE(kv.backend().Flush().ok());
      EXPECT_TRUE(kv.store().CompactSome().ok());
      EXPECT_TRUE(kv.store().HashKv(0).ok());
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 3000; ++i) {
    write_sum(i % 1000);
    if (i % 50 == 0) kv.backend().Seal();
    if (i % 200 == 199) {
      ASSERT_TRUE(kv.store().Compact(kv.store().revision() - 1).ok());
    }
  }
  done = true;
  upkeep.join();
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace raftexample
