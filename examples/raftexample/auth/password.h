// Passwords, which exist in clear only between a client and the member it talks to.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PASSWORD_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PASSWORD_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace raftexample {

// Each step of the cost doubles the time; 10 takes some 50 ms. So: never on the thread that
// applies, and never in applying, where the salt would differ from member to member.
inline constexpr int kDefaultBcryptCost = 10;
// A client may bring a hash of its own, which must not keep a member busy for hours.
inline constexpr int kMaxBcryptCost = 14;
// bcrypt looks at no more.
inline constexpr size_t kMaxPasswordBytes = 72;

// A bcrypt hash with a salt of its own, for the log. InvalidArgument for a password that is too
// long, or contains a zero byte. An empty one is a password, too.
absl::StatusOr<std::string> HashPassword(absl::string_view password, int cost = kDefaultBcryptCost);
// Whether the hash is of this password. Takes the same time whatever the answer, also for an empty
// or broken hash: who asks must not learn which users there are.
bool VerifyPassword(absl::string_view password, absl::string_view hash,
                    int cost = kDefaultBcryptCost);
// Whether the string is a hash that VerifyPassword understands.
bool IsPasswordHash(absl::string_view hash);

// Unguessable letters and digits, from the system's source of randomness; 128 bits. For tokens: the
// proposer draws it, the log carries it.
std::string NewSecret();

// Overwrites a password that is not needed any more, and empties the string.
void Wipe(std::string* secret);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PASSWORD_H_
