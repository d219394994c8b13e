// What each call of the API requires of the caller: the one table, used when a request arrives and
// again when its command is applied.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_ACCESS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_ACCESS_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "google/protobuf/message.h"

namespace raftexample {

// Movable, not copyable: `keys` may look into `owned`.
struct Access {
  Access() = default;
  Access(Access&&) = default;
  Access& operator=(Access&&) = default;

  enum class Who {
    kAnyone,  // No credentials needed: what a client asks before it can log in.
    kUser,    // Any user, who must also hold the permissions in `keys`.
    kAdmin,   // A user with the role root.
  };
  // A permission that is needed. The strings of the range are those of the request.
  struct Keys {
    bool write = false;
    KeyRange range;
  };

  Who who = Who::kAdmin;  // What is not in the table is for administrators only.
  std::vector<Keys> keys;
  // For a user this one needs no administrator: somebody asking about themselves, or a role of
  // their own. Empty: no such exception.
  absl::string_view own_user, own_role;

  // What `keys` looks into and no request holds: the keys of a lease, the prefix of a lock.
  std::deque<std::string> owned;
};

// The keys attached to a lease now, in order.
using LeaseKeys = absl::FunctionRef<std::vector<std::string>(int64_t lease)>;

// `method` is the full name of the call ("/etcdserverpb.KV/Range"), `request` a message of its
// request type; the answer looks into it. A method that is not in the table, or a request of
// another type, is for administrators only.
Access AccessOf(absl::string_view method, const google::protobuf::Message& request,
                LeaseKeys lease_keys);
// Whether the method is in the table.
bool HasRule(absl::string_view method);
// The same for the command that the request became.
Access AccessOf(const internal::Command& command, LeaseKeys lease_keys);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_ACCESS_H_
