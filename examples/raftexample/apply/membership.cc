#include "examples/raftexample/apply/membership.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {
namespace {

using etcdserverpb::Member;
using internal::MemberChange;

constexpr absl::string_view kClusterVersionKey = "cluster_version";
constexpr absl::string_view kDowngradeKey = "downgrade";

std::string StoredKey(uint64_t id) { return absl::StrCat(absl::Hex(id, absl::kZeroPad16)); }

bool SharesUrl(const Member& a, const Member& b) {
  return std::any_of(a.peerurls().begin(), a.peerurls().end(), [&](const std::string& url) {
    return std::find(b.peerurls().begin(), b.peerurls().end(), url) != b.peerurls().end();
  });
}

// nullopt where there is nothing.
absl::StatusOr<absl::optional<std::string>> ReadMeta(const Backend& backend,
                                                     absl::string_view key) {
  absl::StatusOr<std::string> value = backend.GetCommitted(Bucket::kMeta, key);
  if (absl::IsNotFound(value.status())) return absl::optional<std::string>();
  if (!value.ok()) return value.status();
  return absl::optional<std::string>(*std::move(value));
}

}  // namespace

absl::Status Membership::Reload() {
  absl::MutexLock lock(&mutex_);
  members_.clear();
  removed_.clear();
  absl::Status bad;
  absl::Status s =
      backend_->ScanCommitted(Bucket::kMembers, [&](absl::string_view, absl::string_view value) {
        Member member;
        if (!member.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          bad = absl::DataLossError("the store has a member that cannot be read");
          return false;
        }
        members_[member.id()] = member;
        return true;
      });
  if (s.ok()) s = bad;
  if (!s.ok()) return s;
  s = backend_->ScanCommitted(Bucket::kRemovedMembers,
                              [&](absl::string_view key, absl::string_view) {
                                uint64_t id;
                                if (absl::SimpleHexAtoi(key, &id)) removed_.insert(id);
                                return true;
                              });
  if (!s.ok()) return s;
  const absl::StatusOr<absl::optional<std::string>> version =
      ReadMeta(*backend_, kClusterVersionKey);
  if (!version.ok()) return version.status();
  cluster_version_ = version->value_or("");
  const absl::StatusOr<absl::optional<std::string>> downgrade = ReadMeta(*backend_, kDowngradeKey);
  if (!downgrade.ok()) return downgrade.status();
  downgrade_.ParseFromString(downgrade->value_or(""));
  return absl::OkStatus();
}

absl::Status Membership::Check(const MemberChange& change) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Member& asked = change.member();
  const auto known = members_.find(asked.id());
  const bool url_is_taken = std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
    return other.first != asked.id() && SharesUrl(other.second, asked);
  });
  switch (change.kind()) {
    case MemberChange::ADD: {
      if (asked.peerurls().empty()) return errors::kMemberBadUrls;
      if (known != members_.end() || removed_.count(asked.id()) > 0) return errors::kMemberExists;
      if (url_is_taken) return errors::kPeerUrlExists;
      const auto learners = std::count_if(members_.begin(), members_.end(),
                                          [](const auto& m) { return m.second.islearner(); });
      if (asked.islearner() && learners >= kMaxLearners) return errors::kTooManyLearners;
      return absl::OkStatus();
    }
    case MemberChange::UPDATE:
      if (known == members_.end()) return errors::kMemberNotFound;
      if (asked.peerurls().empty()) return errors::kMemberBadUrls;
      return url_is_taken ? errors::kPeerUrlExists.status() : absl::OkStatus();
    case MemberChange::REMOVE:
      return known == members_.end() ? errors::kMemberNotFound.status() : absl::OkStatus();
    case MemberChange::PROMOTE:
      if (known == members_.end()) return errors::kMemberNotFound;
      return known->second.islearner() ? absl::OkStatus() : errors::kNotLearner.status();
    default: return absl::InvalidArgumentError("etcdserver: unknown kind of member change");
  }
}

void Membership::Store(const Member& member) {
  backend_->Put(Bucket::kMembers, StoredKey(member.id()), member.SerializeAsString());
}

void Membership::Apply(const MemberChange& change) {
  absl::MutexLock lock(&mutex_);
  const uint64_t id = change.member().id();
  switch (change.kind()) {
    case MemberChange::ADD: members_[id] = change.member(); break;
    case MemberChange::UPDATE: *members_[id].mutable_peerurls() = change.member().peerurls(); break;
    case MemberChange::PROMOTE: members_[id].set_islearner(false); break;
    case MemberChange::REMOVE:
      members_.erase(id);
      removed_.insert(id);
      backend_->Delete(Bucket::kMembers, StoredKey(id));
      backend_->Put(Bucket::kRemovedMembers, StoredKey(id), "");
      return;
    default: return;
  }
  Store(members_[id]);
}

void Membership::Apply(const internal::MemberAttributes& attributes) {
  absl::MutexLock lock(&mutex_);
  auto member = members_.find(attributes.member_id());
  if (member == members_.end()) return;
  member->second.set_name(attributes.name());
  *member->second.mutable_clienturls() = attributes.client_urls();
  Store(member->second);
}

void Membership::Apply(const internal::ClusterVersion& version) {
  absl::MutexLock lock(&mutex_);
  cluster_version_ = version.version();
  backend_->Put(Bucket::kMeta, kClusterVersionKey, cluster_version_);
}

void Membership::Apply(const etcdserverpb::DowngradeInfo& downgrade) {
  absl::MutexLock lock(&mutex_);
  downgrade_ = downgrade;
  backend_->Put(Bucket::kMeta, kDowngradeKey, downgrade_.SerializeAsString());
}

std::vector<Member> Membership::Members() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<Member> all;
  for (const auto& [id, member] : members_) all.push_back(member);
  return all;
}

absl::optional<Member> Membership::Find(uint64_t id) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto member = members_.find(id);
  if (member == members_.end()) return absl::nullopt;
  return member->second;
}

bool Membership::IsRemoved(uint64_t id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return removed_.count(id) > 0;
}

std::string Membership::cluster_version() const {
  absl::ReaderMutexLock lock(&mutex_);
  return cluster_version_;
}

etcdserverpb::DowngradeInfo Membership::downgrade() const {
  absl::ReaderMutexLock lock(&mutex_);
  return downgrade_;
}

}  // namespace raftexample
