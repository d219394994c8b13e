#include "raft/config.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace raft {
namespace {

absl::Status Mistake(absl::string_view sentence) { return absl::InvalidArgumentError(sentence); }

absl::Status ValidateIdentity(const Config& config) {
  if (config.id == kNone) return Mistake("id is 0, which names no server");
  if (config.id == kLocalAppendThread || config.id == kLocalApplyThread) {
    return Mistake(absl::StrCat("id ", config.id, " is reserved for a storage thread"));
  }
  if (config.storage == nullptr) return Mistake("storage is missing");
  return absl::OkStatus();
}

absl::Status ValidateTime(const Config& config) {
  if (config.heartbeat_tick == 0) return Mistake("heartbeat_tick is 0");
  if (config.election_tick <= config.heartbeat_tick) {
    return Mistake(absl::StrCat("election_tick ", config.election_tick,
                                " is not greater than heartbeat_tick ", config.heartbeat_tick));
  }
  if (config.election_tick > std::numeric_limits<uint32_t>::max() / 2) {
    return Mistake("election_tick is so large that twice as many ticks cannot be counted");
  }
  return absl::OkStatus();
}

absl::Status ValidateReads(const Config& config) {
  if (config.read_only == ReadOnlyOption::kLeaseBased && !config.check_quorum) {
    return Mistake("lease-based reads need check_quorum: without it there is no lease");
  }
  if (config.max_pending_reads == 0) {
    return Mistake("max_pending_reads is 0: every read would be refused");
  }
  return absl::OkStatus();
}

absl::Status ValidateSizes(const Config& config) {
  if (config.max_inflight_msgs == 0) {
    return Mistake("max_inflight_msgs is 0: nothing could be replicated");
  }
  if (config.max_inflight_bytes != 0 && config.max_inflight_bytes < config.max_size_per_msg) {
    return Mistake(absl::StrCat("max_inflight_bytes ", config.max_inflight_bytes,
                                " is less than max_size_per_msg ", config.max_size_per_msg));
  }
  return absl::OkStatus();
}

}  // namespace

Config GroupConfig::Whole() const {
  Config whole = *shared;
  whole.id = id;
  whole.storage = storage;
  whole.applied = applied;
  whole.seed = seed;
  return whole;
}

absl::Status Config::Validate() const {
  for (auto validate : {ValidateIdentity, ValidateTime, ValidateReads, ValidateSizes}) {
    if (absl::Status status = validate(*this); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace raft
