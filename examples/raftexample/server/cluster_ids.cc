#include "examples/raftexample/server/cluster_ids.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace raftexample {
namespace {

constexpr uint64_t kLeast = uint64_t{1} << 60;

uint64_t Fold(absl::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  uint64_t id = 0;
  for (size_t i = 0; i < sizeof(id); ++i) id = id << 8 | digest[i];
  return (id >> 1) | kLeast;
}

// Lengths in front: no two lists look alike.
std::string Listed(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  return absl::StrJoin(items, "", [](std::string* out, const std::string& item) {
    absl::StrAppend(out, item.size(), ":", item, ",");
  });
}

}  // namespace

uint64_t FoundingMemberId(std::vector<std::string> peer_urls, absl::string_view token) {
  return Fold(absl::StrCat("founding member ", Listed(std::move(peer_urls)), token));
}

uint64_t AddedMemberId(std::vector<std::string> peer_urls, uint64_t cluster, uint64_t nonce) {
  return Fold(absl::StrCat("added member ", Listed(std::move(peer_urls)), cluster, "/", nonce));
}

uint64_t ClusterId(std::vector<uint64_t> founding_members, absl::string_view token) {
  std::sort(founding_members.begin(), founding_members.end());
  return Fold(absl::StrCat("cluster ", absl::StrJoin(founding_members, ","), "/", token));
}

}  // namespace raftexample
