#include "examples/raftexample/mvcc/key_index.h"

#include "raft/check.h"

namespace raftexample {

KeyHistory::Life KeyIndex::Put(absl::string_view key, Revision at) {
  return keys_.try_emplace(key).first->second.Put(at);
}

void KeyIndex::Delete(absl::string_view key, Revision at) {
  auto found = keys_.find(key);
  RAFT_CHECK(found != keys_.end()) << "an unknown key was deleted at revision " << at.main;
  found->second.Delete(at);
}

void KeyIndex::Restore(absl::string_view key, Revision at, bool deletes, KeyHistory::Life life) {
  keys_.try_emplace(key).first->second.Restore(at, deletes, life);
}

const KeyHistory* KeyIndex::Find(absl::string_view key) const {
  auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

absl::optional<Revision> KeyIndex::At(absl::string_view key, int64_t main) const {
  const KeyHistory* history = Find(key);
  return history == nullptr ? absl::nullopt : history->At(main);
}

void KeyIndex::Visit(const KeyRange& range, int64_t main,
                     absl::FunctionRef<bool(absl::string_view key, Revision at)> visit) const {
  if (range.IsSingle()) {
    if (const absl::optional<Revision> at = At(range.key, main)) visit(range.key, *at);
    return;
  }
  for (auto it = keys_.lower_bound(range.key); it != keys_.end(); ++it) {
    if (!range.EndsAfter(it->first)) return;
    const absl::optional<Revision> at = it->second.At(main);
    if (at && !visit(it->first, *at)) return;
  }
}

absl::optional<std::string> KeyIndex::CompactSome(int64_t main, absl::string_view first,
                                                  size_t max_keys) {
  auto it = keys_.lower_bound(first);
  for (; it != keys_.end() && max_keys > 0; --max_keys) {
    it->second.Compact(main);
    it = it->second.empty() ? keys_.erase(it) : std::next(it);
  }
  if (it == keys_.end()) return absl::nullopt;
  return it->first;
}

}  // namespace raftexample
