// The names of members and clusters.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CLUSTER_IDS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CLUSTER_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace raftexample {

// All of them are hashes folded into [2^60, 2^63): people and programs print them in hexadecimal
// without leading zeros, and as signed numbers, and must get the same name back.

// A founding member: the same on every member, because all know the URLs and the token.
uint64_t FoundingMemberId(std::vector<std::string> peer_urls, absl::string_view token);

// A member that is added later. `nonce` makes it another one than any that had these URLs before.
uint64_t AddedMemberId(std::vector<std::string> peer_urls, uint64_t cluster, uint64_t nonce);

// Of the cluster that these members found.
uint64_t ClusterId(std::vector<uint64_t> founding_members, absl::string_view token);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CLUSTER_IDS_H_
