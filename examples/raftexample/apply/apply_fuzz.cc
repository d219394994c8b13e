// Whatever the log holds: no entry ends a member, and two members end up the same. The input is a
// list of entries, each with two bytes of length before it; one member answers, the other follows
// and restarts now and then.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "raft/check.h"

namespace raftexample {
namespace {

constexpr size_t kMaxEntries = 64;

std::unique_ptr<StateMachine> Open(const std::string& directory) {
  auto machine = StateMachine::Open({
      .backend = {.directory = directory, .max_bytes = 64 << 20, .sync = false},
      .auth = {.bcrypt_cost = 4},
  });
  RAFT_CHECK(machine.ok()) << machine.status().ToString();
  return *std::move(machine);
}

void Run(absl::string_view input) {
  TempDirectory dir;
  std::unique_ptr<StateMachine> leader = Open(dir / "leader"), follower = Open(dir / "follower");
  for (uint64_t index = 1; input.size() >= 2 && index <= kMaxEntries; ++index) {
    const size_t size = std::min<size_t>(
        static_cast<uint8_t>(input[0]) << 8 | static_cast<uint8_t>(input[1]), input.size() - 2);
    const absl::Cord payload(input.substr(2, size));
    input.remove_prefix(2 + size);

    const ApplyResult a = leader->Apply({1, index}, payload, Answer::kWanted);
    const ApplyResult b = follower->Apply({1, index}, payload, Answer::kNobodyWaits);
    RAFT_CHECK(a.status == b.status) << a.status.ToString() << " and " << b.status.ToString();
    RAFT_CHECK(a.revision == b.revision) << a.revision << " and " << b.revision;
    if (index % 8 == 0) {
      RAFT_CHECK(follower->backend().Commit().ok());
      follower = nullptr;
      follower = Open(dir / "follower");
      RAFT_CHECK(follower->store().CompactSome().ok());
    }
  }
  RAFT_CHECK(*leader->StateHash() == *follower->StateHash()) << "two members differ";
}

}  // namespace
}  // namespace raftexample

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  raftexample::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
