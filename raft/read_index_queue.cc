#include "raft/read_index_queue.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/string_view.h"

namespace raft {

namespace {

constexpr size_t kContextBytes = 8;

}  // namespace

void ReadIndexQueue::Push(ReadRequest&& request, Index commit, NodeId self) {
  ++taken_;
  waiting_.push_back({std::move(request), commit});
  Confirm(self, taken_);
}

absl::Cord ReadIndexQueue::HeartbeatContext() const {
  if (empty()) return absl::Cord();
  std::array<char, kContextBytes> bytes;
  for (size_t i = 0; i < kContextBytes; ++i) bytes[i] = static_cast<char>(taken_ >> (8 * i));
  return absl::Cord(absl::string_view(bytes.data(), bytes.size()));
}

absl::optional<uint64_t> ReadIndexQueue::ParseContext(const absl::Cord& context) const {
  if (context.size() != kContextBytes) return absl::nullopt;
  uint64_t number = 0;
  int shift = 0;
  for (char byte : context.Chars()) {
    number |= uint64_t{static_cast<unsigned char>(byte)} << shift;
    shift += 8;
  }
  if (number == 0 || number > taken_) return absl::nullopt;
  return number;
}

void ReadIndexQueue::Confirm(NodeId from, uint64_t number) {
  for (auto& [id, highest] : confirmed_) {
    if (id != from) continue;
    highest = std::max(highest, number);
    return;
  }
  confirmed_.emplace_back(from, number);
}

size_t ReadIndexQueue::CountConfirmed(const quorum::Joint& voters) const {
  const uint64_t confirmed = voters.CommittedIndex([this](NodeId id) -> absl::optional<Index> {
    for (const auto& [voter, highest] : confirmed_) {
      if (voter == id) return highest;
    }
    return absl::nullopt;
  });
  const uint64_t oldest = taken_ - size() + 1;
  return confirmed < oldest ? 0 : std::min<uint64_t>(confirmed - oldest + 1, size());
}

// Those released leave the vector once they are half of it, so that each moves a few times at most.
void ReadIndexQueue::ForgetReleased() {
  if (2 * released_ < waiting_.size()) return;
  waiting_.erase(waiting_.begin(), waiting_.begin() + released_);
  released_ = 0;
}

}  // namespace raft
