// add-nodes <count> [options]: adds nodes with the next free ids, all with the same options.
//
// voters=(..) learners=(..) index=<i>: the snapshot that they start from, of term 1; without any of
// these they start with an empty storage. The other options are those of raft::Config, except that
// everything is off and unlimited unless given; kOptions has them. Unknown options are ignored.
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/config.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

// What scripts were written for: the choices of etcd/raft's own, where they differ from ours.
raft::Config DefaultConfig() {
  return {.election_tick = 3,
          .heartbeat_tick = 1,
          .pre_vote = false,
          .check_quorum = false,
          .max_size_per_msg = raft::kNoLimit,
          .max_inflight_msgs = std::numeric_limits<int32_t>::max(),
          .max_pending_reads = std::numeric_limits<uint32_t>::max(),
          .snapshot_patience = 0,
          .step_down_on_removal = false,
          .immediate_sends = true};
}

struct Options {
  raft::Config config = DefaultConfig();
  raftpb::Snapshot start;
  bool has_start = false;
};

template <typename Number>
absl::Status ReadNumber(const std::string& text, Number& number) {
  RAFTTEST_ASSIGN_OR_RETURN(const uint64_t value, RequireNumber(text));
  if (value > std::numeric_limits<Number>::max()) {
    return ScriptError(absl::StrCat(text, " is too large"));
  }
  number = static_cast<Number>(value);
  return absl::OkStatus();
}

absl::Status ReadBool(const std::string& text, bool& truth) {
  RAFTTEST_ASSIGN_OR_RETURN(truth, RequireBool(text));
  return absl::OkStatus();
}

absl::Status ReadId(const std::string& text, std::vector<raftpb::NodeId>& ids) {
  ids.push_back(raftpb::kNone);
  return ReadNumber(text, ids.back());
}

// A size that scripts write as 0 if there is no limit.
absl::Status ReadLimit(const std::string& text, uint64_t& bytes) {
  RAFTTEST_RETURN_IF_ERROR(ReadNumber(text, bytes));
  if (bytes == 0) bytes = raft::kNoLimit;
  return absl::OkStatus();
}

absl::Status ReadReadOnly(const std::string& text, raft::ReadOnlyOption& option) {
  if (text != "safe" && text != "lease-based") {
    return absl::InvalidArgumentError(absl::StrCat("invalid read-only option \"", text, "\""));
  }
  option = text == "safe" ? raft::ReadOnlyOption::kSafe : raft::ReadOnlyOption::kLeaseBased;
  return absl::OkStatus();
}

struct NamedOption {
  absl::string_view name;
  absl::Status (*read)(const std::string& text, Options& options);
};

constexpr NamedOption kOptions[] = {
    {"voters",
     [](const std::string& text, Options& o) {
       o.has_start = true;
       return ReadId(text, o.start.metadata.conf_state.voters);
     }},
    {"learners",
     [](const std::string& text, Options& o) {
       o.has_start = true;
       return ReadId(text, o.start.metadata.conf_state.learners);
     }},
    {"index",
     [](const std::string& text, Options& o) {
       o.has_start = true;
       return ReadNumber(text, o.start.metadata.index);
     }},
    {"async-storage-writes",
     [](const std::string& text, Options& o) {
       return ReadBool(text, o.config.async_storage_writes);
     }},
    {"checkquorum",
     [](const std::string& text, Options& o) { return ReadBool(text, o.config.check_quorum); }},
    {"disable-conf-change-validation",
     [](const std::string& text, Options& o) {
       return ReadBool(text, o.config.disable_conf_change_validation);
     }},
    {"disable-proposal-forwarding",
     [](const std::string& text, Options& o) {
       return ReadBool(text, o.config.disable_proposal_forwarding);
     }},
    {"election-tick",
     [](const std::string& text, Options& o) { return ReadNumber(text, o.config.election_tick); }},
    {"heartbeat-tick",
     [](const std::string& text, Options& o) { return ReadNumber(text, o.config.heartbeat_tick); }},
    {"immediate-sends",
     [](const std::string& text, Options& o) { return ReadBool(text, o.config.immediate_sends); }},
    {"inflight", [](const std::string& text,
                    Options& o) { return ReadNumber(text, o.config.max_inflight_msgs); }},
    {"max-committed-size-per-ready",
     [](const std::string& text, Options& o) {
       return ReadNumber(text, o.config.max_committed_size_per_ready);
     }},
    {"max-inflight-bytes", [](const std::string& text,
                              Options& o) { return ReadLimit(text, o.config.max_inflight_bytes); }},
    {"max-pending-reads", [](const std::string& text,
                             Options& o) { return ReadNumber(text, o.config.max_pending_reads); }},
    {"max-size-per-msg", [](const std::string& text,
                            Options& o) { return ReadNumber(text, o.config.max_size_per_msg); }},
    {"max-uncommitted-size",
     [](const std::string& text, Options& o) {
       return ReadLimit(text, o.config.max_uncommitted_size);
     }},
    {"prevote",
     [](const std::string& text, Options& o) { return ReadBool(text, o.config.pre_vote); }},
    {"read-only",
     [](const std::string& text, Options& o) { return ReadReadOnly(text, o.config.read_only); }},
    {"snapshot-patience", [](const std::string& text,
                             Options& o) { return ReadNumber(text, o.config.snapshot_patience); }},
    {"step-down-on-removal",
     [](const std::string& text, Options& o) {
       return ReadBool(text, o.config.step_down_on_removal);
     }},
};

absl::StatusOr<Options> ReadOptions(const Directive& directive) {
  Options options;
  for (const Argument& argument : directive.arguments) {
    for (const NamedOption& option : kOptions) {
      if (option.name != argument.key) continue;
      for (const std::string& value : argument.values) {
        RAFTTEST_RETURN_IF_ERROR(option.read(value, options));
      }
    }
  }
  if (options.has_start) {
    if (options.start.metadata.index <= 1) {
      return absl::InvalidArgumentError("index must be specified as > 1 due to bootstrap");
    }
    options.start.metadata.term = 1;
    options.config.applied = options.start.metadata.index;
  }
  return options;
}

}  // namespace

absl::Status AddNodes(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const uint64_t count, RequireNumber(word));
  RAFTTEST_ASSIGN_OR_RETURN(Options options, ReadOptions(directive));
  options.config.logger = &env.output();
  for (uint64_t i = 0; i < count; ++i) {
    options.config.id = env.nodes().size() + 1;
    RAFTTEST_ASSIGN_OR_RETURN(
        std::unique_ptr<ScriptNode> node,
        ScriptNode::Create(options.config, std::make_shared<raftpb::Snapshot>(options.start)));
    env.Add(std::move(node));
  }
  return absl::OkStatus();
}

}  // namespace rafttest
