#include "raft/ready.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "raftpb/describe.h"

namespace raft {
namespace {

// `{11 [99 116 120]}`: the context as decimal bytes.
void AppendDescription(const ReadState& read, std::string& out) {
  absl::StrAppend(&out, "{", read.index, " [");
  absl::string_view separator = "";
  for (absl::string_view chunk : read.context.Chunks()) {
    for (char byte : chunk) {
      absl::StrAppend(&out, separator, uint32_t{static_cast<uint8_t>(byte)});
      separator = " ";
    }
  }
  out += "]}";
}

std::string Describe(absl::Span<const ReadState> reads) {
  std::string out = "ReadStates [";
  absl::string_view separator = "";
  for (const ReadState& read : reads) {
    out.append(separator.data(), separator.size());
    AppendDescription(read, out);
    separator = " ";
  }
  out += "]\n";
  return out;
}

}  // namespace

bool Ready::empty() const {
  return !soft_state.has_value() && !hard_state.has_value() && read_states.empty() &&
         snapshot == nullptr && entries.empty() && committed_entries.empty() && messages.empty() &&
         messages_after_write.empty();
}

absl::string_view Name(Role role) {
  switch (role) {
    case Role::kFollower: return "StateFollower";
    case Role::kCandidate: return "StateCandidate";
    case Role::kLeader: return "StateLeader";
    case Role::kPreCandidate: return "StatePreCandidate";
  }
  return "StateUnknown";
}

std::string Describe(const SoftState& state) {
  return absl::StrCat("Lead:", state.lead, " State:", Name(state.role));
}

std::string Describe(const Ready& ready) {
  if (ready.empty()) return "<empty Ready>";
  std::string out = ready.must_sync ? "Ready MustSync=true:\n" : "Ready MustSync=false:\n";
  if (ready.soft_state.has_value()) absl::StrAppend(&out, Describe(*ready.soft_state), "\n");
  if (ready.hard_state.has_value()) {
    absl::StrAppend(&out, "HardState ", raftpb::Describe(*ready.hard_state), "\n");
  }
  if (!ready.read_states.empty()) out += Describe(absl::MakeConstSpan(ready.read_states));
  if (!ready.entries.empty()) {
    absl::StrAppend(&out, "Entries:\n", raftpb::Describe(ready.entries));
  }
  if (ready.snapshot != nullptr) {
    absl::StrAppend(&out, "Snapshot ", raftpb::Describe(*ready.snapshot), "\n");
  }
  if (!ready.committed_entries.empty()) {
    absl::StrAppend(&out, "CommittedEntries:\n", raftpb::Describe(ready.committed_entries));
  }
  if (ready.messages.empty() && ready.messages_after_write.empty()) return out;
  out += "Messages:\n";
  for (const auto* messages : {&ready.messages, &ready.messages_after_write}) {
    for (const raftpb::Message& message : *messages) {
      absl::StrAppend(&out, raftpb::Describe(message), "\n");
    }
  }
  return out;
}

}  // namespace raft
