#include "raft/errors.h"

#include <vector>

#include "gtest/gtest.h"

namespace raft {
namespace {

struct Pair {
  absl::Status made;
  bool (*asked)(const absl::Status&);
  absl::StatusCode code;
  const char* text;
};

std::vector<Pair> Pairs() {
  return {
      {ProposalDropped(DropReason::kNoLeader), IsProposalDropped, absl::StatusCode::kUnavailable,
       "raft proposal dropped"},
      {Compacted(), IsCompacted, absl::StatusCode::kOutOfRange,
       "requested index is unavailable due to compaction"},
      {Unavailable(), raft::IsUnavailable, absl::StatusCode::kOutOfRange,
       "requested entry at index is unavailable"},
      {SnapshotOutOfDate(), IsSnapshotOutOfDate, absl::StatusCode::kFailedPrecondition,
       "requested index is older than the existing snapshot"},
      {SnapshotTemporarilyUnavailable(), IsSnapshotTemporarilyUnavailable,
       absl::StatusCode::kUnavailable, "snapshot is temporarily unavailable"},
      {LocalMessage(), IsLocalMessageError, absl::StatusCode::kInvalidArgument,
       "raft: cannot step raft local message"},
      {PeerNotFound(), IsPeerNotFound, absl::StatusCode::kNotFound,
       "raft: cannot step as peer not found"},
      {InvalidMessage("term 0"), IsInvalidMessage, absl::StatusCode::kInvalidArgument,
       "raft: invalid message: term 0"},
      {PromiseBroken("lost"), IsPromiseBroken, absl::StatusCode::kDataLoss,
       "raft: a promise of the protocol is broken: lost"},
  };
}

TEST(Errors, EachAnswersItsOwnQuestionOnly) {
  const std::vector<Pair> pairs = Pairs();
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(pairs[i].made.code(), pairs[i].code) << pairs[i].made;
    EXPECT_EQ(pairs[i].made.message(), pairs[i].text);
    for (size_t j = 0; j < pairs.size(); ++j) {
      EXPECT_EQ(pairs[i].asked(pairs[j].made), i == j) << pairs[j].made << " asked as " << i;
    }
  }
}

TEST(Errors, AStatusOfAnotherOriginIsNone) {
  for (const Pair& pair : Pairs()) {
    EXPECT_FALSE(pair.asked(absl::OkStatus()));
    EXPECT_FALSE(pair.asked(absl::Status(pair.code, pair.text))) << "the same words, not the same";
  }
}

TEST(Errors, ADroppedProposalTellsWhy) {
  const struct {
    DropReason reason;
    absl::StatusCode code;
  } cases[] = {
      {DropReason::kNoLeader, absl::StatusCode::kUnavailable},
      {DropReason::kTransferring, absl::StatusCode::kUnavailable},
      {DropReason::kOverQuota, absl::StatusCode::kUnavailable},
      {DropReason::kNotMember, absl::StatusCode::kFailedPrecondition},
      {DropReason::kForwardingDisabled, absl::StatusCode::kFailedPrecondition},
  };
  for (const auto& c : cases) {
    const absl::Status status = ProposalDropped(c.reason);
    EXPECT_TRUE(IsProposalDropped(status));
    EXPECT_EQ(DropReasonOf(status), c.reason);
    EXPECT_EQ(status.code(), c.code) << "whether trying again here can help";
    EXPECT_EQ(status.message(), "raft proposal dropped");
  }
}

TEST(ErrorsDeathTest, OnlyADroppedProposalHasAReason) {
  EXPECT_DEATH(DropReasonOf(Compacted()), "due to compaction");
  EXPECT_DEATH(ProposalDropped(static_cast<DropReason>(77)), "no such reason");
}

}  // namespace
}  // namespace raft
