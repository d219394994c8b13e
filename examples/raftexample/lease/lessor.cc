#include "examples/raftexample/lease/lessor.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/proto/internal.pb.h"

namespace raftexample {
namespace {

constexpr int64_t kMaxTtl = 9'000'000'000;

std::string StoredKey(int64_t id) { return absl::StrCat(absl::Hex(id, absl::kZeroPad16)); }

int64_t WholeSeconds(Lessor::Time::duration d) {
  return std::chrono::duration_cast<Lessor::Seconds>(d).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Lessor>> Lessor::Open(Backend* backend, Options options) {
  std::unique_ptr<Lessor> lessor(new Lessor(backend, options));
  if (absl::Status s = lessor->Reload(); !s.ok()) return s;
  return lessor;
}

absl::Status Lessor::Reload() {
  absl::MutexLock lock(&mutex_);
  leases_.clear();
  lease_of_key_.clear();
  granted_.clear();
  expiries_.Clear();
  checkpoints_.Clear();
  primary_ = false;
  absl::Status bad;
  absl::Status scanned =
      backend_->ScanCommitted(Bucket::kLeases, [&](absl::string_view, absl::string_view value) {
        internal::StoredLease stored;
        if (!stored.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          bad = absl::DataLossError("the store has a lease that cannot be read");
          return false;
        }
        Lease& lease = leases_[stored.id()];
        lease.ttl = stored.ttl();
        lease.remaining_ttl = stored.remaining_ttl();
        return true;
      });
  return scanned.ok() ? bad : scanned;
}

void Lessor::Save(int64_t id, const Lease& lease) {
  internal::StoredLease stored;
  stored.set_id(id);
  stored.set_ttl(lease.ttl);
  stored.set_remaining_ttl(lease.remaining_ttl);
  backend_->Put(Bucket::kLeases, StoredKey(id), stored.SerializeAsString());
}

// --- Proposing -----------------------------------------------------------------------------------

absl::Status Lessor::CheckGrant(const etcdserverpb::LeaseGrantRequest& request) {
  if (request.ttl() > kMaxTtl) return errors::kLeaseTtlTooLarge;
  return absl::OkStatus();
}

int64_t Lessor::RaisedTtl(int64_t ttl) const {
  return std::max<int64_t>(ttl, options_.min_ttl.count());
}

// --- Applying ------------------------------------------------------------------------------------

absl::Status Lessor::Grant(int64_t id, int64_t ttl) {
  absl::MutexLock lock(&mutex_);
  if (leases_.contains(id)) return errors::kLeaseExists;
  if (leases_.size() >= options_.max_leases) return errors::kTooManyLeases;
  Lease& lease = leases_[id];
  lease.ttl = ttl;
  Save(id, lease);
  if (primary_) granted_.push_back(id);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Lessor::Revoke(int64_t id) {
  absl::MutexLock lock(&mutex_);
  auto found = leases_.find(id);
  if (found == leases_.end()) return errors::kLeaseNotFound.status();
  std::vector<std::string> keys(found->second.keys.begin(), found->second.keys.end());
  for (const std::string& key : keys) lease_of_key_.erase(key);
  leases_.erase(found);
  expiries_.Remove(id);
  checkpoints_.Remove(id);
  backend_->Delete(Bucket::kLeases, StoredKey(id));
  return keys;
}

void Lessor::Checkpoint(const etcdserverpb::LeaseCheckpointRequest& request) {
  absl::MutexLock lock(&mutex_);
  for (const etcdserverpb::LeaseCheckpoint& checkpoint : request.checkpoints()) {
    auto found = leases_.find(checkpoint.id());
    if (found == leases_.end()) continue;
    found->second.remaining_ttl = checkpoint.remaining_ttl();
    Save(checkpoint.id(), found->second);
  }
}

bool Lessor::Exists(int64_t lease) const {
  absl::ReaderMutexLock lock(&mutex_);
  return leases_.contains(lease);
}

void Lessor::Detach(absl::string_view key) {
  auto attached = lease_of_key_.find(key);
  if (attached == lease_of_key_.end()) return;
  auto lease = leases_.find(attached->second);
  if (lease != leases_.end()) lease->second.keys.erase(attached->first);
  lease_of_key_.erase(attached);
}

void Lessor::SetLease(absl::string_view key, int64_t id) {
  absl::MutexLock lock(&mutex_);
  if (!lease_of_key_.empty()) Detach(key);
  if (id == kNoLease) return;
  auto lease = leases_.find(id);
  if (lease == leases_.end()) return;
  lease->second.keys.emplace(key);
  lease_of_key_.emplace(key, id);
}

// --- Reading -------------------------------------------------------------------------------------

std::vector<std::string> Lessor::Keys(int64_t id) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto found = leases_.find(id);
  if (found == leases_.end()) return {};
  return {found->second.keys.begin(), found->second.keys.end()};
}

int64_t Lessor::LeaseOf(absl::string_view key) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto found = lease_of_key_.find(key);
  return found == lease_of_key_.end() ? kNoLease : found->second;
}

size_t Lessor::size() const {
  absl::ReaderMutexLock lock(&mutex_);
  return leases_.size();
}

// --- The primary ---------------------------------------------------------------------------------

void Lessor::Begin(int64_t id, Lease& lease, Time now, Time::duration length) {
  lease.expiry = now + length;
  expiries_.Set(id, lease.expiry);
  if (Seconds(lease.ttl) > options_.checkpoint_interval) {
    checkpoints_.Set(id, now + options_.checkpoint_interval);
  }
}

void Lessor::BeginNew(Time now) {
  for (int64_t id : granted_) {
    auto found = leases_.find(id);
    // Renewing may have begun it, revoking ended it.
    if (found == leases_.end() || found->second.expiry != Time::max()) continue;
    Begin(id, found->second, now, Seconds(found->second.ttl));
  }
  granted_.clear();
}

void Lessor::Promote(Time now, std::chrono::milliseconds extra) {
  absl::MutexLock lock(&mutex_);
  primary_ = true;
  granted_.clear();
  for (auto& [id, lease] : leases_) {
    const int64_t left = lease.remaining_ttl > 0 ? lease.remaining_ttl : lease.ttl;
    Begin(id, lease, now, Seconds(left) + extra);
  }
}

void Lessor::Demote() {
  absl::MutexLock lock(&mutex_);
  primary_ = false;
  granted_.clear();
  expiries_.Clear();
  checkpoints_.Clear();
  for (auto& [id, lease] : leases_) lease.expiry = Time::max();
}

bool Lessor::primary() const {
  absl::ReaderMutexLock lock(&mutex_);
  return primary_;
}

absl::StatusOr<Lessor::Renewed> Lessor::Renew(int64_t id, Time now) {
  absl::MutexLock lock(&mutex_);
  if (!primary_) return errors::kNotLeader.status();
  BeginNew(now);
  auto found = leases_.find(id);
  if (found == leases_.end() || found->second.expiry <= now) return errors::kLeaseNotFound.status();
  Lease& lease = found->second;
  Begin(id, lease, now, Seconds(lease.ttl));
  return Renewed{lease.ttl, lease.remaining_ttl > 0};
}

absl::StatusOr<Lessor::Remaining> Lessor::TimeToLive(int64_t id, Time now) {
  absl::MutexLock lock(&mutex_);
  if (!primary_) return errors::kNotLeader.status();
  BeginNew(now);
  auto found = leases_.find(id);
  if (found == leases_.end() || found->second.expiry <= now) return Remaining{};
  return Remaining{WholeSeconds(found->second.expiry - now), found->second.ttl};
}

std::vector<int64_t> Lessor::List() const {
  std::vector<std::pair<Time, int64_t>> all;
  {
    absl::ReaderMutexLock lock(&mutex_);
    all.reserve(leases_.size());
    for (const auto& [id, lease] : leases_) all.emplace_back(lease.expiry, id);
  }
  std::sort(all.begin(), all.end());
  std::vector<int64_t> ids;
  ids.reserve(all.size());
  for (const auto& [expiry, id] : all) ids.push_back(id);
  return ids;
}

std::vector<int64_t> Lessor::Expired(Time now, size_t max) {
  absl::MutexLock lock(&mutex_);
  std::vector<int64_t> expired;
  if (!primary_) return expired;
  BeginNew(now);
  while (expired.size() < max) {
    const absl::optional<int64_t> id = expiries_.Due(now);
    if (!id) break;
    expired.push_back(*id);
    expiries_.Set(*id, now + options_.retry_revoke);  // Its own expiry stays where it was.
  }
  return expired;
}

etcdserverpb::LeaseCheckpointRequest Lessor::DueCheckpoints(Time now, size_t max) {
  absl::MutexLock lock(&mutex_);
  etcdserverpb::LeaseCheckpointRequest due;
  if (!primary_) return due;
  BeginNew(now);
  while (static_cast<size_t>(due.checkpoints_size()) < max) {
    const absl::optional<int64_t> id = checkpoints_.Due(now);
    if (!id) break;
    checkpoints_.Set(*id, now + options_.checkpoint_interval);
    const Lease& lease = leases_[*id];
    if (lease.expiry <= now) continue;  // Its revocation is on its way.
    etcdserverpb::LeaseCheckpoint& checkpoint = *due.add_checkpoints();
    checkpoint.set_id(*id);
    // At least a second: 0 would mean the whole time.
    checkpoint.set_remaining_ttl(std::max<int64_t>(1, WholeSeconds(lease.expiry - now)));
  }
  return due;
}

}  // namespace raftexample
