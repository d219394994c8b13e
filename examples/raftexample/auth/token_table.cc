#include "examples/raftexample/auth/token_table.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace raftexample {

std::string TokenTable::TokenOf(absl::string_view secret, uint64_t index) {
  return absl::StrCat(secret, ".", index);
}

absl::optional<uint64_t> TokenTable::IndexOf(absl::string_view token) {
  const size_t dot = token.rfind('.');
  uint64_t index;
  if (dot == absl::string_view::npos || !absl::SimpleAtoi(token.substr(dot + 1), &index)) {
    return absl::nullopt;
  }
  return index;
}

void TokenTable::Add(std::string token, std::string user) {
  absl::MutexLock lock(&mutex_);
  logins_[std::move(token)] = Login{std::move(user)};
}

void TokenTable::RemoveUser(absl::string_view user) {
  absl::MutexLock lock(&mutex_);
  absl::erase_if(logins_, [&](const auto& login) { return login.second.user == user; });
}

void TokenTable::Clear() {
  absl::MutexLock lock(&mutex_);
  logins_.clear();
}

absl::optional<std::string> TokenTable::UserOf(absl::string_view token, Time now) {
  absl::MutexLock lock(&mutex_);
  auto found = logins_.find(token);
  if (found == logins_.end()) return absl::nullopt;
  Login& login = found->second;
  if (login.last_use != Time::min() && login.last_use + idle_ <= now) {
    logins_.erase(found);
    return absl::nullopt;
  }
  login.last_use = now;
  return login.user;
}

void TokenTable::Sweep(Time now) {
  absl::MutexLock lock(&mutex_);
  for (auto& [token, login] : logins_) {
    if (login.last_use == Time::min()) login.last_use = now;
  }
  absl::erase_if(logins_, [&](const auto& login) { return login.second.last_use + idle_ <= now; });
}

size_t TokenTable::size() const {
  absl::MutexLock lock(&mutex_);
  return logins_.size();
}

}  // namespace raftexample
