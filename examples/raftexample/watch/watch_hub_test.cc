#include "examples/raftexample/watch/watch_hub.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/watch/testing.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::WatchCreateRequest;
using etcdserverpb::WatchResponse;

TEST_F(HubTest, TellsWhatHappensFromNowOn) {
  Put("a", "before");
  auto stream = Open();
  const WatchResponse created = Created(*stream, ToWatch("a"));
  EXPECT_EQ(Text(created), "header { revision: 2 } created: true");
  EXPECT_FALSE(stream->Next());
  Put("a", "1");
  Put("b", "not watched");
  Delete("a");
  EXPECT_EQ(Text(Next(*stream)),
            "header { revision: 3 } events { kv { key: \"a\" create_revision: 2 mod_revision: 3 "
            "version: 2 value: \"1\" } }");
  EXPECT_EQ(Text(Next(*stream)),
            "header { revision: 5 } events { type: DELETE kv { key: \"a\" mod_revision: 5 } }");
  EXPECT_FALSE(stream->Next());
}

// -1 is what clients are told was compacted when nothing was, and may be asked for; what is before
// it is gone in any case.
TEST_F(HubTest, ANegativeRevisionIsOfThePast) {
  Put("a", "1");
  auto stream = Open();
  Created(*stream, ToWatch("a", "", -1));
  Created(*stream, ToWatch("a", "", -2));
  Sync();
  EXPECT_EQ(Text(Next(*stream)), "header { } watch_id: 1 canceled: true compact_revision: -1");
  EXPECT_EQ(Short(Next(*stream)), "a=1");
  Put("a", "2");
  EXPECT_EQ(Short(Next(*stream)), "a=2");
}

TEST_F(HubTest, CallsWhenThereIsSomethingToReadAgain) {
  auto stream = Open();
  stream->Create(ToWatch("a"));
  EXPECT_EQ(readies_, 1);
  Put("a", "1");
  EXPECT_EQ(readies_, 1) << "the client has not come for the first one yet";
  EXPECT_TRUE(stream->Next());
  EXPECT_TRUE(stream->Next());
  EXPECT_FALSE(stream->Next());
  Put("a", "2");
  EXPECT_EQ(readies_, 2);
}

TEST_F(HubTest, ATransactionIsOneResponse) {
  auto stream = Open();
  Created(*stream, ToWatch("a", "c"));
  Store::Write write(store_.get());
  Put(write, "b", "2");
  Put(write, "a", "1");
  Put(write, "c", "outside");
  Finish(write);
  EXPECT_EQ(Short(Next(*stream)), "b=2 a=1") << "in the order in which they were made";
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, ChoosesIdsThatAreNotInUse) {
  auto stream = Open();
  auto create = [&](int64_t id) {
    WatchCreateRequest request = ToWatch("a");
    request.set_watch_id(id);
    return Created(*stream, request);
  };
  EXPECT_EQ(create(0).watch_id(), 0);
  EXPECT_EQ(create(1).watch_id(), 1);
  EXPECT_EQ(create(0).watch_id(), 2) << "1 is taken";
  stream->Cancel(2);
  EXPECT_EQ(Text(Next(*stream)), "header { revision: 1 } watch_id: 2 canceled: true");
  EXPECT_EQ(create(0).watch_id(), 3) << "chosen IDs do not come back";
  const WatchResponse twice = create(1);
  EXPECT_TRUE(twice.canceled());
  EXPECT_EQ(twice.watch_id(), -1);
  EXPECT_EQ(twice.cancel_reason(), "mvcc: duplicate watch ID provided on the WatchStream");
  stream->Cancel(77);  // Nobody knows it.
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, SaysWhatItCannotWatch) {
  auto stream = Open();
  const WatchResponse empty = Created(*stream, ToWatch("b", "a"));
  EXPECT_EQ(empty.cancel_reason(), "mvcc: watcher range is empty");
  EXPECT_TRUE(empty.canceled());
  EXPECT_EQ(empty.watch_id(), -1);
  stream->Refuse("no");
  EXPECT_EQ(
      Text(Next(*stream)),
      "header { revision: 1 } watch_id: -1 created: true canceled: true cancel_reason: \"no\"");
  EXPECT_EQ(hub_->counts().watches, 0u);
  EXPECT_EQ(Created(*stream, ToWatch("", kZero)).watch_id(), 0) << "no key is the first key";
}

TEST_F(HubTest, ASingleKeyIsNeverWidened) {
  auto stream = Open();
  Created(*stream, ToWatch("a"));
  Put("b", "1");
  Put("aa", "1");
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, FiltersWhatIsNotWanted) {
  auto stream = Open();
  WatchCreateRequest no_put = ToWatch("a"), no_delete = ToWatch("a");
  no_put.add_filters(WatchCreateRequest::NOPUT);
  no_delete.add_filters(WatchCreateRequest::NODELETE);
  Created(*stream, no_put);
  Created(*stream, no_delete);
  Put("a", "1");
  const WatchResponse put = Next(*stream);
  EXPECT_EQ(Short(put), "a=1");
  EXPECT_EQ(put.watch_id(), 1);
  Delete("a");
  const WatchResponse deleted = Next(*stream);
  EXPECT_EQ(Short(deleted), "-a");
  EXPECT_EQ(deleted.watch_id(), 0);
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, TellsWhatWasBeforeThoseWhoAsk) {
  auto stream = Open();
  WatchCreateRequest request = ToWatch("a");
  request.set_prev_kv(true);
  Created(*stream, request);
  Created(*stream, ToWatch("a"));
  Put("a", "1");
  Put("a", "2");
  Delete("a");
  std::map<int64_t, std::vector<WatchResponse>> by_watch;
  for (int i = 0; i < 6; ++i) {
    const WatchResponse response = Next(*stream);
    by_watch[response.watch_id()].push_back(response);
  }
  EXPECT_FALSE(by_watch[0][0].events(0).has_prev_kv()) << "a new key";
  EXPECT_EQ(by_watch[0][1].events(0).prev_kv().value(), "1");
  EXPECT_EQ(by_watch[0][2].events(0).prev_kv().value(), "2");
  for (const WatchResponse& response : by_watch[1]) {
    EXPECT_FALSE(response.events(0).has_prev_kv());
  }
}

TEST_F(HubTest, HistoryComesFirstThenThePresentWithoutGapOrRepeat) {
  for (int i = 2; i <= 5; ++i) Put("a", absl::StrCat(i));
  auto stream = Open();
  EXPECT_EQ(Created(*stream, ToWatch("a", "", 3)).header().revision(), 5);
  EXPECT_EQ(wakes_, 1);
  Put("a", "6");  // While it is still behind.
  EXPECT_FALSE(stream->Next());
  Sync();
  EXPECT_EQ(Short(Next(*stream)), "a=3 a=4 a=5 a=6");
  Put("a", "7");
  EXPECT_EQ(Short(Next(*stream)), "a=7");
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, AStartInTheFutureTellsNothingBeforeIt) {
  auto stream = Open();
  Created(*stream, ToWatch("a", "", 4));
  for (int i = 2; i <= 5; ++i) Put("a", absl::StrCat(i));
  EXPECT_EQ(Short(Next(*stream)), "a=4");
  EXPECT_EQ(Short(Next(*stream)), "a=5");
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, AWatchOfWhatIsCompactedIsCancelledWithTheRevision) {
  for (int i = 2; i <= 6; ++i) Put("a", absl::StrCat(i));
  Compact(5);
  auto stream = Open();
  Created(*stream, ToWatch("a", "", 4));
  Created(*stream, ToWatch("a", "", 5));
  Sync();
  EXPECT_EQ(Text(Next(*stream)), "header { } canceled: true compact_revision: 5");
  EXPECT_EQ(Short(Next(*stream)), "a=5 a=6") << "the compacted revision itself can be watched";
  Put("a", "7");
  EXPECT_EQ(Short(Next(*stream)), "a=7") << "the stream lives on";
  EXPECT_FALSE(stream->Next());
}

// Seen of etcd 3.4.
TEST_F(HubTest, WhatCompactionEndedKeepsItsIdUntilTheClientCancelsIt) {
  for (int i = 2; i <= 4; ++i) Put("a", absl::StrCat(i));
  Compact(4);
  auto stream = Open();
  WatchCreateRequest of_the_past = ToWatch("a", "", 3);
  of_the_past.set_watch_id(5);
  of_the_past.set_progress_notify(true);
  WatchCreateRequest of_now = ToWatch("a");
  of_now.set_watch_id(5);
  Created(*stream, of_the_past);
  Sync();
  EXPECT_EQ(Text(Next(*stream)), "header { } watch_id: 5 canceled: true compact_revision: 4");
  EXPECT_EQ(Created(*stream, of_now).cancel_reason(), errors::kDuplicateWatchId);
  Put("a", "5");
  hub_->NotifyProgress();
  EXPECT_FALSE(stream->Next()) << "it is told nothing more";
  stream->RequestProgress();
  EXPECT_EQ(Text(Next(*stream)), "header { revision: 5 } watch_id: -1") << "it holds up nobody";

  stream->Cancel(5);
  EXPECT_EQ(Text(Next(*stream)), "header { revision: 5 } watch_id: 5 canceled: true");
  stream->Cancel(5);
  EXPECT_FALSE(stream->Next()) << "now it is unknown";
  EXPECT_FALSE(Created(*stream, of_now).canceled());
  Put("a", "6");
  EXPECT_EQ(Short(Next(*stream)), "a=6");
}

TEST_F(HubTest, ADeleteAtTheCompactedRevisionIsTold) {
  Put("a", "1");  // 2
  Delete("a");    // 3
  Put("b", "1");
  Compact(3);
  auto stream = Open();
  Created(*stream, ToWatch("a", "", 3));
  Sync();
  EXPECT_EQ(Short(Next(*stream)), "-a");
}

TEST_F(HubTest, ProgressIsNotToldBeforeTheEvents) {
  for (int i = 2; i <= 5; ++i) Put("a", absl::StrCat(i));
  auto stream = Open();
  Created(*stream, ToWatch("a", "", 2));
  stream->RequestProgress();
  stream->RequestProgress();
  EXPECT_FALSE(stream->Next()) << "a watch is still behind";
  Sync();
  EXPECT_EQ(Short(Next(*stream)), "a=2 a=3 a=4 a=5");
  EXPECT_EQ(Text(Next(*stream)), "header { revision: 5 } watch_id: -1");
  EXPECT_FALSE(stream->Next()) << "one answer for both";
  stream->RequestProgress();
  EXPECT_EQ(Next(*stream).watch_id(), -1) << "nothing is behind now";
}

TEST_F(HubTest, TellsHowFarAQuietWatchIs) {
  auto stream = Open();
  WatchCreateRequest request = ToWatch("a");
  request.set_progress_notify(true);
  Created(*stream, request);
  Created(*stream, ToWatch("a"));
  Put("a", "1");
  EXPECT_EQ(Short(Next(*stream)), "a=1");
  EXPECT_EQ(Short(Next(*stream)), "a=1");
  hub_->NotifyProgress();
  EXPECT_FALSE(stream->Next()) << "it has just heard something";
  Put("b", "1");
  hub_->NotifyProgress();
  EXPECT_EQ(Text(Next(*stream)), "header { revision: 3 }");
  EXPECT_FALSE(stream->Next()) << "the other one did not ask";
  Put("a", "2");
  hub_->NotifyProgress();
  hub_->NotifyProgress();
  EXPECT_EQ(Short(Next(*stream)), "a=2") << "what is queued says more";
}

TEST_F(HubTest, LargeResponsesComeInPiecesToThoseWhoAccept) {
  Start({.max_fragment_bytes = 1000});
  auto stream = Open();
  WatchCreateRequest request = ToWatch("a", "z");
  request.set_fragment(true);
  Created(*stream, request);
  Created(*stream, ToWatch("a", "z"));
  Store::Write write(store_.get());
  for (int i = 0; i < 10; ++i) Put(write, absl::StrCat("k", i), std::string(300, 'x'));
  Put(write, "large", std::string(5000, 'x'));
  Finish(write);
  std::vector<int> pieces;
  bool more = true;
  while (more) {
    const WatchResponse piece = Next(*stream);
    EXPECT_EQ(piece.watch_id(), 0);
    EXPECT_EQ(piece.header().revision(), 2);
    pieces.push_back(piece.events_size());
    more = piece.fragment();
  }
  EXPECT_EQ(pieces, (std::vector<int>{3, 3, 3, 1, 1})) << "the large one does not fit beside";
  EXPECT_EQ(Next(*stream).events_size(), 11) << "the other one gets everything at once";
  EXPECT_FALSE(stream->Next());
}

TEST_F(HubTest, AClientThatDoesNotReadCostsTheOthersNothingAndLosesNothing) {
  Start({.max_queue_bytes = 10000});
  auto slow = Open(), quick = Open();
  Created(*slow, ToWatch("a"));
  Created(*quick, ToWatch("a"));
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    Put("a", absl::StrCat(i));
    absl::StrAppend(&expected, i == 0 ? "" : " ", "a=", i);
    EXPECT_EQ(Short(Next(*quick)), absl::StrCat("a=", i));
  }
  EXPECT_EQ(hub_->counts().slow, 1u);
  EXPECT_FALSE(hub_->SyncSome()) << "it waits for the client, not for us";
  EXPECT_TRUE(slow->backlogged());

  std::string got;
  int responses = 0;
  while (true) {
    if (absl::optional<WatchOutput> output = slow->Next()) {
      absl::StrAppend(&got, got.empty() ? "" : " ", Short(output->ToProto()));
      ++responses;
    } else if (hub_->counts().unsynced > 0) {
      Sync();
    } else {
      break;
    }
  }
  EXPECT_EQ(got, expected);
  EXPECT_LT(responses, 400) << "catching up takes many revisions at once";
  EXPECT_EQ(hub_->counts().slow, 0u);
  Put("a", "end");
  EXPECT_EQ(Short(Next(*slow)), "a=end");
}

TEST_F(HubTest, ASlowWatchIsCancelledWhenWhatItMissesIsCompacted) {
  Start({.max_queue_bytes = 1000});
  auto slow = Open();
  Created(*slow, ToWatch("a"));
  for (int i = 0; i < 50; ++i) Put("a", std::string(100, 'x'));
  Compact(store_->revision());
  bool canceled = false;
  while (!canceled) {
    absl::optional<WatchOutput> output = slow->Next();
    if (!output) {
      ASSERT_GT(hub_->counts().unsynced, 0u);
      Sync();
      continue;
    }
    canceled = output->head.canceled();
    if (canceled) {
      EXPECT_EQ(output->head.compact_revision(), store_->revision());
    }
  }
  EXPECT_EQ(hub_->counts().unsynced + hub_->counts().slow, 0u);
  EXPECT_EQ(hub_->counts().watches, 1u) << "until its client cancels it";
}

TEST_F(HubTest, AClosedStreamIsForgotten) {
  Put("a", "1");
  auto stream = Open();
  stream->Create(ToWatch("a", "", 2));
  stream->Create(ToWatch("a", "z"));
  EXPECT_EQ(hub_->counts().watches, 2u);
  EXPECT_EQ(hub_->counts().unsynced, 1u);
  stream = nullptr;
  EXPECT_EQ(hub_->counts().streams, 0u);
  EXPECT_EQ(hub_->counts().watches, 0u);
  EXPECT_EQ(hub_->counts().unsynced, 0u);
  Put("a", "2");
  EXPECT_FALSE(hub_->SyncSome());
}

TEST_F(HubTest, ThereIsAnEndToHowMany) {
  Start({.max_watches = 2});
  auto stream = Open();
  Created(*stream, ToWatch("a"));
  Created(*stream, ToWatch("a"));
  EXPECT_EQ(Created(*stream, ToWatch("a")).cancel_reason(), "etcdserver: too many requests");
}

TEST_F(HubTest, AfterASnapshotNothingIsToldTwiceOrLeftOut) {
  auto stream = Open();
  Created(*stream, ToWatch("a"));
  Put("a", "2");
  EXPECT_EQ(Short(Next(*stream)), "a=2");
  // The snapshot brings 3 and 4 without a Notify().
  for (const char* value : {"3", "4"}) {
    Store::Write write(store_.get());
    Put(write, "a", value);
    write.Finish();
  }
  hub_->Reset();
  Sync();
  EXPECT_EQ(Short(Next(*stream)), "a=3 a=4");
  Put("a", "5");
  EXPECT_EQ(Short(Next(*stream)), "a=5");
  EXPECT_FALSE(stream->Next());
}

// A writer that never stops, a client at the present, one that began in the past, one that is slow.
TEST_F(HubTest, NobodyMissesAnythingWhileEverythingHappensAtOnce) {
  Start({.max_queue_bytes = 5000, .sync_bytes = 2000});
  constexpr int kChanges = 3000;
  for (int i = 0; i < 100; ++i) Put("a", absl::StrCat(i));
  std::atomic<bool> done{false};
  std::thread syncing([&] {
    while (!done) {
      hub_->SyncSome();
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> clients;
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&, c] {
      auto stream = Open();
      stream->Create(ToWatch("a", "", 2));
      int next = 0;
      while (next < kChanges) {
        absl::optional<WatchOutput> output = stream->Next();
        if (!output) {
          std::this_thread::yield();
          continue;
        }
        const WatchResponse response = output->ToProto();
        for (const mvccpb::Event& event : response.events()) {
          ASSERT_EQ(event.kv().value(), absl::StrCat(next++));
        }
        for (int i = 0; i < 20 * c; ++i) std::this_thread::yield();
      }
    });
  }
  for (int i = 100; i < kChanges; ++i) {
    Put("a", absl::StrCat(i));
    if (i % 100 == 0) {
      ASSERT_TRUE(backend_->Commit().ok());
    }
  }
  for (std::thread& client : clients) client.join();
  done = true;
  syncing.join();
}

}  // namespace
}  // namespace raftexample
