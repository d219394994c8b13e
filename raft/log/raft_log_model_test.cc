// A log at work, with a disk that takes its time, crashes, and leaders that come and go; held after
// every step against a plain vector of entries.
#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/log/raft_log.h"
#include "raft/test_random.h"
#include "storage/memory_storage.h"

namespace raft::log {
namespace {

using raftpb::Entry;
using raftpb::EntryList;

constexpr uint64_t kMaxApplying = 60;

class Server {
 public:
  explicit Server(uint64_t seed) : random_(seed) { Start(); }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Step();
      Check();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  // What was handed out for storing at one time, and with which words it will be confirmed.
  struct Write {
    EntryList entries;
    raftpb::SnapshotPtr snapshot;
    EntryId last;
    Term term;
  };

  void Step() {
    switch (random_.Below(15)) {
      case 0:
      case 1: return Lead();
      case 2:
      case 3: return Follow();
      case 4:
      case 5: return HandOutForStoring();
      case 6:
      case 7: return Store();
      case 8: return Confirm();
      case 9: return Commit();
      case 10:
      case 11: return HandOutForApplying();
      case 12: return ConfirmApplied();
      case 13: return random_.OneIn(3) ? Compact() : void();
      case 14: return random_.OneIn(20) ? Start() : random_.OneIn(6) ? Restore() : void();
    }
  }

  // --- The same to the log and to the model ---

  // A new life with what is on disk, and a commit index that may be old.
  void Start() {
    writes_.clear();
    acks_.clear();
    ++term_;
    const EntryId compacted{*storage_.TermAt(storage_.FirstIndex() - 1), storage_.FirstIndex() - 1};
    model_.assign(storage_.LastIndex() + 1, Entry{});
    model_[compacted.index] = {.term = compacted.term, .index = compacted.index};
    for (Index index = storage_.FirstIndex(); index <= storage_.LastIndex(); ++index) {
      model_[index] = storage_.Entries({index, index + 1}, kNoLimit)->front();
    }
    snapshot_ = 0;
    offset_ = handed_out_ = last() + 1;
    const Index first = storage_.FirstIndex();
    committed_ = random_.Between(first - 1, std::max(first - 1, std::min(committed_, last())));
    applied_ = applying_ = random_.Between(first - 1, committed_);
    applying_size_ = 0;
    paused_ = false;
    log_ = std::make_unique<RaftLog>(&storage_, nullptr, kMaxApplying);
    log_->CommitTo(committed_);
    log_->StartAppliedAt(applied_);
  }

  void Lead() {
    if (random_.OneIn(4)) ++term_;
    const Entry entry = NewEntry(last() + 1);
    log_->PushBack(entry);
    model_.push_back(entry);
  }

  // Takes entries of a leader whose log equals ours to some point, and goes on from there or not.
  void Follow() {
    const Index prev = random_.Between(first() - 1, last());
    const Index same = random_.Between(prev, last());
    EntryList entries;
    for (Index index = prev + 1; index <= same; ++index) entries.PushBack(model_[index]);
    const uint64_t more = random_.Below(4);
    if (more > 0 && (same < last() || random_.OneIn(2))) ++term_;  // Only a later leader disagrees.
    for (uint64_t i = 1; i <= more; ++i) {
      if (i > 1 && random_.OneIn(4)) ++term_;
      entries.PushBack(NewEntry(same + i));
    }

    const absl::StatusOr<Index> result = log_->AppendAfter(model_[prev].id(), entries);
    if (more > 0 && same < committed_) {
      ASSERT_TRUE(IsPromiseBroken(result.status())) << result.status();
      return;
    }
    ASSERT_EQ(*result, same + more);
    if (more == 0) return;
    model_.resize(same + 1);
    for (uint64_t i = 1; i <= more; ++i) model_.push_back(entries[same - prev + i - 1]);
    offset_ = std::min(offset_, same + 1);
    handed_out_ = std::min(handed_out_, same + 1);
  }

  void Restore() {
    snapshot_ = committed_ + random_.Between(1, 6);
    raftpb::Snapshot snapshot;
    snapshot.metadata.index = snapshot_;
    snapshot.metadata.term = ++term_;
    log_->Restore(std::make_shared<const raftpb::Snapshot>(snapshot));
    model_.assign(snapshot_ + 1, Entry{});
    model_[snapshot_] = {.term = term_, .index = snapshot_};
    committed_ = snapshot_;
    offset_ = handed_out_ = snapshot_ + 1;
    snapshot_handed_out_ = false;
  }

  void Commit() {
    const Index to = random_.Between(committed_ - std::min<Index>(committed_, 2), last());
    if (random_.OneIn(2)) {
      log_->CommitTo(to);
    } else {
      const bool moves = to > committed_ && model_[to].term == term_;
      ASSERT_EQ(log_->MaybeCommit({term_, to}), moves);
      if (!moves) return;
    }
    committed_ = std::max(committed_, to);
  }

  void HandOutForStoring() {
    ASSERT_EQ(log_->HasNextUnstable(),
              handed_out_ <= last() || (snapshot_ != 0 && !snapshot_handed_out_));
    Write write{.entries = log_->NextUnstableEntries(),
                .snapshot = log_->NextUnstableSnapshot(),
                .last = log_->LastId(),
                .term = term_};
    ASSERT_EQ(write.entries, Copy(handed_out_, last() + 1));
    ASSERT_EQ(write.snapshot != nullptr, snapshot_ != 0 && !snapshot_handed_out_);
    log_->AcceptUnstable();
    handed_out_ = last() + 1;
    snapshot_handed_out_ = true;
    writes_.push_back(std::move(write));
  }

  // The disk does one write at a time, in order.
  void Store() {
    if (writes_.empty()) return;
    const Write& write = writes_.front();
    if (write.snapshot != nullptr) {
      ASSERT_TRUE(storage_.ApplySnapshot(write.snapshot).ok());
    }
    ASSERT_TRUE(storage_.Append(write.entries).ok());
    acks_.push_back(write);
    writes_.pop_front();
  }

  // Confirmations may come late. Those of entries count in their own term only: by the next one the
  // same entry may have been overwritten and written again (etcd/raft issue 8).
  void Confirm() {
    if (acks_.empty()) return;
    const Write ack = acks_.front();
    acks_.pop_front();
    const Index to = ack.last.index;
    if (ack.term == term_ && random_.OneIn(4)) {
      log_->StableTo({ack.last.term - 1, to});  // A confirmation of something else.
    }
    if (ack.term == term_) {
      log_->StableTo(ack.last);
      if (to >= offset_ && to <= last() && model_[to].id() == ack.last) offset_ = to + 1;
      handed_out_ = std::max(handed_out_, offset_);
    }
    if (ack.snapshot == nullptr) return;
    const Index index = ack.snapshot->metadata.index;
    log_->StableSnapshotTo(index);
    if (snapshot_ == index) snapshot_ = 0;
    log_->AppliedTo(index, 0);
    MoveApplied(index, 0);
  }

  void HandOutForApplying() {
    const bool allow_unstable = random_.OneIn(2);
    const Index end = (allow_unstable ? committed_ : std::min(committed_, offset_ - 1)) + 1;
    EntryList expected;
    if (!paused_ && snapshot_ == 0 && applying_ + 1 < end) {
      expected = Prefix({applying_ + 1, end}, kMaxApplying - applying_size_);
    }
    ASSERT_EQ(log_->HasNextCommitted(allow_unstable), !expected.empty());
    const EntryList batch = *log_->NextCommitted(allow_unstable);
    ASSERT_EQ(batch, expected);
    if (batch.empty()) return;
    log_->AcceptApplying(batch.back().index, batch.EncodedSize(), allow_unstable);
    applying_ = batch.back().index;
    for (const Entry& entry : batch) applying_size_ += raftpb::EncodedSize(entry);
    paused_ = applying_size_ >= kMaxApplying || applying_ + 1 < end;
  }

  // Now and then of entries that were handed out before, in another order.
  void ConfirmApplied() {
    const Index to = random_.Between(applied_, applying_);
    uint64_t size = 0;
    for (Index i = applied_ + 1; i <= to; ++i) size += raftpb::EncodedSize(model_[i]);
    log_->AppliedTo(to, size);
    MoveApplied(to, size);
    if (random_.OneIn(4)) log_->AppliedTo(random_.Between(0, applied_), 0);
  }

  void MoveApplied(Index to, uint64_t size) {
    applied_ = std::max(applied_, to);
    applying_ = std::max(applying_, applied_);
    applying_size_ -= std::min(applying_size_, size);
    paused_ = applying_size_ >= kMaxApplying;
  }

  void Compact() {
    const Index to = std::min({applied_, offset_ - 1, storage_.LastIndex()});
    if (snapshot_ != 0 || to < storage_.FirstIndex()) return;
    ASSERT_TRUE(storage_.Compact(random_.Between(storage_.FirstIndex(), to)).ok());
  }

  // --- What the model says ---

  Index first() const { return snapshot_ != 0 ? snapshot_ + 1 : storage_.FirstIndex(); }
  Index last() const { return model_.size() - 1; }

  Entry NewEntry(Index index) {
    Entry entry{
        .term = term_, .index = index, .data = absl::Cord(std::string(random_.Below(20), 'x'))};
    if (random_.OneIn(10)) entry.type = raftpb::EntryType::kConfChangeV2;
    return entry;
  }

  EntryList Copy(Index begin, Index end) const {
    EntryList entries;
    for (; begin < end; ++begin) entries.PushBack(model_[begin]);
    return entries;
  }

  // The longest prefix within the limit, but at least one entry.
  EntryList Prefix(IndexRange range, uint64_t max_size) const {
    EntryList entries;
    uint64_t size = 0;
    for (Index i = range.begin; i < range.end; ++i) {
      size += raftpb::EncodedSize(model_[i]);
      if (!entries.empty() && size > max_size) break;
      entries.PushBack(model_[i]);
    }
    return entries;
  }

  Index NaiveMeeting(Index index, Term term) const {
    index = std::min(index, last());
    while (index > 0 && index + 1 >= first() && model_[index].term > term) --index;
    return index;
  }

  // --- What must hold between any two steps ---

  void Check() {
    ASSERT_EQ(log_->FirstIndex(), first());
    ASSERT_EQ(log_->LastId(), model_.back().id());
    ASSERT_EQ(log_->committed(), committed_);
    ASSERT_EQ(log_->applying(), applying_);
    ASSERT_EQ(log_->applied(), applied_);
    ASSERT_EQ(log_->unstable().offset(), offset_);
    ASSERT_EQ(log_->unstable().in_progress(), handed_out_);
    ASSERT_EQ(log_->HasUnstableSnapshot(), snapshot_ != 0);
    ASSERT_EQ(log_->HasUnstableEntries(), offset_ <= last());
    CheckTerms();
    CheckDisk();
    if (first() > last()) return;

    const Index begin = random_.Between(first(), last());
    const IndexRange range{begin, random_.Between(begin, last() + 1)};
    const uint64_t max_size = random_.OneIn(4) ? kNoLimit : random_.Below(100);
    ASSERT_EQ(*log_->Slice(range, max_size), range.empty() ? EntryList{} : Prefix(range, max_size));
    ASSERT_EQ(*log_->EntriesFrom(begin, max_size), Prefix({begin, last() + 1}, max_size));
    if (first() > 1) {
      ASSERT_TRUE(IsCompacted(log_->EntriesFrom(first() - 1, max_size).status()));
    }
    const bool changes =
        std::any_of(model_.begin() + range.begin, model_.begin() + range.end, raftpb::IsConfChange);
    ASSERT_EQ(range.begin > applied_ && log_->HasConfChangeIn(range),
              range.begin > applied_ && changes);
  }

  void CheckTerms() {
    for (Index index = 0; index <= last() + 2; ++index) {
      const absl::StatusOr<Term> term = log_->TermAt(index);
      if (index + 1 < first()) {
        ASSERT_TRUE(IsCompacted(term.status())) << index << ": " << term.status();
      } else if (index > last()) {
        ASSERT_TRUE(raft::IsUnavailable(term.status())) << index << ": " << term.status();
      } else {
        ASSERT_EQ(*term, model_[index].term) << index;
        ASSERT_TRUE(log_->Matches({*term, index}));
        ASSERT_FALSE(log_->Matches({*term + 1, index}));
      }
    }
    const Index index = random_.Below(last() + 3);
    const Term term = random_.Below(term_ + 2);
    const RaftLog::Meeting meeting = log_->FindMeeting(index, term);
    ASSERT_EQ(meeting.index, NaiveMeeting(index, term)) << "from " << index << " of term " << term;
    if (meeting.index == 0) {
      ASSERT_EQ(meeting.term, 0u);
    } else if (meeting.index + 1 < first()) {
      ASSERT_EQ(meeting.term, absl::nullopt);
    } else {
      ASSERT_EQ(meeting.term, model_[meeting.index].term);
    }
  }

  // What the log takes for stable is on disk, to the byte, and no write under way will change it.
  void CheckDisk() {
    if (snapshot_ != 0) return;
    for (Index index = storage_.FirstIndex(); index < offset_; ++index) {
      ASSERT_LE(index, storage_.LastIndex());
      ASSERT_EQ(storage_.Entries({index, index + 1}, kNoLimit)->front(), model_[index]) << index;
    }
  }

  TestRandom random_;
  storage::MemoryStorage storage_;
  std::unique_ptr<RaftLog> log_;
  Term term_ = 0;

  std::vector<Entry> model_;  // By index. Nothing is known of those before first()-1.
  Index snapshot_ = 0;        // Restored, and not yet confirmed by the disk. 0: none.
  bool snapshot_handed_out_ = false;
  Index offset_ = 1;      // The first entry that the disk has not confirmed.
  Index handed_out_ = 1;  // The first entry that was not handed out for storing.
  Index committed_ = 0;
  Index applying_ = 0;
  Index applied_ = 0;
  uint64_t applying_size_ = 0;
  bool paused_ = false;
  std::deque<Write> writes_;
  std::deque<Write> acks_;
};

TEST(RaftLogModelTest, ALogIsAVectorOfEntries) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Server(seed).Run(300);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace raft::log
