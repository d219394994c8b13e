// A node beside clocks that jump: it stands between the program and the system's clocks.

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "raft/node.h"
#include "raftpb/snapshot.h"
#include "storage/memory_storage.h"

namespace {

// In seconds.
std::atomic<time_t> wall_clock_ahead = 0;
std::atomic<time_t> asleep = 0;  // The machine; no clock but CLOCK_BOOTTIME has noticed.

}  // namespace

// Instead of the C library's.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += wall_clock_ahead;
  if (clock == CLOCK_BOOTTIME) now->tv_sec += asleep;
  return static_cast<int>(result);
}

namespace raft {
namespace {

// That 1 and 2 are the voters.
raftpb::SnapshotPtr Founding() {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata.index = 1;
  snapshot->metadata.term = 1;
  snapshot->metadata.conf_state.voters = {1, 2};
  return snapshot;
}

// Stores in memory, sends and applies nothing.
class Silent : public NodeHost {
 public:
  ~Silent() override { node_->Stop(); }

  void Start(const NodeOptions& options) {
    NodeOptions with_storage = options;
    with_storage.config.storage = &storage_;
    auto node = Node::Start(with_storage, *this, {});
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
    started_.Notify();
  }
  Node& node() { return *node_; }

  void Send(std::vector<raftpb::Message>) override {}
  void Store(StoreWork work) override {
    started_.WaitForNotification();
    ASSERT_TRUE(storage_.Append(work.entries).ok());
    if (work.hard_state.has_value()) storage_.SetHardState(*work.hard_state);
    node_->OnStored(std::move(work));
  }
  void Apply(ApplyWork work) override {
    started_.WaitForNotification();
    node_->OnApplied(std::move(work));
  }
  void OnLeadership(const SoftState&, Term) override {}
  void OnFailure(const absl::Status& why) override { ADD_FAILURE() << why; }

 private:
  storage::MemoryStorage storage_{Founding()};
  absl::Notification started_;
  std::unique_ptr<Node> node_;
};

Role RoleOf(Node& node) {
  node.GetStatus().IgnoreError();  // A turn, which counts ticks first.
  return node.GetStatus()->basic.soft_state.role;
}

TEST(NodeClock, TimeThatIsSetIsNoTimeThatPassed) {
  NodeOptions options;
  options.config.id = 1;
  options.config.election_tick = 10;
  options.tick = absl::Minutes(1);  // No test takes ten.
  Silent server;
  server.Start(options);
  ASSERT_EQ(RoleOf(server.node()), Role::kFollower);

  const absl::Time before = absl::Now();
  wall_clock_ahead = 24 * 3600;
  ASSERT_GE(absl::Now() - before, absl::Hours(23)) << "nobody asks the clock of this test";
  EXPECT_EQ(RoleOf(server.node()), Role::kFollower) << "set ahead";
  wall_clock_ahead = -24 * 3600;
  EXPECT_EQ(RoleOf(server.node()), Role::kFollower) << "set back";

  asleep = 3600;  // Longer than any election timeout.
  EXPECT_NE(RoleOf(server.node()), Role::kFollower) << "the leader was silent while it slept";
}

}  // namespace
}  // namespace raft
