#include "examples/raftexample/auth/permission_set.h"

#include <algorithm>
#include <utility>

namespace raftexample {
namespace {

// Where a range ends; nullopt is nowhere.
absl::optional<std::string> EndOf(const KeyRange& range) {
  if (range.IsUnbounded()) return absl::nullopt;
  if (range.IsSingle()) return std::string(range.key) + '\0';
  return std::string(range.range_end);
}

// Whether an end is at or after another.
bool Reaches(const absl::optional<std::string>& end, const absl::optional<std::string>& other) {
  return !end || (other && *end >= *other);
}

}  // namespace

void KeySet::Add(const KeyRange& range) {
  if (range.IsEmpty()) return;
  Interval added{std::string(range.key), EndOf(range)};
  // Those that touch it become part of it.
  auto first = std::find_if(intervals_.begin(), intervals_.end(),
                            [&](const Interval& i) { return !i.end || *i.end >= added.begin; });
  auto last = first;
  for (; last != intervals_.end() && (!added.end || last->begin <= *added.end); ++last) {
    added.begin = std::min(added.begin, last->begin);
    if (!Reaches(added.end, last->end)) added.end = last->end;
  }
  first = intervals_.erase(first, last);
  intervals_.insert(first, std::move(added));
}

bool KeySet::Covers(const KeyRange& range) const {
  if (range.IsEmpty()) return false;
  auto after =
      std::upper_bound(intervals_.begin(), intervals_.end(), range.key,
                       [](absl::string_view key, const Interval& i) { return key < i.begin; });
  return after != intervals_.begin() && Reaches(std::prev(after)->end, EndOf(range));
}

void PermissionSet::Add(const authpb::Permission& permission) {
  const KeyRange range{permission.key(), permission.range_end()};
  if (permission.permtype() != authpb::Permission::WRITE) readable_.Add(range);
  if (permission.permtype() != authpb::Permission::READ) writable_.Add(range);
}

}  // namespace raftexample
