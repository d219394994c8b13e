#include "examples/raftexample/auth/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "raft/check.h"

namespace raftexample {
namespace {

constexpr const char* kBcryptPrefix = "$2b$";
constexpr size_t kBcryptHashBytes = 60;
constexpr size_t kSaltBytes = 16;

// A whole hash, or with the salt alone as `setting`, the hash that begins with it. Empty on
// failure.
std::string Crypt(absl::string_view password, const std::string& setting) {
  auto data = std::make_unique<crypt_data>();
  const std::string phrase(password);
  const char* hash = ::crypt_rn(phrase.c_str(), setting.c_str(), data.get(), sizeof(*data));
  std::string result = hash == nullptr ? "" : hash;
  ::explicit_bzero(data.get(), sizeof(*data));
  return result;
}

std::string MakeSetting(int cost, const char (&salt)[kSaltBytes]) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  const char* made = ::crypt_gensalt_rn(kBcryptPrefix, static_cast<unsigned long>(cost), salt,
                                        sizeof(salt), setting, sizeof(setting));
  RAFT_CHECK(made != nullptr) << "bcrypt with cost " << cost;
  return made;
}

bool IsHashable(absl::string_view password) {
  return password.size() <= kMaxPasswordBytes && !absl::StrContains(password, '\0');
}

}  // namespace

absl::StatusOr<std::string> HashPassword(absl::string_view password, int cost) {
  if (!IsHashable(password)) {
    return absl::InvalidArgumentError(
        "etcdserver: a password has at most 72 bytes, none of which is zero");
  }
  char salt[kSaltBytes];
  RAFT_CHECK(::getentropy(salt, sizeof(salt)) == 0) << strerror(errno);
  std::string hash = Crypt(password, MakeSetting(cost, salt));
  RAFT_CHECK(IsPasswordHash(hash)) << "bcrypt failed";
  return hash;
}

bool VerifyPassword(absl::string_view password, absl::string_view hash, int cost) {
  const bool possible = IsPasswordHash(hash) && IsHashable(password);
  const std::string setting = possible ? std::string(hash) : MakeSetting(cost, {});
  const std::string computed = Crypt(IsHashable(password) ? password : "x", setting);
  return possible && computed.size() == hash.size() &&
         ::CRYPTO_memcmp(computed.data(), hash.data(), hash.size()) == 0;
}

bool IsPasswordHash(absl::string_view hash) {
  // $2b$, or $2a$ and $2y$ of other implementations; two digits of cost; salt and hash.
  int cost;
  return hash.size() == kBcryptHashBytes && absl::StartsWith(hash, "$2") && hash[3] == '$' &&
         hash[6] == '$' && (hash[2] == 'a' || hash[2] == 'b' || hash[2] == 'y') &&
         absl::SimpleAtoi(hash.substr(4, 2), &cost) && cost <= kMaxBcryptCost;
}

std::string NewSecret() {
  char bytes[16];
  RAFT_CHECK(::getentropy(bytes, sizeof(bytes)) == 0) << strerror(errno);
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

void Wipe(std::string* secret) {
  ::explicit_bzero(secret->data(), secret->size());
  secret->clear();
}

}  // namespace raftexample
