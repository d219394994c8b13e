#include "raft/config.h"

#include <functional>

#include "gtest/gtest.h"
#include "storage/memory_storage.h"

namespace raft {
namespace {

storage::MemoryStorage& SomeStorage() {
  static auto* const storage = new storage::MemoryStorage;
  return *storage;
}

TEST(ConfigTest, TheDefaultsNeedAnIdAndAStorage) {
  Config config{.id = 1, .storage = &SomeStorage()};
  EXPECT_TRUE(config.Validate().ok()) << config.Validate();
}

TEST(ConfigTest, SaysWhatIsWrong) {
  const struct {
    std::function<void(Config&)> spoil;
    const char* words;
  } cases[] = {
      {[](Config& c) { c.id = kNone; }, "id is 0, which names no server"},
      {[](Config& c) { c.id = kLocalAppendThread; },
       "id 18446744073709551615 is reserved for a storage thread"},
      {[](Config& c) { c.id = kLocalApplyThread; },
       "id 18446744073709551614 is reserved for a storage thread"},
      {[](Config& c) { c.storage = nullptr; }, "storage is missing"},
      {[](Config& c) { c.heartbeat_tick = 0; }, "heartbeat_tick is 0"},
      {[](Config& c) { c.election_tick = c.heartbeat_tick = 3; },
       "election_tick 3 is not greater than heartbeat_tick 3"},
      {[](Config& c) { c.election_tick = 1u << 31; },
       "election_tick is so large that twice as many ticks cannot be counted"},
      {[](Config& c) {
         c.read_only = ReadOnlyOption::kLeaseBased;
         c.check_quorum = false;
       },
       "lease-based reads need check_quorum: without it there is no lease"},
      {[](Config& c) { c.max_pending_reads = 0; },
       "max_pending_reads is 0: every read would be refused"},
      {[](Config& c) { c.max_inflight_msgs = 0; },
       "max_inflight_msgs is 0: nothing could be replicated"},
      {[](Config& c) {
         c.max_size_per_msg = 11;
         c.max_inflight_bytes = 10;
       },
       "max_inflight_bytes 10 is less than max_size_per_msg 11"},
  };
  for (const auto& c : cases) {
    Config config{.id = 1, .storage = &SomeStorage()};
    c.spoil(config);
    EXPECT_EQ(config.Validate(), absl::InvalidArgumentError(c.words));
  }
}

TEST(ConfigTest, UnusualIsNotWrong) {
  const std::function<void(Config&)> unusual[] = {
      [](Config& c) { c.max_size_per_msg = 0; },  // One entry in each message.
      [](Config& c) { c.max_size_per_msg = kNoLimit; },
      [](Config& c) { c.max_inflight_bytes = 0; },  // No limit.
      [](Config& c) { c.max_inflight_bytes = c.max_size_per_msg = 10; },
      [](Config& c) { c.max_inflight_msgs = 1; },
      [](Config& c) { c.election_tick = 2; },
      [](Config& c) { c.read_only = ReadOnlyOption::kLeaseBased; },
  };
  for (const auto& change : unusual) {
    Config config{.id = 1, .storage = &SomeStorage()};
    change(config);
    EXPECT_TRUE(config.Validate().ok()) << config.Validate();
  }
}

}  // namespace
}  // namespace raft
