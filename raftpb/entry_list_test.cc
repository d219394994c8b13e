#include "raftpb/entry_list.h"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raftpb/allocation_counter.h"

namespace raftpb {
namespace {

Entry Nth(uint64_t n) {
  return {.term = 1 + n / 10, .index = n, .data = absl::Cord(absl::StrCat("payload of ", n))};
}

EntryList Numbers(uint64_t begin, uint64_t end) {
  EntryList list;
  for (uint64_t n = begin; n < end; ++n) list.PushBack(Nth(n));
  return list;
}

std::vector<Index> Indexes(const EntryList& list) {
  std::vector<Index> indexes;
  for (const Entry& entry : list) indexes.push_back(entry.index);
  return indexes;
}

// A payload that tells when its last owner lets go of it.
struct Tracked {
  std::shared_ptr<int> alive = std::make_shared<int>(0);

  absl::Cord Payload(size_t size) {
    ++*alive;
    auto bytes = std::make_shared<std::string>(size, 'x');
    return absl::MakeCordFromExternal(*bytes, [bytes, alive = alive] { --*alive; });
  }
};

TEST(EntryList, BeginsEmpty) {
  const EntryList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.begin(), list.end());
  EXPECT_EQ(list, EntryList());
}

TEST(EntryList, HoldsWhatItWasMadeOf) {
  const EntryList list = {Nth(1), Nth(2), Nth(3)};
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list.front(), Nth(1));
  EXPECT_EQ(list[1], Nth(2));
  EXPECT_EQ(list.back(), Nth(3));
  EXPECT_NE(list, Numbers(1, 3));
  EXPECT_NE(list, Numbers(2, 5));
}

TEST(EntryList, EntriesStayInPlaceWhileSomebodyShowsThem) {
  EntryList list = Numbers(0, 10);
  const Entry* const last = &list.back();
  const EntryList part = list.Slice(9, 10);
  for (uint64_t n = 10; n < 1000; ++n) list.PushBack(Nth(n));
  EXPECT_EQ(&list[9], last);
  EXPECT_EQ(&part.front(), last);
  list.Clear();
  EXPECT_EQ(*last, Nth(9));
}

TEST(EntryList, AppendingToItselfDoubles) {
  EntryList list = Numbers(0, 3);
  list.Append(list);
  EXPECT_EQ(Indexes(list), (std::vector<Index>{0, 1, 2, 0, 1, 2}));
  list.PushBack(Nth(7));
  EXPECT_EQ(Indexes(list), (std::vector<Index>{0, 1, 2, 0, 1, 2, 7}));
}

TEST(EntryList, CopiesThatGrowDoNotSeeEachOther) {
  EntryList a = Numbers(0, 5);
  EntryList b = a;
  a.PushBack(Nth(100));
  b.PushBack(Nth(200));
  EXPECT_EQ(Indexes(a), (std::vector<Index>{0, 1, 2, 3, 4, 100}));
  EXPECT_EQ(Indexes(b), (std::vector<Index>{0, 1, 2, 3, 4, 200}));
}

TEST(EntryList, ReplacingATailDoesNotTouchWhoStillHasIt) {
  EntryList log = Numbers(0, 8);
  const EntryList before = log;
  log.DropBack(4);
  log.PushBack({.term = 9, .index = 4});
  EXPECT_EQ(before, Numbers(0, 8));
  EXPECT_EQ(log.back().term, 9u);
}

TEST(EntryList, ReplacingATailThatNobodyHasReusesItsPlace) {
  EntryList log;
  log.Reserve(8);
  for (uint64_t n = 0; n < 8; ++n) log.PushBack(Nth(n));
  log.DropBack(4);
  const AllocationCounter counter;
  for (uint64_t n = 4; n < 8; ++n) log.PushBack({.term = 9, .index = n});
  EXPECT_EQ(counter.allocations(), 0u);
  EXPECT_EQ(Indexes(log), (std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7}));
}

// Every operation, in random order, on several lists that share chunks; each list has a vector that
// says what must be in it.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void Step() {
    const size_t i = Random(kLists);
    const size_t j = Random(kLists);
    Change(i, j);
    Check(i);
    Check(j);
  }

  void CheckAll() const {
    for (size_t i = 0; i < kLists; ++i) Check(i);
  }

 private:
  static constexpr size_t kLists = 5;

  size_t Random(size_t n) { return random_() % n; }

  void Change(size_t i, size_t j) {
    EntryList& list = lists_[i];
    std::vector<Entry>& model = models_[i];
    switch (Random(12)) {
      case 0:
      case 1:
      case 2: {
        for (size_t n = Random(40); n > 0; --n) Push(list, model);
        break;
      }
      case 3: list.Reserve(Random(30)); break;
      case 4: {
        if (model.size() + models_[j].size() > 2000) break;
        list.Append(lists_[j]);
        const std::vector<Entry> other = models_[j];
        model.insert(model.end(), other.begin(), other.end());
        break;
      }
      case 5: {
        const size_t begin = Random(models_[j].size() + 1);
        const size_t end = begin + Random(models_[j].size() - begin + 1);
        list = lists_[j].Slice(begin, end);
        const std::vector<Entry> other = models_[j];
        model.assign(other.begin() + begin, other.begin() + end);
        break;
      }
      case 6: {
        const size_t n = Random(model.size() + 1);
        list.DropFront(n);
        model.erase(model.begin(), model.begin() + n);
        break;
      }
      case 7: {
        const size_t n = Random(model.size() + 1);
        list.DropBack(n);
        model.resize(model.size() - n);
        break;
      }
      case 8:
        list = lists_[j];
        model = models_[j];
        break;
      case 9: {
        if (i == j) break;
        list = std::move(lists_[j]);
        model = std::move(models_[j]);
        models_[j].clear();
        break;
      }
      case 10: list = EntryList(list.Detached()); break;
      case 11:
        if (Random(8) > 0) break;
        list.Clear();
        model.clear();
        break;
    }
  }

  void Push(EntryList& list, std::vector<Entry>& model) {
    Entry entry = Nth(next_++);
    if (Random(20) == 0) entry.data = absl::Cord(std::string(30000, 'x'));
    model.push_back(entry);
    list.PushBack(std::move(entry));
  }

  void Check(size_t i) const {
    const EntryList& list = lists_[i];
    const std::vector<Entry>& model = models_[i];
    ASSERT_EQ(list.size(), model.size());
    ASSERT_EQ(list.empty(), model.empty());
    ASSERT_TRUE(std::equal(list.begin(), list.end(), model.begin(), model.end()));
    for (size_t k = 0; k < model.size(); ++k) ASSERT_EQ(list[k].index, model[k].index);
    if (model.empty()) return;
    ASSERT_EQ(list.front(), model.front());
    ASSERT_EQ(list.back(), model.back());
    CheckSizes(list, model);
  }

  void CheckSizes(const EntryList& list, const std::vector<Entry>& model) const {
    uint64_t encoded = 0;
    uint64_t payload = 0;
    for (const Entry& entry : model) {
      encoded += EncodedSize(entry);
      payload += PayloadSize(entry);
    }
    ASSERT_EQ(list.EncodedSize(), encoded);
    ASSERT_EQ(list.PayloadSize(), payload);

    const size_t begin = model.size() / 3;
    const size_t end = model.size() - model.size() / 5;
    ASSERT_EQ(list.Slice(begin, end).EncodedSize(), Sum(model, begin, end));
    for (const size_t middle : {begin, (begin + end) / 2, end}) {
      const uint64_t sum = Sum(model, begin, middle);
      ASSERT_EQ(list.CountWithin(begin, end, sum), middle - begin);
      if (middle == begin) continue;
      ASSERT_EQ(list.CountWithin(begin, end, sum - 1), middle - begin - 1);
    }
  }

  static uint64_t Sum(const std::vector<Entry>& entries, size_t begin, size_t end) {
    uint64_t sum = 0;
    for (size_t i = begin; i < end; ++i) sum += EncodedSize(entries[i]);
    return sum;
  }

  std::mt19937_64 random_;
  uint64_t next_ = 0;
  EntryList lists_[kLists];
  std::vector<Entry> models_[kLists];
};

TEST(EntryList, AgreesWithAVectorUnderRandomOperations) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int step = 0; step < 400; ++step) {
      model.Step();
      if (testing::Test::HasFatalFailure()) return;
    }
    model.CheckAll();
  }
}

// --- What is allocated -----------------------------------------------------------------------

TEST(EntryListMemory, ReservedEntriesTakeOneAllocation) {
  EntryList list;
  const AllocationCounter counter;
  list.Reserve(1000);
  for (uint64_t n = 0; n < 1000; ++n) list.PushBack({.term = 1, .index = n});
  EXPECT_EQ(counter.allocations(), 1u);
}

TEST(EntryListMemory, SharingTakesNone) {
  EntryList list;
  list.Reserve(100);
  for (uint64_t n = 0; n < 100; ++n) list.PushBack(Nth(n));

  const AllocationCounter counter;
  const EntryList copy = list;
  EntryList slice = list.Slice(10, 90);
  EntryList joined = list.Slice(0, 50);
  joined.Append(list.Slice(50, 100));
  slice.DropFront(5);
  slice.DropBack(5);
  EXPECT_EQ(counter.allocations(), 0u);
  EXPECT_EQ(joined, copy);
}

TEST(EntryListMemory, AppendsThatFollowUponEachOtherShareAChunk) {
  EntryList log;
  log.Reserve(100);
  const AllocationCounter counter;
  EntryList stored;  // Gets each entry as soon as the log has it.
  for (uint64_t n = 0; n < 100; ++n) {
    log.PushBack({.term = 1, .index = n});
    stored.Append(log.Slice(n, n + 1));
  }
  EXPECT_EQ(counter.allocations(), 1u);
  EXPECT_EQ(stored, log);
}

// A log whose tail is stable at once, as on a leader with steady work: pushed, sliced for two peers
// and the storage, dropped. The storage keeps what it gets, up to some point.
TEST(EntryListMemory, SteadyReplicationAllocatesAChunkFor256Entries) {
  EntryList tail;
  EntryList stored;
  uint64_t next = 0;
  const auto round = [&] {
    tail.PushBack({.term = 1, .index = next++});
    const EntryList peers[] = {tail.Slice(0, 1), tail.Slice(0, 1)};
    stored.Append(peers[0]);
    tail.DropFront(1);
    if (stored.size() > 1000) stored.DropFront(500);
  };
  while (next < 4 * 1024) round();

  const AllocationCounter counter;
  while (next < 8 * 1024) round();
  EXPECT_EQ(counter.allocations(), 4 * 1024 / EntryList::kMaxChunkEntries);
}

TEST(EntryListMemory, ATailThatNobodyElseHoldsIsRefilledForNothing) {
  EntryList tail;
  for (int i = 0; i < 10; ++i) tail.PushBack({});
  tail.DropFront(10);
  const AllocationCounter counter;
  for (int i = 0; i < 1000; ++i) {
    tail.PushBack({});
    tail.DropFront(1);
  }
  EXPECT_EQ(counter.allocations(), 0u);
}

TEST(EntryListMemory, AChunkDiesWithTheLastListThatShowsPartOfIt) {
  Tracked tracked;
  EntryList list;
  list.Reserve(3);
  for (int i = 0; i < 3; ++i) list.PushBack({.data = tracked.Payload(100)});
  EntryList middle = list.Slice(1, 2);
  list.Clear();
  EXPECT_EQ(*tracked.alive, 3);  // One entry keeps its neighbours.
  middle = middle.Detached();
  EXPECT_EQ(*tracked.alive, 1);
  middle.DropBack(1);
  EXPECT_EQ(*tracked.alive, 0);  // The chunk may stay, but is empty.
}

TEST(EntryListMemory, LargePayloadsDoNotShareAChunk) {
  Tracked tracked;
  EntryList list;
  for (int i = 0; i < 100; ++i)
    list.PushBack({.data = tracked.Payload(EntryList::kMaxChunkPayload)});
  EXPECT_EQ(*tracked.alive, 100);
  list.DropFront(60);
  EXPECT_EQ(*tracked.alive, 40);
  list.DropBack(10);
  EXPECT_EQ(*tracked.alive, 30);
}

TEST(EntryListMemory, ClearGivesEverythingBack) {
  Tracked tracked;
  EntryList list;
  for (int i = 0; i < 10; ++i) list.PushBack({.data = tracked.Payload(10)});
  list.Clear();
  EXPECT_EQ(*tracked.alive, 0);
  EXPECT_TRUE(list.empty());
  list.PushBack(Nth(1));
  EXPECT_EQ(list.size(), 1u);
}

// --- Threads ---------------------------------------------------------------------------------

// Two copies of one list are read, extended and dropped on two threads; both want the same free
// slot. Worth most under the thread sanitizer.
TEST(EntryListThreads, CopiesMayBeExtendedAtTheSameTime) {
  for (uint64_t round = 0; round < 200; ++round) {
    EntryList list;
    list.Reserve(64);
    for (uint64_t n = 0; n < 10; ++n) list.PushBack(Nth(n));

    std::atomic<int> ready{0};
    const auto extend = [&ready](EntryList mine, uint64_t first) {
      ready.fetch_add(1);
      while (ready.load() < 2) std::this_thread::yield();
      for (uint64_t n = 0; n < 20; ++n) mine.PushBack(Nth(first + n));
      mine.DropFront(5);
      for (uint64_t n = 5; n < 10; ++n) EXPECT_EQ(mine[n - 5], Nth(n));
      for (uint64_t n = 0; n < 20; ++n) EXPECT_EQ(mine[n + 5], Nth(first + n));
    };
    std::thread a(extend, list, 1000);
    std::thread b(extend, list, 2000);
    list.Clear();
    a.join();
    b.join();
  }
}

// One thread appends and hands slices to another, which reads and drops them meanwhile.
TEST(EntryListThreads, SlicesMayBeReadWhileTheListGrows) {
  constexpr uint64_t kEntries = 2000;
  std::vector<EntryList> handed(kEntries);
  std::atomic<uint64_t> published{0};
  std::thread reader([&] {
    for (uint64_t n = 0; n < kEntries; ++n) {
      while (published.load(std::memory_order_acquire) <= n) std::this_thread::yield();
      EXPECT_EQ(handed[n].back(), Nth(n));
      handed[n].Clear();
    }
  });
  EntryList list;
  for (uint64_t n = 0; n < kEntries; ++n) {
    list.PushBack(Nth(n));
    handed[n] = list.Slice(list.size() - 1, list.size());
    if (list.size() > 10) list.DropFront(5);
    published.store(n + 1, std::memory_order_release);
  }
  reader.join();
}

}  // namespace
}  // namespace raftpb
