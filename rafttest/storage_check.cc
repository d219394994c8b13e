#include "rafttest/storage_check.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "raft/errors.h"
#include "rafttest/random.h"

namespace rafttest {

namespace {

using raft::EntryId;
using raft::Index;
using raft::Term;
using raftpb::Entry;

std::string Text(const EntryId& id) { return absl::StrCat(id.term, "/", id.index); }

// What the log should be.
struct Model {
  EntryId before;              // In front of the first entry.
  std::vector<Entry> entries;  //
  raftpb::HardState hard_state;
  raftpb::SnapshotPtr snapshot;  // The newest; null if there is none.

  Index first() const { return before.index + 1; }
  Index last() const { return before.index + entries.size(); }
  Term TermAt(Index index) const {
    return index == before.index ? before.term : entries[index - first()].term;
  }
  Term last_term() const { return TermAt(last()); }
  Index snapshot_index() const { return snapshot == nullptr ? 0 : snapshot->metadata.index; }

  void Append(const raftpb::EntryList& more) {
    entries.resize(more.front().index - first());
    for (const Entry& entry : more) entries.push_back(entry);
  }
  void CompactTo(Index index) {
    const EntryId id = {TermAt(index), index};
    entries.erase(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(index - before.index));
    before = id;
  }
};

// One storage, and the random life of its server.
class Life {
 public:
  Life(uint64_t seed, std::unique_ptr<StorageUnderTest> subject)
      : random_(seed), subject_(std::move(subject)) {}

  absl::Status Run(uint64_t steps) {
    for (uint64_t i = 0; i < steps; ++i) {
      absl::Status status = i == 0 ? absl::OkStatus() : TakeStep();
      if (!status.ok()) {
        status = absl::FailedPreconditionError(absl::StrCat("refused: ", status.message()));
      }
      if (status.ok()) status = Compare();
      if (status.ok()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(status.message(), "\n  after: ", absl::StrJoin(steps_, "\n         ")));
    }
    return absl::OkStatus();
  }

 private:
  // --- Steps ---

  absl::Status TakeStep() {
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
      case 3: return Append(model_.last() + 1, random_.Chance(0.2));
      case 4:
        if (model_.hard_state.commit == model_.last()) return Commit();
        return Append(random_.Between(model_.hard_state.commit + 1, model_.last()), true);
      case 5: return Commit();
      case 6: return SaveSnapshot();
      case 7: return Compact();
      case 8: return random_.Chance(0.3) ? Restore() : Commit();
      default: return Reopen();
    }
  }

  absl::Status Append(Index first, bool new_term) {
    const Term before = first == model_.first() ? model_.before.term : model_.TermAt(first - 1);
    Term term = std::max({before, model_.last_term(), Term{1}}) + (new_term ? 1 : 0);
    raftpb::EntryList entries;
    const uint64_t count = random_.Between(1, 12);
    for (Index index = first; index < first + count; ++index) {
      Entry entry;
      term += random_.Chance(0.1) ? 1 : 0;
      entry.term = term;
      entry.index = index;
      const size_t bytes = random_.Chance(0.1) ? random_.Below(20'000) : random_.Below(40);
      entry.data = absl::Cord(std::string(bytes, static_cast<char>('a' + random_.Below(26))));
      entries.PushBack(std::move(entry));
    }
    Say(absl::StrCat("save entries ", Text(entries.front().id()), " to ",
                     Text(entries.back().id())));
    model_.Append(entries);
    absl::optional<raftpb::HardState> hard_state;
    if (random_.Chance(0.5)) hard_state = NextHardState();
    return Save(nullptr, entries, hard_state);
  }

  absl::Status Commit() {
    const raftpb::HardState next = NextHardState();
    Say(absl::StrCat("save hard state: term ", next.term, ", vote ", next.vote, ", commit ",
                     next.commit));
    return Save(nullptr, {}, next);
  }

  raftpb::HardState NextHardState() {
    raftpb::HardState& now = model_.hard_state;
    now.term = std::max(now.term, model_.last_term()) + random_.Below(2);
    now.vote = random_.Below(4);
    now.commit = random_.Between(now.commit, model_.last());
    return now;
  }

  absl::Status SaveSnapshot() {
    if (model_.snapshot_index() >= model_.hard_state.commit) return Commit();
    const Index index = random_.Between(model_.snapshot_index() + 1, model_.hard_state.commit);
    const raftpb::SnapshotPtr snapshot = MakeSnapshot({model_.TermAt(index), index});
    model_.snapshot = snapshot;
    Say(absl::StrCat("save a snapshot of ", Text(snapshot->metadata.id())));
    return subject_->SaveSnapshot(index, snapshot->metadata.conf_state, snapshot->data);
  }

  absl::Status Compact() {
    if (model_.snapshot_index() <= model_.before.index) return Commit();
    const Index index = random_.Between(model_.first(), model_.snapshot_index());
    Say(absl::StrCat("compact to ", index));
    undone_ = undone_.has_value() ? undone_ : model_;
    model_.CompactTo(index);
    return subject_->Compact(index);
  }

  // A leader's snapshot; sometimes entries come with it.
  absl::Status Restore() {
    const Term term = model_.last_term() + 1;
    const Index index = model_.last() + random_.Between(1, 5);
    const raftpb::SnapshotPtr snapshot = MakeSnapshot({term, index});
    model_.snapshot = snapshot;
    model_.before = {term, index};
    model_.entries.clear();
    model_.hard_state.term = std::max(model_.hard_state.term, term);
    model_.hard_state.commit = index;
    Say(absl::StrCat("save a leader's snapshot of ", Text(snapshot->metadata.id())));
    return Save(snapshot, {}, model_.hard_state);
  }

  absl::Status Reopen() {
    Say("open again");
    if (absl::Status s = subject_->Reopen(); !s.ok()) return s;
    // It may have forgotten what it compacted.
    if (undone_.has_value() && subject_->storage().FirstIndex() < model_.first()) {
      const Index kept = subject_->storage().FirstIndex() - 1;
      if (kept >= undone_->before.index && kept <= undone_->last()) {
        Model with_more = *undone_;
        with_more.CompactTo(kept);
        model_.before = with_more.before;
        model_.entries = std::move(with_more.entries);
      }
    }
    undone_.reset();
    const absl::StatusOr<raft::Storage::InitialState> initial = subject_->storage().Initial();
    if (!initial.ok()) return Wrong("Initial()", initial.status().ToString(), "an answer");
    if (!(initial->hard_state == model_.hard_state)) {
      const auto text = [](const raftpb::HardState& state) {
        return absl::StrCat("term ", state.term, ", vote ", state.vote, ", commit ", state.commit);
      };
      return Wrong("Initial().hard_state", text(initial->hard_state), text(model_.hard_state));
    }
    if (model_.snapshot != nullptr &&
        !(initial->conf_state == model_.snapshot->metadata.conf_state)) {
      return Wrong("Initial().conf_state", "another", "that of the newest snapshot");
    }
    return absl::OkStatus();
  }

  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) {
    undone_.reset();
    return subject_->Save(snapshot, entries, hard_state);
  }

  raftpb::SnapshotPtr MakeSnapshot(const EntryId& at) {
    auto snapshot = std::make_shared<raftpb::Snapshot>();
    snapshot->metadata.index = at.index;
    snapshot->metadata.term = at.term;
    snapshot->metadata.conf_state.voters = {1, 2, at.index + 10};
    snapshot->data = absl::Cord(absl::StrCat("state at ", at.index));
    saved_.push_back(snapshot);
    return snapshot;
  }

  void Say(std::string step) { steps_.push_back(std::move(step)); }

  // --- Answers ---

  static absl::Status Wrong(absl::string_view question, absl::string_view answer,
                            absl::string_view expected) {
    return absl::InternalError(
        absl::StrCat(question, " is ", answer, ", and should be ", expected));
  }

  absl::Status Compare() {
    const raft::Storage& storage = subject_->storage();
    if (storage.FirstIndex() != model_.first()) {
      return Wrong("FirstIndex()", absl::StrCat(storage.FirstIndex()),
                   absl::StrCat(model_.first()));
    }
    if (storage.LastIndex() != model_.last()) {
      return Wrong("LastIndex()", absl::StrCat(storage.LastIndex()), absl::StrCat(model_.last()));
    }
    if (absl::Status s = CompareTerms(); !s.ok()) return s;
    for (int i = 0; i < 6; ++i) {
      if (absl::Status s = CompareEntries(); !s.ok()) return s;
    }
    return CompareSnapshot();
  }

  absl::Status CompareTerms() {
    const raft::Storage& storage = subject_->storage();
    for (Index index = model_.before.index; index <= model_.last(); ++index) {
      const absl::StatusOr<Term> term = storage.TermAt(index);
      const std::string question = absl::StrCat("TermAt(", index, ")");
      if (!term.ok()) {
        return Wrong(question, term.status().ToString(), absl::StrCat(model_.TermAt(index)));
      }
      if (*term != model_.TermAt(index)) {
        return Wrong(question, absl::StrCat(*term), absl::StrCat(model_.TermAt(index)));
      }
    }
    if (model_.before.index > 0) {
      const absl::Status below = storage.TermAt(model_.before.index - 1).status();
      if (!raft::IsCompacted(below)) {
        return Wrong("TermAt(FirstIndex() - 2)", below.ToString(), raft::Compacted().ToString());
      }
    }
    const absl::Status above = storage.TermAt(model_.last() + 1).status();
    if (!raft::IsUnavailable(above)) {
      return Wrong("TermAt(LastIndex() + 1)", above.ToString(), raft::Unavailable().ToString());
    }
    return absl::OkStatus();
  }

  // A range, mostly inside the log, and a limit, mostly near the size of some of it.
  absl::Status CompareEntries() {
    const Index lowest = model_.before.index;  // Compacted.
    const Index begin = random_.Between(std::max<Index>(lowest, 1), model_.last() + 1);
    const Index end = random_.Between(begin + 1, model_.last() + 2);
    uint64_t limit = raft::kNoLimit;
    if (random_.Chance(0.7)) {
      limit = random_.Below(2);  // What some of them have, or a byte more; below: or less.
      for (Index i = begin; i < end && i <= model_.last() && random_.Chance(0.8); ++i) {
        if (i > lowest) limit += EncodedSize(model_.entries[i - model_.first()]);
      }
      if (limit > 0 && random_.Chance(0.3)) --limit;
    }
    const absl::StatusOr<raftpb::EntryList> entries =
        subject_->storage().Entries({begin, end}, limit);
    const std::string question =
        absl::StrCat("Entries([", begin, ", ", end, "), ", limit, ") of a log of [", model_.first(),
                     ", ", model_.last(), "]");
    if (begin <= lowest) {
      if (raft::IsCompacted(entries.status())) return absl::OkStatus();
      return Wrong(question, entries.status().ToString(), raft::Compacted().ToString());
    }
    if (end > model_.last() + 1) {
      if (raft::IsUnavailable(entries.status())) return absl::OkStatus();
      return Wrong(question, entries.status().ToString(), raft::Unavailable().ToString());
    }
    if (!entries.ok()) return Wrong(question, entries.status().ToString(), "entries");
    return CompareList(question, *entries, {begin, end}, limit);
  }

  absl::Status CompareList(const std::string& question, const raftpb::EntryList& entries,
                           raft::IndexRange wanted, uint64_t limit) {
    size_t expected = 0;
    uint64_t bytes = 0;
    for (Index i = wanted.begin; i < wanted.end; ++i, ++expected) {
      bytes += EncodedSize(model_.entries[i - model_.first()]);
      if (expected > 0 && bytes > limit) break;
    }
    if (entries.size() != expected) {
      return Wrong(question, absl::StrCat(entries.size(), " entries"), absl::StrCat(expected));
    }
    Index index = wanted.begin;
    for (const Entry& entry : entries) {
      const Entry& right = model_.entries[index - model_.first()];
      if (!(entry == right)) {
        return Wrong(question,
                     absl::StrCat("at ", index, " ", Text(entry.id()), " with ", entry.data.size(),
                                  " bytes"),
                     absl::StrCat(Text(right.id()), " with ", right.data.size()));
      }
      ++index;
    }
    return absl::OkStatus();
  }

  // Any that was saved will do, if the log goes on from it.
  absl::Status CompareSnapshot() {
    const absl::StatusOr<raftpb::SnapshotPtr> snapshot = subject_->storage().Snapshot();
    if (model_.snapshot == nullptr) {
      if (raft::IsSnapshotTemporarilyUnavailable(snapshot.status())) return absl::OkStatus();
      return Wrong("Snapshot()", snapshot.status().ToString(),
                   raft::SnapshotTemporarilyUnavailable().ToString());
    }
    if (!snapshot.ok()) return Wrong("Snapshot()", snapshot.status().ToString(), "the newest");
    const EntryId id = (*snapshot)->metadata.id();
    if (id.index < model_.before.index) {
      return Wrong("Snapshot()", Text(id), absl::StrCat("at ", model_.before.index, " or above"));
    }
    for (const raftpb::SnapshotPtr& saved : saved_) {
      if (**snapshot == *saved) return absl::OkStatus();
    }
    return Wrong("Snapshot()", absl::StrCat(Text(id), " with ", (*snapshot)->data.size(), " bytes"),
                 "one that was saved");
  }

  Random random_;
  const std::unique_ptr<StorageUnderTest> subject_;
  Model model_;
  std::vector<raftpb::SnapshotPtr> saved_;
  // As it was before compactions that nothing durable has followed yet.
  absl::optional<Model> undone_;
  std::vector<std::string> steps_;
};

}  // namespace

absl::Status CheckStorage(const std::function<std::unique_ptr<StorageUnderTest>()>& make,
                          const StorageCheckOptions& options) {
  for (uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const absl::Status status = Life(seed, make()).Run(options.steps);
    if (!status.ok()) {
      return absl::FailedPreconditionError(absl::StrCat("seed ", seed, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace rafttest
