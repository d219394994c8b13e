// How much a server holds for clients that do not read their answers.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNREAD_ANSWERS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNREAD_ANSWERS_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace raftexample::rpc {

// Bytes of large answers that gRPC has not been able to send yet, by connection: whoever asks for
// much and reads nothing gets no more after a while, and others do not notice. Thread-safe.
class UnreadAnswers {
 public:
  // Smaller answers are not counted: what asks for them holds as much itself.
  static constexpr size_t kCounted = 64 << 10;
  // A connection may have so much, and one answer more for each thread that reads for it.
  static constexpr size_t kMost = 64 << 20;

  bool HasTooMany(const std::string& peer) const {
    absl::MutexLock lock(&mutex_);
    const auto found = bytes_.find(peer);
    return found != bytes_.end() && found->second > kMost;
  }
  void Add(const std::string& peer, size_t bytes) {
    absl::MutexLock lock(&mutex_);
    bytes_[peer] += bytes;
  }
  void Remove(const std::string& peer, size_t bytes) {
    absl::MutexLock lock(&mutex_);
    const auto found = bytes_.find(peer);
    if ((found->second -= bytes) == 0) bytes_.erase(found);
  }

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, size_t> bytes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNREAD_ANSWERS_H_
