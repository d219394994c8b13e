#include "examples/raftexample/backend/backend.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using Contents = std::map<std::string, std::string>;

std::string Key(int n) { return absl::StrFormat("%08d", n); }

std::unique_ptr<Backend> OpenAt(const std::string& directory, size_t max_bytes = 64 << 20) {
  auto backend = Backend::Open({directory, max_bytes, /*sync=*/false});
  EXPECT_TRUE(backend.ok()) << backend.status();
  return backend.ok() ? *std::move(backend) : nullptr;
}

Contents All(const Backend::View& view, const std::string& first = "") {
  Contents contents;
  absl::Status s = view.Scan(first, [&](absl::string_view key, absl::string_view value) {
    EXPECT_TRUE(contents.emplace(key, value).second) << key << " came twice";
    return true;
  });
  EXPECT_TRUE(s.ok()) << s;
  return contents;
}

Contents Committed(const Backend& backend, Bucket bucket) {
  Contents contents;
  absl::Status s = backend.ScanCommitted(bucket, [&](absl::string_view k, absl::string_view v) {
    contents.emplace(k, v);
    return true;
  });
  EXPECT_TRUE(s.ok()) << s;
  return contents;
}

// Sends a snapshot from one to the other, in small pieces.
absl::Status Ship(const Backend& from, Backend& to, size_t piece = 1000) {
  auto snapshot = from.Snapshot();
  auto receiver = to.Receive();
  if (!snapshot.ok()) return snapshot.status();
  if (!receiver.ok()) return receiver.status();
  while ((*receiver)->received() < (*snapshot)->size()) {
    auto bytes = (*snapshot)->Read((*receiver)->received(), piece);
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = (*receiver)->Append(*bytes); !s.ok()) return s;
  }
  if (absl::Status s = (*receiver)->Finish((*snapshot)->digest()); !s.ok()) return s;
  return to.Install(*std::move(receiver));
}

TEST(Backend, AViewHoldsWhatWasWrittenBeforeItAndNothingAfter) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  backend->Append(Key(1), "flushed");
  ASSERT_TRUE(backend->Commit().ok());
  backend->Append(Key(2), "sealed");
  ASSERT_TRUE(backend->Seal());
  backend->Append(Key(3), "gathered");
  const Backend::View view = *backend->Read();
  backend->Append(Key(4), "later");
  ASSERT_TRUE(backend->Commit().ok());
  backend->Append(Key(5), "much later");

  const Contents then = {{Key(1), "flushed"}, {Key(2), "sealed"}, {Key(3), "gathered"}};
  EXPECT_EQ(All(view), then);
  EXPECT_EQ(*view.Get(Key(1)), "flushed");
  EXPECT_EQ(*view.Get(Key(2)), "sealed");
  EXPECT_EQ(*view.Get(Key(3)), "gathered");
  EXPECT_TRUE(absl::IsNotFound(view.Get(Key(4)).status()));
  EXPECT_EQ(All(*backend->Read()).size(), 5u);
}

TEST(Backend, AFlushBetweenTheHalvesOfAViewShowsNothingTwice) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  for (int i = 0; i < 1000; ++i) backend->Append(Key(i), absl::StrCat(i));
  ASSERT_TRUE(backend->Seal());
  for (int i = 1000; i < 2000; ++i) backend->Append(Key(i), absl::StrCat(i));
  const Backend::View before = *backend->Read();
  ASSERT_TRUE(backend->Flush().ok());
  EXPECT_EQ(All(before).size(), 2000u);
  EXPECT_EQ(All(*backend->Read(), Key(1500)).size(), 500u);
}

TEST(Backend, ARestartFindsDataAndPositionOfTheSameMoment) {
  TempDirectory dir;
  {
    auto backend = OpenAt(dir / "db");
    backend->Append(Key(1), "a");
    backend->Put(Bucket::kMeta, "k", "1");
    backend->SetApplied({2, 10});
    backend->SetConfState({.voters = {1, 2, 3}, .learners = {4}, .auto_leave = true});
    ASSERT_TRUE(backend->Commit().ok());
    backend->Append(Key(2), "b");
    backend->Put(Bucket::kMeta, "k", "2");
    backend->SetApplied({2, 11});
    ASSERT_TRUE(backend->Seal());  // Not flushed: as if the machine had stopped here.
  }
  auto backend = OpenAt(dir / "db");
  EXPECT_EQ(All(*backend->Read()), (Contents{{Key(1), "a"}}));
  EXPECT_EQ(*backend->GetCommitted(Bucket::kMeta, "k"), "1");
  EXPECT_EQ(backend->CommittedApplied()->id, (raftpb::EntryId{2, 10}));
  EXPECT_EQ(backend->CommittedApplied()->conf_state,
            (raftpb::ConfState{.voters = {1, 2, 3}, .learners = {4}, .auto_leave = true}));
}

TEST(Backend, SealDeclinesWhileABatchWaits) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  EXPECT_FALSE(backend->Seal()) << "there is nothing";
  backend->Append(Key(1), "a");
  EXPECT_EQ(backend->gathered_writes(), 1u);
  EXPECT_TRUE(backend->Seal());
  EXPECT_EQ(backend->gathered_writes(), 0u);
  backend->Append(Key(2), "b");
  EXPECT_FALSE(backend->Seal()) << "the first batch was not flushed";
  EXPECT_GT(backend->pending_bytes(), 0u);
  ASSERT_TRUE(backend->Flush().ok());
  EXPECT_TRUE(backend->Seal());
  ASSERT_TRUE(backend->Flush().ok());
  EXPECT_EQ(backend->pending_bytes(), 0u);
}

// A long random life beside a std::map, with views that are looked at again much later.
TEST(Backend, DoesWhatAMapWouldDo) {
  for (int seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % n); };
    TempDirectory dir;
    auto backend = OpenAt(dir / "db");
    Contents changes, committed_changes, small, committed_small;
    std::vector<std::pair<Backend::View, Contents>> views;
    int next = 0;
    auto commit = [&] {
      ASSERT_TRUE(backend->Commit().ok());
      committed_changes = changes;
      committed_small = small;
    };
    for (int step = 0; step < 600; ++step) {
      switch (below(16)) {
        case 0: {
          commit();
          break;
        }
        case 1: {  // Only flushed changes can be trimmed.
          std::vector<std::string> gone;
          for (const auto& [key, value] : committed_changes) {
            if (below(3) == 0) gone.push_back(key);
          }
          ASSERT_TRUE(backend->Trim(gone).ok());
          for (const std::string& key : gone) {
            changes.erase(key);
            committed_changes.erase(key);
          }
          break;
        }
        case 2: {
          ASSERT_TRUE(backend->Defragment().ok());
          break;
        }
        case 3: {
          if (below(4) != 0) break;
          views.clear();
          backend = nullptr;
          backend = OpenAt(dir / "db");
          changes = committed_changes;
          small = committed_small;
          break;
        }
        case 4: {
          const std::string key = Key(below(20));
          backend->Put(Bucket::kUsers, key, absl::StrCat(step));
          small[key] = absl::StrCat(step);
          break;
        }
        case 5: {
          const std::string key = Key(below(20));
          backend->Delete(Bucket::kUsers, key);
          small.erase(key);
          break;
        }
        case 6: {
          views.emplace_back(*backend->Read(), changes);
          if (views.size() > 5) views.erase(views.begin());
          break;
        }
        default: {
          for (int n = below(20); n >= 0; --n) {
            const std::string value(below(200), 'a' + below(26));
            EXPECT_EQ(backend->Append(Key(next), value), value);
            changes[Key(next++)] = value;
          }
        }
      }
      for (const auto& [view, then] : views) {
        const std::string key = Key(below(next + 1));
        EXPECT_EQ(view.Get(key).ok(), then.count(key) == 1) << key;
      }
    }
    EXPECT_EQ(All(*backend->Read()), changes);
    for (const auto& [view, then] : views) EXPECT_EQ(All(view), then);
    commit();
    EXPECT_EQ(Committed(*backend, Bucket::kUsers), small);
    EXPECT_EQ(Committed(*backend, Bucket::kChanges), changes);
  }
}

TEST(Backend, DefragmentingGivesSpaceBackAndDisturbsNoView) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) {
    keys.push_back(Key(i));
    backend->Append(Key(i), std::string(1000, 'x'));
  }
  ASSERT_TRUE(backend->Commit().ok());
  const size_t full = backend->size();
  const Backend::View view = *backend->Read();
  keys.pop_back();
  ASSERT_TRUE(backend->Trim(keys).ok());
  EXPECT_GE(backend->size(), full);
  EXPECT_LT(backend->size_in_use(), full / 10);

  ASSERT_TRUE(backend->Defragment().ok());
  EXPECT_LT(backend->size(), full / 10);
  EXPECT_EQ(All(view).size(), 5000u);
  EXPECT_EQ(All(*backend->Read()).size(), 1u);
  backend->Append(Key(9999), "goes on");
  ASSERT_TRUE(backend->Commit().ok());
  EXPECT_EQ(All(*backend->Read()).size(), 2u);
}

TEST(Backend, ASnapshotBecomesTheStateOfTheReceiver) {
  TempDirectory dir;
  auto from = OpenAt(dir / "from"), to = OpenAt(dir / "to");
  for (int i = 0; i < 2000; ++i) from->Append(Key(i), absl::StrCat("value ", i));
  from->Put(Bucket::kRoles, "r", "role");
  from->SetApplied({3, 77});
  from->SetConfState({.voters = {5}});
  ASSERT_TRUE(from->Commit().ok());
  from->Append(Key(3000), "not flushed, not in the snapshot");
  from->SetApplied({3, 78});
  EXPECT_EQ((*from->Snapshot())->applied(), (raftpb::EntryId{3, 77}));
  EXPECT_EQ((*from->Snapshot())->conf_state(), (raftpb::ConfState{.voters = {5}}));

  to->Append(Key(1), "old");
  to->Put(Bucket::kUsers, "u", "old");
  ASSERT_TRUE(to->Commit().ok());
  to->Append(Key(2), "old and pending");
  const Backend::View old = *to->Read();
  ASSERT_TRUE(Ship(*from, *to).ok());

  EXPECT_EQ(to->CommittedApplied()->id, (raftpb::EntryId{3, 77}));
  EXPECT_EQ(All(*to->Read()).size(), 2000u);
  EXPECT_EQ(*to->Read()->Get(Key(2)), "value 2");
  EXPECT_EQ(Committed(*to, Bucket::kUsers).size(), 0u);
  EXPECT_EQ(*to->GetCommitted(Bucket::kRoles, "r"), "role");
  EXPECT_EQ(*old.Get(Key(2)), "old and pending") << "a view is of its own moment";
  to = nullptr;
  to = OpenAt(dir / "to");
  EXPECT_EQ(All(*to->Read()).size(), 2000u);
}

TEST(Backend, ADamagedSnapshotIsRefusedAndChangesNothing) {
  TempDirectory dir;
  auto from = OpenAt(dir / "from"), to = OpenAt(dir / "to");
  from->Append(Key(1), "new");
  ASSERT_TRUE(from->Commit().ok());
  to->Append(Key(1), "old");
  const auto snapshot = *from->Snapshot();
  const std::string bytes = *snapshot->Read(0, snapshot->size());
  {
    auto receiver = *to->Receive();
    ASSERT_TRUE(receiver->Append(bytes.substr(1)).ok());
    EXPECT_TRUE(absl::IsDataLoss(receiver->Finish(snapshot->digest())));
  }
  std::string flipped = bytes;
  flipped[flipped.size() / 2] ^= 1;
  {
    auto receiver = *to->Receive();
    ASSERT_TRUE(receiver->Append(flipped).ok());
    EXPECT_TRUE(absl::IsDataLoss(receiver->Finish(snapshot->digest())));
  }
  EXPECT_EQ(All(*to->Read()), (Contents{{Key(1), "old"}}));
}

TEST(Backend, RefusesWhatIsNotItsOwn) {
  TempDirectory dir;
  auto status_of = [&](const std::string& name) {
    return Backend::Open({dir / name, 64 << 20, false}).status();
  };
  {
    auto first = OpenAt(dir / "taken");
    EXPECT_TRUE(IsLocked(status_of("taken"))) << status_of("taken");
  }
  EXPECT_TRUE(status_of("taken").ok()) << "free again";

  std::filesystem::create_directory(dir / "member");
  std::ofstream(dir / "member/snap") << "another program's";
  EXPECT_TRUE(IsForeign(status_of("member"))) << status_of("member");

  std::filesystem::create_directory(dir / "garbage");
  std::ofstream(dir / "garbage/store.000001.mdb") << std::string(10000, 'g');
  EXPECT_TRUE(IsForeign(status_of("garbage"))) << status_of("garbage");

  std::filesystem::create_directory(dir / "other");
  {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi;
    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 1);
    ASSERT_EQ(mdb_env_open(env, (dir / "other/store.000001.mdb").c_str(), MDB_NOSUBDIR, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, "somebody", MDB_CREATE, &dbi), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
  }
  EXPECT_TRUE(IsForeign(status_of("other"))) << status_of("other");

  std::ofstream(dir / "file") << "not a directory";
  EXPECT_FALSE(status_of("file").ok());
  EXPECT_TRUE(absl::IsNotFound(status_of("no/such/parent")));
}

TEST(Backend, AFileThatWasCutIsDamagedNotACrash) {
  TempDirectory dir;
  {
    auto backend = OpenAt(dir / "db");
    for (int i = 0; i < 1000; ++i) backend->Append(Key(i), std::string(500, 'x'));
    ASSERT_TRUE(backend->Commit().ok());
  }
  const std::string file = dir / "db/store.000001.mdb";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2 / 4096 * 4096);
  EXPECT_TRUE(absl::IsDataLoss(Backend::Open({dir / "db", 64 << 20, false}).status()));
}

TEST(Backend, KeepsWhatDidNotFitAndWritesItWhenThereIsSpace) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db", /*max_bytes=*/1 << 20);
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) {
    keys.push_back(Key(i));
    backend->Append(Key(i), std::string(1000, 'x'));
  }
  ASSERT_TRUE(backend->Commit().ok());
  for (int i = 500; i < 1000; ++i) backend->Append(Key(i), std::string(1000, 'y'));
  backend->SetApplied({1, 1});
  EXPECT_TRUE(IsNoSpace(backend->Commit()));
  EXPECT_TRUE(IsNoSpace(backend->Flush())) << "it is still full";
  EXPECT_EQ(All(*backend->Read()).size(), 1000u) << "nothing is lost";
  EXPECT_EQ(backend->CommittedApplied()->id, raftpb::EntryId{}) << "nothing is half there";

  // LMDB uses freed pages again two transactions later.
  ASSERT_TRUE(backend->Trim(keys).ok());
  ASSERT_TRUE(backend->PutNow(Bucket::kMeta, "freed", "").ok());
  ASSERT_TRUE(backend->Commit().ok());
  EXPECT_EQ(Committed(*backend, Bucket::kChanges).size(), 500u);
  EXPECT_EQ(backend->CommittedApplied()->id, (raftpb::EntryId{1, 1}));
}

TEST(Backend, AnInterruptedReplacementLeavesTheOldOrTheNewFile) {
  TempDirectory dir;
  {
    auto backend = OpenAt(dir / "db");
    backend->Append(Key(1), "old");
    ASSERT_TRUE(backend->Commit().ok());
  }
  // Before the copy got its name.
  std::ofstream(dir / "db/defragmented.tmp") << "half a copy";
  {
    auto backend = OpenAt(dir / "db");
    EXPECT_EQ(All(*backend->Read()).size(), 1u);
    EXPECT_FALSE(std::filesystem::exists(dir / "db/defragmented.tmp"));
  }
  // After it got its name, before the old file went.
  std::filesystem::copy(dir / "db/store.000001.mdb", dir / "db/store.000002.mdb");
  {
    auto backend = OpenAt(dir / "db");
    backend->Append(Key(2), "new");
    ASSERT_TRUE(backend->Commit().ok());
    EXPECT_FALSE(std::filesystem::exists(dir / "db/store.000001.mdb"));
  }
  EXPECT_EQ(All(*OpenAt(dir / "db")->Read()).size(), 2u);
}

TEST(Backend, OnlyTheOwnerCanReadTheFiles) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  struct stat st;
  ASSERT_EQ(::stat((dir / "db").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((dir / "db/store.000001.mdb").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

// A process that is killed while it writes: what it said was stored is there, and nothing is half
// there, wherever the kill falls.
TEST(Backend, SurvivesAKill) {
  TempDirectory dir;
  raftpb::Index applied = 0;
  for (int life = 0; life < 5; ++life) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto backend = Backend::Open({dir / "db", 64 << 20, /*sync=*/true});
      if (!backend.ok()) ::_exit(1);
      for (raftpb::Index index = (*backend)->CommittedApplied()->id.index + 1;; ++index) {
        (*backend)->Append(Key(static_cast<int>(index)), std::string(1 + index % 700, 'x'));
        (*backend)->Put(Bucket::kMeta, "count", absl::StrCat(index));
        (*backend)->SetApplied({1, index});
        if (index % 7 == 0 && !(*backend)->Commit().ok()) ::_exit(1);
        if (index % 300 == 0 && !(*backend)->Defragment().ok()) ::_exit(1);
        if (index % 7 == 0 && ::write(pipe[1], &index, sizeof(index)) != sizeof(index)) ::_exit(1);
      }
    }
    ::close(pipe[1]);
    raftpb::Index acknowledged = 0;
    for (int n = 0; n < 20 + 9 * life; ++n) {
      ASSERT_EQ(::read(pipe[0], &acknowledged, sizeof(acknowledged)),
                static_cast<ssize_t>(sizeof(acknowledged)));
    }
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(pipe[0]);

    auto backend = OpenAt(dir / "db");
    applied = backend->CommittedApplied()->id.index;
    EXPECT_GE(applied, acknowledged);
    EXPECT_EQ(All(*backend->Read()).size(), applied);
    EXPECT_EQ(*backend->GetCommitted(Bucket::kMeta, "count"), absl::StrCat(applied));
  }
  EXPECT_GT(applied, 300u) << "there was a defragmentation among it";
}

// Every view must be a prefix of what is written, however writing, flushing, trimming and
// defragmenting fall together.
TEST(Backend, ReadersSeeAPrefixWhileEverythingElseHappens) {
  TempDirectory dir;
  auto backend = OpenAt(dir / "db");
  constexpr int kChanges = 4000;
  std::atomic<int> written{0};
  std::atomic<bool> done{false};
  std::thread flusher([&] {
    for (int n = 0; !done; ++n) {
      EXPECT_TRUE(backend->Flush().ok());
      if (n % 50 == 0) {
        EXPECT_TRUE(backend->Defragment().ok());
      }
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        const int at_least = written;
        const Backend::View view = *backend->Read();
        int next = 0;
        ASSERT_TRUE(view.Scan("",
                              [&](absl::string_view key, absl::string_view value) {
                                EXPECT_EQ(key, Key(next));
                                EXPECT_EQ(value, absl::StrCat(next));
                                ++next;
                                return true;
                              })
                        .ok());
        EXPECT_GE(next, at_least);
        if (at_least > 0) {
          EXPECT_EQ(*view.Get(Key(at_least - 1)), absl::StrCat(at_least - 1));
        }
      }
    });
  }
  for (int i = 0; i < kChanges; ++i) {
    backend->Append(Key(i), absl::StrCat(i));
    written = i + 1;
    if (i % 100 == 0) backend->Seal();
  }
  done = true;
  flusher.join();
  for (std::thread& reader : readers) reader.join();
  ASSERT_TRUE(backend->Commit().ok());
  EXPECT_EQ(Committed(*backend, Bucket::kChanges).size(), static_cast<size_t>(kChanges));
}

}  // namespace
}  // namespace raftexample
