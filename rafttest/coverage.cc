#include "rafttest/coverage.h"

#include <iterator>

#include "absl/strings/str_cat.h"

namespace rafttest {
namespace {

constexpr Seen kFirstFault = Seen::kLost;
constexpr Seen kFirstMoment = Seen::kSuffixTruncated;

// In the order of the enumeration.
constexpr absl::string_view kNames[] = {
    "server ticks",
    "events",
    "messages delivered",
    "messages refused",
    "elections",
    "proposals",
    "entries committed",
    "reads answered",
    "snapshots sent",
    "changes of membership applied",
    "joint configurations",
    "operations answered",
    "operations of unknown outcome",
    "histories too hard",
    "servers stopped by their disks",

    "messages lost",
    "messages cut off",
    "messages duplicated",
    "messages replayed",
    "messages very late",
    "messages forged",
    "partitions",
    "crashes",
    "crashes of all",
    "writes lost",
    "writes kept untold",
    "writes torn",
    "commits forgotten",
    "pauses",
    "reports lost",
    "transfers",
    "campaigns",
    "changes of membership proposed",

    "uncommitted suffix truncated",
    "committed entries sent again",
    "snapshot during an election",
    "snapshot overtaken by the log",
    "crash inside a joint configuration",
    "vote lost and cast again",
    "write of an older term confirmed",
    "read released by a later round",
    "vote request ignored in a lease",
    "three leaders at once",
    "window full",
    "compaction under a slow follower",
    "leader removed",
    "learner promoted",
    "proposal refused",
    "healed and served",
};
static_assert(std::size(kNames) == static_cast<size_t>(Seen::kCount));

}  // namespace

absl::string_view NameOf(Seen seen) { return kNames[static_cast<size_t>(seen)]; }

void Coverage::Add(const Coverage& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::string Coverage::Describe() const {
  std::string text;
  for (size_t i = 0; i < counts_.size(); ++i) {
    const Seen seen = static_cast<Seen>(i);
    const absl::string_view lead = i == 0                 ? "work: "
                                   : seen == kFirstFault  ? "\nfaults: "
                                   : seen == kFirstMoment ? "\nmoments: "
                                                          : ", ";
    absl::StrAppend(&text, lead, NameOf(seen), " ", counts_[i]);
  }
  return text;
}

std::vector<absl::string_view> Coverage::Missing() const {
  std::vector<absl::string_view> missing;
  for (size_t i = static_cast<size_t>(kFirstFault); i < counts_.size(); ++i) {
    if (counts_[i] == 0) missing.push_back(kNames[i]);
  }
  return missing;
}

}  // namespace rafttest
