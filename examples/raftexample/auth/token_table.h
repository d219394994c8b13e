// Tokens: who has logged in. Every member has the same, because logins go through the log; each
// forgets one by itself when it was not used for a while.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_TOKEN_TABLE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_TOKEN_TABLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"

namespace raftexample {

// Any thread. Not stored: who was logged in before a restart logs in again.
class TokenTable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit TokenTable(std::chrono::seconds idle) : idle_(idle) {}

  // The token of a login at this entry of the log: the secret, and the index, so that a member that
  // has not applied it yet can tell "not yet" from "never".
  static std::string TokenOf(absl::string_view secret, uint64_t index);
  // The index in a token, nullopt if it was never one of ours.
  static absl::optional<uint64_t> IndexOf(absl::string_view token);

  // From applying, which knows no time: the first use or sweep starts the clock.
  void Add(std::string token, std::string user);
  void RemoveUser(absl::string_view user);
  void Clear();

  // Whose it is; a use.
  absl::optional<std::string> UserOf(absl::string_view token, Time now);
  // Forgets what has been idle for too long; call it every now and then.
  void Sweep(Time now);
  size_t size() const;

 private:
  struct Login {
    std::string user;
    Time last_use = Time::min();  // Time::min(): not started.
  };
  const std::chrono::seconds idle_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Login> logins_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_TOKEN_TABLE_H_
