// How often things happened in simulated runs: what they cost, what went wrong, and the rare
// moments that a thorough set of runs must have seen.
#ifndef RAFT_RAFTTEST_COVERAGE_H_
#define RAFT_RAFTTEST_COVERAGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rafttest {

enum class Seen : uint8_t {
  // Work.
  kTicks,  // Of all servers together.
  kEvents,
  kDelivered,
  kRefused,  // Messages that a core returned an error for.
  kElections,
  kProposals,
  kCommitted,
  kReadsAnswered,
  kSnapshotsSent,
  kChangesApplied,
  kJointConfigurations,
  kOperations,        // Of clients, answered,
  kGivenUp,           // and of unknown outcome.
  kHistoriesTooHard,  // To decide whether they are linearizable.
  kDiskFailures,      // That stopped a server.

  // Faults.
  kLost,  // By chance.
  kCut,   // By a partition.
  kDuplicated,
  kReplayed,
  kVeryLate,
  kForged,
  kPartitions,
  kCrashes,
  kCrashesOfAll,
  kWritesLost,  // By a crash.
  kWritesKept,  // By a crash, though nobody was told.
  kWritesTorn,
  kCommitsForgotten,  // A crash took back a commit index that was not synced.
  kPauses,
  kReportsLost,
  kTransfers,
  kCampaigns,
  kChangesProposed,

  // Moments.
  kSuffixTruncated,     // A follower rewrote entries that were not committed.
  kCommittedSentAgain,  // An append arrived that ends at or before the receiver's commit index.
  kSnapshotInElection,  // A snapshot arrived where no leader was known.
  kSnapshotOvertaken,   // A snapshot arrived that the receiver's log had overtaken.
  kCrashInJoint,        // A server crashed in a joint configuration.
  kVoteLostAndRecast,   // A crash took a vote back, and the server voted again in that term.
  kOldWriteConfirmed,   // The disk confirmed what was written in an earlier term.
  kReadByLaterRound,    // A round of heartbeats after its own released a read.
  kVoteIgnoredInLease,  // Somebody asked for a vote, and a lease held.
  kThreeLeaders,        // Three servers took themselves for the leader.
  kWindowFull,          // A leader had to wait for acknowledgements before it sent more.
  kCompactedUnder,      // A leader dropped entries that a follower still lacked.
  kLeaderRemoved,       // A leader applied that it is no voter any more.
  kLearnerPromoted,
  kQuotaRefusal,  // A proposal was refused.
  kFinished,      // A run ended, healed, and served.

  kCount,
};

class Coverage {
 public:
  void Count(Seen seen, uint64_t times = 1) { counts_[static_cast<size_t>(seen)] += times; }
  uint64_t operator[](Seen seen) const { return counts_[static_cast<size_t>(seen)]; }
  void Add(const Coverage& other);

  // Three lines: work, faults, moments; each as `name count, name count, ..`.
  std::string Describe() const;
  // The faults and moments that never happened, by name.
  std::vector<absl::string_view> Missing() const;

 private:
  std::array<uint64_t, static_cast<size_t>(Seen::kCount)> counts_{};
};

absl::string_view NameOf(Seen seen);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_COVERAGE_H_
