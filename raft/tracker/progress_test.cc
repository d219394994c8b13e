#include "raft/tracker/progress.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::tracker {
namespace {

Progress Probing(Index match, Index next) {
  Progress progress(next, /*max_inflight_msgs=*/3, /*max_inflight_bytes=*/0);
  progress.MaybeUpdate(match);
  return progress;
}

Progress Replicating(Index match) {
  Progress progress = Probing(match, match + 1);
  progress.BecomeReplicate();
  return progress;
}

// A leader, a follower with a log of its own, and a network that loses, repeats and reorders. The
// leader knows only answers; what it believes must be true of the follower.
class Conversation {
 public:
  explicit Conversation(uint64_t seed)
      : random_(seed),
        leader_last_(random_.Between(1, 30)),
        leader_first_(random_.Between(1, leader_last_)),
        follower_match_(random_.Below(leader_last_ + 1)),
        progress_(leader_last_ + 1, random_.Between(1, 4), random_.Below(2) * 50) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Step();
      Check();
    }
  }

 private:
  struct Append {
    Index prev;
    uint64_t entries;
  };
  struct Answer {
    Index index;
    bool reject;
    Index hint;
  };

  void Step() {
    switch (random_.Below(9)) {
      case 0: leader_last_ += random_.Below(3); break;
      case 1: leader_first_ = random_.Between(leader_first_, leader_last_); break;
      case 2:
      case 3: Send(); break;
      case 4:
      case 5: Receive(); break;
      case 6: Handle(); break;
      case 7: progress_.Resume(); break;
      case 8: Misfortune(); break;
    }
  }

  void Send() {
    if (progress_.IsPaused()) return;
    const Index prev = progress_.next() - 1;
    if (prev + 1 < leader_first_) {
      progress_.BecomeSnapshot(random_.Between(leader_first_ - 1, leader_last_));
      appends_.push_back({progress_.pending_snapshot(), kSnapshot});
      return;
    }
    const bool full =
        progress_.state() == ProgressState::kReplicate && progress_.inflights().Full();
    const uint64_t entries = full ? 0 : random_.Below(leader_last_ - prev + 1);
    progress_.SentEntries(entries, 10 * entries);
    appends_.push_back({prev, entries});
  }

  // The follower gets one of the messages under way, perhaps not for the last time.
  void Receive() {
    if (appends_.empty()) return;
    const size_t which = random_.Below(appends_.size());
    const Append append = appends_[which];
    if (!random_.OneIn(4)) appends_.erase(appends_.begin() + which);
    if (append.entries == kSnapshot) {
      follower_match_ = std::max(follower_match_, append.prev);
      answers_.push_back({follower_match_, false, 0});
    } else if (append.prev <= follower_match_) {
      follower_match_ = std::max(follower_match_, append.prev + append.entries);
      answers_.push_back({append.prev + append.entries, false, 0});
    } else {
      // Whatever it suggests, true or not.
      answers_.push_back({append.prev, true, random_.Below(append.prev + 1)});
    }
  }

  void Handle() {
    if (answers_.empty()) return;
    const size_t which = random_.Below(answers_.size());
    const Answer answer = answers_[which];
    if (!random_.OneIn(4)) answers_.erase(answers_.begin() + which);
    if (answer.reject) {
      if (progress_.MaybeDecreaseTo(answer.index, answer.hint) &&
          progress_.state() == ProgressState::kReplicate) {
        progress_.BecomeProbe();
      }
      return;
    }
    const Index before = progress_.match();
    EXPECT_EQ(progress_.MaybeUpdate(answer.index), answer.index > before);
    if (progress_.state() == ProgressState::kProbe && progress_.match() == answer.index) {
      progress_.BecomeReplicate();
    }
    if (progress_.state() == ProgressState::kReplicate) progress_.FreeInflights(answer.index);
  }

  void Misfortune() {
    if (progress_.state() == ProgressState::kReplicate) return progress_.BecomeProbe();
    if (progress_.state() != ProgressState::kSnapshot) return;
    if (random_.OneIn(2)) progress_.AbortSnapshot();
    progress_.BecomeProbe();
    progress_.Pause();
  }

  void Check() {
    ASSERT_LT(progress_.match(), progress_.next());
    ASSERT_LE(progress_.match(), follower_match_);
    ASSERT_GE(progress_.match(), match_before_);
    match_before_ = progress_.match();
    const bool in_snapshot = progress_.state() == ProgressState::kSnapshot;
    const bool replicates = progress_.state() == ProgressState::kReplicate;
    ASSERT_EQ(progress_.pending_snapshot() != 0, in_snapshot);
    ASSERT_TRUE(progress_.IsPaused() || !in_snapshot);
    ASSERT_TRUE(progress_.inflights().empty() || replicates);
  }

  static constexpr uint64_t kSnapshot = kNoLimit;

  TestRandom random_;
  Index leader_last_;
  Index leader_first_;    // Of the entries that the leader still has.
  Index follower_match_;  // How far the follower's log equals the leader's.
  Index match_before_ = 0;
  Progress progress_;
  std::vector<Append> appends_;
  std::vector<Answer> answers_;
};

TEST(ProgressTest, BelievesOnlyWhatIsTrue) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Conversation(seed).Run(200);
    if (HasFatalFailure()) return;
  }
}

TEST(ProgressTest, AProbeWaitsForItsAnswer) {
  Progress progress = Probing(3, 4);
  progress.SentEntries(0, 0);
  EXPECT_FALSE(progress.IsPaused()) << "an empty message finds nothing that entries would not";
  progress.SentEntries(2, 20);
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_EQ(progress.next(), 4u) << "nothing is known of where it went";
  EXPECT_FALSE(progress.MaybeUpdate(3)) << "old news";
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_TRUE(progress.MaybeUpdate(5));
  EXPECT_FALSE(progress.IsPaused());
  EXPECT_EQ(progress.next(), 6u);
}

TEST(ProgressTest, ReplicationRunsAheadUntilTheWindowIsFull) {
  Progress progress = Replicating(3);
  progress.SentEntries(1, 10);
  progress.SentEntries(2, 20);
  EXPECT_EQ(progress.next(), 7u);
  EXPECT_FALSE(progress.IsPaused());
  progress.SentEntries(1, 10);
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_EQ(progress.inflights().count(), 3u);
  progress.Resume();
  EXPECT_FALSE(progress.IsPaused());
  progress.SentEntries(0, 0);
  EXPECT_TRUE(progress.IsPaused()) << "the window is as full as before";
}

TEST(ProgressTest, AStaleRejectionChangesNothing) {  // etcd/raft issue 148
  Progress replicating = Replicating(5);
  replicating.SentEntries(3, 0);
  EXPECT_FALSE(replicating.MaybeDecreaseTo(5, 2));
  EXPECT_FALSE(replicating.MaybeDecreaseTo(4, 2));
  EXPECT_EQ(replicating.next(), 9u);
  EXPECT_TRUE(replicating.MaybeDecreaseTo(8, 2));
  EXPECT_EQ(replicating.next(), 6u) << "whatever it suggests, it has confirmed 5";

  Progress probing = Probing(2, 9);
  probing.Pause();
  EXPECT_FALSE(probing.MaybeDecreaseTo(7, 0)) << "the answer to another guess";
  EXPECT_FALSE(probing.MaybeDecreaseTo(9, 0));
  EXPECT_TRUE(probing.IsPaused());
  EXPECT_TRUE(probing.MaybeDecreaseTo(8, 5));
  EXPECT_FALSE(probing.IsPaused());
  EXPECT_EQ(probing.next(), 6u);
  EXPECT_TRUE(probing.MaybeDecreaseTo(5, 0));
  EXPECT_EQ(probing.next(), 3u);
}

TEST(ProgressTest, AHintNeverMovesForward) {
  Progress probing = Probing(0, 9);
  EXPECT_TRUE(probing.MaybeDecreaseTo(8, 100));
  EXPECT_EQ(probing.next(), 8u);
  EXPECT_TRUE(probing.MaybeDecreaseTo(7, kNoLimit));
  EXPECT_EQ(probing.next(), 1u) << "nonsense costs round trips, not truth";
}

TEST(ProgressTest, AfterASnapshotTheLogContinuesBehindIt) {
  Progress arrived = Replicating(2);
  arrived.BecomeSnapshot(10);
  EXPECT_TRUE(arrived.IsPaused());
  arrived.Resume();
  EXPECT_TRUE(arrived.IsPaused()) << "a heartbeat response says nothing about the snapshot";
  EXPECT_EQ(arrived.pending_snapshot(), 10u);
  EXPECT_EQ(arrived.next(), 11u);
  arrived.BecomeProbe();
  EXPECT_EQ(arrived.next(), 11u);
  EXPECT_EQ(arrived.pending_snapshot(), 0u);

  Progress lost = Replicating(2);
  lost.BecomeSnapshot(10);
  lost.AbortSnapshot();
  lost.BecomeProbe();
  EXPECT_EQ(lost.next(), 3u);

  Progress overtaken = Replicating(2);
  overtaken.BecomeSnapshot(10);
  EXPECT_TRUE(overtaken.MaybeUpdate(12));
  overtaken.BecomeProbe();
  EXPECT_EQ(overtaken.next(), 13u);
}

TEST(ProgressTest, ACommitIndexIsToldWhileItCanMatter) {
  Progress progress = Replicating(5);
  EXPECT_TRUE(progress.CanBumpCommit(1));
  progress.SentCommit(4);
  EXPECT_FALSE(progress.CanBumpCommit(4)) << "known";
  EXPECT_TRUE(progress.CanBumpCommit(5));
  progress.SentCommit(5);
  EXPECT_FALSE(progress.CanBumpCommit(9)) << "it covers no entry that was sent";
  progress.SentEntries(3, 0);
  EXPECT_TRUE(progress.CanBumpCommit(9));
  progress.SentCommit(8);
  progress.BecomeProbe();
  EXPECT_FALSE(progress.CanBumpCommit(9));
  progress.MaybeUpdate(8);
  EXPECT_TRUE(progress.CanBumpCommit(9)) << "what was told of lost entries was forgotten";
  progress.BecomeSnapshot(9);
  EXPECT_FALSE(progress.CanBumpCommit(9)) << "the snapshot tells it";
}

TEST(ProgressTest, ARejectionTakesBackWhatWasToldOfCommits) {
  Progress progress = Probing(0, 9);
  progress.SentCommit(8);
  EXPECT_FALSE(progress.CanBumpCommit(9));
  EXPECT_TRUE(progress.MaybeDecreaseTo(8, 4));
  EXPECT_FALSE(progress.CanBumpCommit(4));
  progress.MaybeUpdate(6);
  EXPECT_TRUE(progress.CanBumpCommit(5));
}

TEST(ProgressTest, TheLeaderHasAllOfItsLog) {
  Progress progress(7, 3, 0);
  progress.ResetAsSelf(9);
  EXPECT_EQ(Describe(progress, false), "StateReplicate match=9 next=10");
}

TEST(ProgressTest, IsDescribedByWhatIsUnusual) {
  Progress progress = Replicating(3);
  progress.set_recently_active(true);
  EXPECT_EQ(Describe(progress, false), "StateReplicate match=3 next=4");
  progress.SentEntries(1, 0);
  EXPECT_EQ(Describe(progress, true), "StateReplicate match=3 next=5 learner inflight=1");
  progress.SentEntries(1, 0);
  progress.SentEntries(1, 0);
  EXPECT_EQ(Describe(progress, false), "StateReplicate match=3 next=7 paused inflight=3[full]");
  progress.BecomeSnapshot(20);
  progress.set_recently_active(false);
  EXPECT_EQ(Describe(progress, false),
            "StateSnapshot match=3 next=21 paused pendingSnap=20 inactive");
  EXPECT_EQ(Describe(Progress(1, 3, 0), false), "StateProbe match=0 next=1 inactive");
}

TEST(ProgressDeathTest, NoAppendGoesOutBesideASnapshot) {
  Progress progress = Replicating(3);
  progress.BecomeSnapshot(10);
  EXPECT_DEATH(progress.SentEntries(1, 1), "while a snapshot is under way");
}

}  // namespace
}  // namespace raft::tracker
