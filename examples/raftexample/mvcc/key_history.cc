#include "examples/raftexample/mvcc/key_history.h"

#include <algorithm>

#include "raft/check.h"

namespace raftexample {

KeyHistory::Life KeyHistory::Put(Revision at) {
  if (!alive()) life_.create_revision = at.main;
  ++life_.version;
  changes_.push_back({at.main, at.sub, /*deletes=*/false});
  return life_;
}

void KeyHistory::Delete(Revision at) {
  RAFT_CHECK(alive()) << "a key that does not live was deleted at revision " << at.main;
  life_ = Life{};
  changes_.push_back({at.main, at.sub, /*deletes=*/true});
}

void KeyHistory::Restore(Revision at, bool deletes, Life life) {
  life_ = deletes ? Life{} : life;
  changes_.push_back({at.main, at.sub, deletes});
}

size_t KeyHistory::CountUpTo(int64_t main) const {
  // Mostly the present is asked for.
  if (changes_.empty() || changes_.back().main <= main) return changes_.size();
  auto after = std::upper_bound(changes_.begin(), changes_.end(), main,
                                [](int64_t m, const Change& c) { return m < c.main; });
  return after - changes_.begin();
}

absl::optional<Revision> KeyHistory::At(int64_t main) const {
  const size_t count = CountUpTo(main);
  if (count == 0 || changes_[count - 1].deletes) return absl::nullopt;
  return Revision{changes_[count - 1].main, changes_[count - 1].sub};
}

size_t KeyHistory::ObsoleteAt(int64_t main) const {
  const size_t count = CountUpTo(main);
  if (count == 0) return 0;
  const Change& last = changes_[count - 1];
  return last.deletes && last.main < main ? count : count - 1;
}

void KeyHistory::Compact(int64_t main) {
  changes_.erase(changes_.begin(), changes_.begin() + ObsoleteAt(main));
}

bool KeyHistory::Survives(Revision change, int64_t main) const {
  auto same = [&](const Change& c) { return c.main == change.main && c.sub == change.sub; };
  return std::any_of(changes_.begin() + ObsoleteAt(main), changes_.end(), same);
}

}  // namespace raftexample
