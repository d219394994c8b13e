// Any bytes as a sequence of membership changes: what decodes is applied or refused, and whatever
// comes out is a sound configuration that overlaps with the one before it.
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/check.h"
#include "raft/confchange/changer.h"
#include "raft/quorum/majority.h"
#include "raft/tracker/config.h"
#include "raftpb/conf_change.h"
#include "raftpb/wire.h"

namespace raft::confchange {
namespace {

using tracker::Config;

// Of two groups that share no server at most one can decide: the voters of the first configuration
// that are among the lower half of its ids, and everybody else, are such groups.
bool Decides(const Config& config, const Config& reference, bool lower) {
  const auto& ids = reference.voters.incoming.ids();
  const NodeId middle = ids.empty() ? 0 : ids[ids.size() / 2];
  return config.voters.CountVotes([=](NodeId id) {
    return absl::make_optional((id <= middle) == lower);
  }) == quorum::VoteResult::kWon;
}

void CheckStep(const Config& before, const Config& after) {
  RAFT_CHECK(!after.voters.incoming.empty()) << "a group without voters";
  const absl::StatusOr<Config> again = FromConfState(after.ToConfState());
  RAFT_CHECK(again.ok()) << again.status();
  RAFT_CHECK(*again == after) << Describe(after);
  if (before.voters.incoming.empty()) return;
  for (bool lower : {false, true}) {
    RAFT_CHECK(!Decides(before, before, lower) || !Decides(after, before, !lower))
        << Describe(before) << " and " << Describe(after);
  }
}

void Run(absl::string_view bytes) {
  Config config;
  while (!bytes.empty()) {
    // One byte of length, and as many of a change.
    const absl::string_view encoded = bytes.substr(1, static_cast<uint8_t>(bytes[0]));
    bytes.remove_prefix(1 + encoded.size());
    raftpb::ConfChangeV2 change;
    if (!raftpb::Decode(encoded, change).ok()) continue;
    const absl::StatusOr<Outcome> outcome = Apply(config, change);
    if (!outcome.ok()) continue;
    CheckStep(config, outcome->config);
    config = outcome->config;
  }
}

}  // namespace
}  // namespace raft::confchange

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  raft::confchange::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
