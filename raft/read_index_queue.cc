#include "raft/read_index_queue.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/string_view.h"

namespace raft {

namespace {

constexpr size_t kContextBytes = 8;

}  // namespace

void ReadIndexQueue::Push(raftpb::Message request, Index commit, NodeId self) {
  ++taken_;
  waiting_.push_back({std::move(request), commit});
  Confirm(self, taken_);
}

absl::Cord ReadIndexQueue::HeartbeatContext() const {
  if (waiting_.empty()) return absl::Cord();
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

std::vector<ReadIndexQueue::Read> ReadIndexQueue::Release(const quorum::Joint& voters) {
  const uint64_t confirmed = voters.CommittedIndex([this](NodeId id) -> absl::optional<Index> {
    for (const auto& [voter, highest] : confirmed_) {
      if (voter == id) return highest;
    }
    return absl::nullopt;
  });
  std::vector<Read> released;
  const uint64_t oldest = taken_ - waiting_.size() + 1;
  if (confirmed < oldest) return released;
  const size_t count = std::min<uint64_t>(confirmed - oldest + 1, waiting_.size());
  released.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    released.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return released;
}

}  // namespace raft
