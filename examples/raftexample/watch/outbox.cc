#include "examples/raftexample/watch/outbox.h"

namespace raftexample {
namespace {

// What a queued response costs besides its events.
constexpr size_t kResponseBytes = 64;

}  // namespace

bool Outbox::HasRoom() const {
  absl::MutexLock lock(&mutex_);
  return bytes_ < max_bytes_;
}

bool Outbox::IsHalfEmpty() const {
  absl::MutexLock lock(&mutex_);
  return bytes_ <= max_bytes_ / 2;
}

bool Outbox::IsEmpty() const {
  absl::MutexLock lock(&mutex_);
  return queue_.empty();
}

bool Outbox::Add(WatchOutput output, bool may_split) {
  absl::MutexLock lock(&mutex_);
  bytes_ += BytesOf(output);
  queue_.push_back({std::move(output), may_split});
  return std::exchange(waited_for_, false);
}

void Outbox::Announce() {
  absl::MutexLock lock(&ready_mutex_);
  if (ready_) ready_();
}

absl::optional<WatchOutput> Outbox::Next() {
  absl::MutexLock lock(&mutex_);
  if (queue_.empty()) {
    waited_for_ = true;
    return absl::nullopt;
  }
  Item& front = queue_.front();
  WatchOutput next;
  if (front.may_split && BytesOf(front.output) > max_fragment_bytes_) next = CutOff(front.output);
  if (next.events.empty()) {
    next = std::move(front.output);
    queue_.pop_front();
  }
  bytes_ -= BytesOf(next);
  return next;
}

void Outbox::Close() {
  absl::MutexLock lock(&ready_mutex_);
  ready_ = nullptr;
}

size_t Outbox::BytesOf(const WatchOutput& output) {
  size_t bytes = kResponseBytes;
  for (const auto& event : output.events) bytes += event->wire.size();
  return bytes;
}

// A fragment from the front, at least one event; nothing if that would be all.
WatchOutput Outbox::CutOff(WatchOutput& output) {
  size_t count = 0;
  for (size_t bytes = 0; count < output.events.size(); ++count) {
    bytes += output.events[count]->wire.size();
    if (count > 0 && bytes > max_fragment_bytes_) break;
  }
  WatchOutput piece;
  if (count == output.events.size()) return piece;
  piece.head = output.head;
  piece.head.set_fragment(true);
  piece.events.assign(output.events.begin(), output.events.begin() + count);
  output.events.erase(output.events.begin(), output.events.begin() + count);
  bytes_ += kResponseBytes;  // There is one response more now.
  return piece;
}

}  // namespace raftexample
