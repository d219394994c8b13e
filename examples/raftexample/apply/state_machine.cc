#include "examples/raftexample/apply/state_machine.h"

#include <xxhash.h>

#include <utility>

#include "examples/raftexample/mvcc/txn.h"
#include "examples/raftexample/mvcc/txn_check.h"
#include "examples/raftexample/proto/errors.h"
#include "raft/check.h"

namespace raftexample {
namespace {

using internal::Command;

// The bound on operations is a flag of the member that proposes; here only the shape of a
// transaction matters, which must be the same everywhere.
constexpr size_t kAnyNumberOfOps = size_t{1} << 24;

bool ParseCommand(const absl::Cord& payload, Command* command) {
  if (const absl::optional<absl::string_view> flat = payload.TryFlat()) {
    return command->ParseFromArray(flat->data(), static_cast<int>(flat->size()));
  }
  return command->ParseFromString(std::string(payload));
}

// What every member must check again: the log can hold what no proposer of ours has checked.
absl::Status CheckRequest(const Command& command) {
  switch (command.op_case()) {
    case Command::kPut: return CheckPut(command.put());
    case Command::kDeleteRange: return CheckDeleteRange(command.delete_range());
    case Command::kTxn: return CheckTxn(command.txn(), kAnyNumberOfOps);
    case Command::kLeaseGrant:
      if (command.lease_grant().id() == kNoLease || command.lease_grant().ttl() <= 0) {
        return absl::InvalidArgumentError("etcdserver: a lease without an ID or a TTL");
      }
      return Lessor::CheckGrant(command.lease_grant());
    default: return absl::OkStatus();
  }
}

bool NeedsSpace(const Command& command) {
  return command.has_put() || command.has_lease_grant() ||
         (command.has_txn() && HasPut(command.txn()));
}

bool TouchesKeys(const Command& command) {
  return command.has_put() || command.has_delete_range() || command.has_txn() ||
         command.has_compaction() || command.has_lease_grant() || command.has_lease_revoke();
}

}  // namespace

// --- Opening -------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<StateMachine>> StateMachine::Open(Options options) {
  std::unique_ptr<StateMachine> machine(new StateMachine());
  absl::StatusOr<std::unique_ptr<Backend>> backend = Backend::Open(std::move(options.backend));
  if (!backend.ok()) return backend.status();
  machine->backend_ = *std::move(backend);
  absl::StatusOr<std::unique_ptr<Lessor>> lessor =
      Lessor::Open(machine->backend_.get(), options.lessor);
  if (!lessor.ok()) return lessor.status();
  machine->lessor_ = *std::move(lessor);
  absl::StatusOr<std::unique_ptr<Store>> store =
      Store::Open(machine->backend_.get(), machine->lessor_.get());
  if (!store.ok()) return store.status();
  machine->store_ = *std::move(store);
  absl::StatusOr<std::unique_ptr<AuthStore>> auth =
      AuthStore::Open(machine->backend_.get(), options.auth);
  if (!auth.ok()) return auth.status();
  machine->auth_ = *std::move(auth);
  machine->alarms_ = std::make_unique<Alarms>(machine->backend_.get());
  machine->membership_ = std::make_unique<Membership>(machine->backend_.get());
  machine->quota_ = std::make_unique<Quota>(machine->backend_.get(), options.quota_bytes);
  machine->watches_ = WatchHub::Create(machine->store_.get(), std::move(options.watch));
  if (absl::Status s = machine->LoadPosition(); !s.ok()) return s;
  return machine;
}

absl::Status StateMachine::LoadPosition() {
  if (absl::Status s = alarms_->Reload(); !s.ok()) return s;
  if (absl::Status s = membership_->Reload(); !s.ok()) return s;
  absl::StatusOr<Backend::Applied> applied = backend_->CommittedApplied();
  if (!applied.ok()) return applied.status();
  applied_ = applied->id;
  applied_index_.store(applied_.index, std::memory_order_release);
  conf_state_ = std::move(applied->conf_state);
  return absl::OkStatus();
}

absl::Status StateMachine::Install(std::unique_ptr<SnapshotReceiver> received) {
  absl::Status s = store_->Replace([&] {
    absl::Status installed = backend_->Install(std::move(received));
    return installed.ok() ? lessor_->Reload() : installed;
  });
  if (!s.ok()) return s;
  if (s = auth_->Reload(); !s.ok()) return s;
  if (s = LoadPosition(); !s.ok()) return s;
  watches_->Reset();
  return absl::OkStatus();
}

// --- The log -------------------------------------------------------------------------------------

bool StateMachine::Begin(raftpb::EntryId id) {
  if (id.index <= applied_.index) return false;
  RAFT_CHECK(applied_.index == 0 || id.index == applied_.index + 1)
      << "entry " << id.index << " was applied after entry " << applied_.index;
  return true;
}

void StateMachine::End(raftpb::EntryId id) {
  applied_ = id;
  backend_->SetApplied(id);
  applied_index_.store(id.index, std::memory_order_release);
}

ApplyResult StateMachine::Apply(raftpb::EntryId id, const absl::Cord& payload, Answer answer) {
  if (!payload.empty() && ParseCommand(payload, &decoded_)) return Apply(id, decoded_, answer);
  ApplyResult result;
  result.skipped = !Begin(id);
  if (!result.skipped) End(id);
  if (!payload.empty()) result.status = absl::InvalidArgumentError("etcdserver: not a command");
  result.revision = store_->revision();
  return result;
}

ApplyResult StateMachine::Apply(raftpb::EntryId id, const Command& command, Answer answer) {
  ApplyResult result;
  result.request_id = command.header().id();
  if (!Begin(id)) {
    result.skipped = true;
    return result;
  }
  result.status = CheckRequest(command);
  if (result.status.ok()) result.status = Admit(command);
  if (result.status.ok()) Dispatch(command, id, answer, result);
  End(id);
  result.revision = store_->revision();
  return result;
}

absl::Status StateMachine::Admit(const Command& command) const {
  if (alarms_->IsActive(etcdserverpb::CORRUPT) && TouchesKeys(command)) return errors::kCorrupt;
  if (alarms_->IsActive(etcdserverpb::NOSPACE) && NeedsSpace(command)) return errors::kNoSpace;
  return auth_->Authorize(command, [this](int64_t lease) { return lessor_->Keys(lease); });
}

void StateMachine::Dispatch(const Command& command, raftpb::EntryId id, Answer answer,
                            ApplyResult& result) {
  switch (command.op_case()) {
    case Command::kPut: ApplyPut(command.put(), answer, result); break;
    case Command::kDeleteRange: ApplyDeleteRange(command.delete_range(), answer, result); break;
    case Command::kTxn: ApplyTxn(command.txn(), answer, result); break;
    case Command::kCompaction:
      result.status = store_->Compact(command.compaction().revision());
      break;
    case Command::kLeaseGrant: ApplyLeaseGrant(command.lease_grant(), result); break;
    case Command::kLeaseRevoke: ApplyLeaseRevoke(command.lease_revoke(), result); break;
    case Command::kLeaseCheckpoint: lessor_->Checkpoint(command.lease_checkpoint()); break;
    case Command::kAlarm: result.response = alarms_->Apply(command.alarm()); break;
    case Command::kMemberAttributes: membership_->Apply(command.member_attributes()); break;
    case Command::kClusterVersion: membership_->Apply(command.cluster_version()); break;
    case Command::kDowngrade: membership_->Apply(command.downgrade()); break;
    case Command::OP_NOT_SET:
      result.status = absl::InvalidArgumentError("etcdserver: an empty command");
      break;
    default: ApplyAuth(command, id, result);
  }
  if (Quota::Cost(command) > 0) result.over_quota = !quota_->Allows(0);
}

// --- Keys ----------------------------------------------------------------------------------------

void StateMachine::Publish(Store::Write& write) {
  write.Finish();
  if (!write.changes().empty()) watches_->Notify(store_->revision(), write.changes());
}

void StateMachine::ApplyPut(const etcdserverpb::PutRequest& request, Answer answer,
                            ApplyResult& result) {
  if (request.lease() != kNoLease && !lessor_->Exists(request.lease())) {
    result.status = errors::kLeaseNotFound;
    return;
  }
  if ((request.ignore_value() || request.ignore_lease()) &&
      !store_->Get(request.key(), store_->revision()).ok()) {
    result.status = errors::kKeyNotFound;
    return;
  }
  etcdserverpb::PutResponse* response =
      answer == Answer::kWanted ? &result.response.emplace<etcdserverpb::PutResponse>() : nullptr;
  Store::Write write(store_.get());
  write.Put(request, response);
  Publish(write);
}

void StateMachine::ApplyDeleteRange(const etcdserverpb::DeleteRangeRequest& request, Answer answer,
                                    ApplyResult& result) {
  etcdserverpb::DeleteRangeResponse* response =
      answer == Answer::kWanted ? &result.response.emplace<etcdserverpb::DeleteRangeResponse>()
                                : nullptr;
  Store::Write write(store_.get());
  write.DeleteRange(request, response);
  Publish(write);
}

void StateMachine::ApplyTxn(const etcdserverpb::TxnRequest& request, Answer answer,
                            ApplyResult& result) {
  etcdserverpb::TxnResponse* response =
      answer == Answer::kWanted ? &result.response.emplace<etcdserverpb::TxnResponse>() : nullptr;
  Store::Write write(store_.get());
  result.status = ExecuteTxn(request, *lessor_, write, response);
  Publish(write);
  if (!result.status.ok()) result.response = std::monostate();
}

// --- Leases, users -------------------------------------------------------------------------------

void StateMachine::ApplyLeaseGrant(const etcdserverpb::LeaseGrantRequest& request,
                                   ApplyResult& result) {
  result.status = lessor_->Grant(request.id(), request.ttl());
  if (!result.status.ok()) return;
  auto& response = result.response.emplace<etcdserverpb::LeaseGrantResponse>();
  response.set_id(request.id());
  response.set_ttl(request.ttl());
}

void StateMachine::ApplyLeaseRevoke(const etcdserverpb::LeaseRevokeRequest& request,
                                    ApplyResult& result) {
  absl::StatusOr<std::vector<std::string>> keys = lessor_->Revoke(request.id());
  result.status = keys.status();
  if (!keys.ok()) return;
  Store::Write write(store_.get());
  write.Delete(*keys);
  Publish(write);
}

void StateMachine::ApplyAuth(const Command& command, raftpb::EntryId id, ApplyResult& result) {
  absl::StatusOr<std::string> token = auth_->Apply(command, id.index);
  result.status = token.status();
  if (!token.ok() || !command.has_issue_token()) return;
  result.response.emplace<etcdserverpb::AuthenticateResponse>().set_token(*std::move(token));
}

// --- Members -------------------------------------------------------------------------------------

absl::Status StateMachine::CheckMemberChange(const internal::MemberChange& change) const {
  if (!change.header().by_member()) {
    absl::Status s =
        auth_->Authorize({change.header().user(), change.header().auth_revision()}, Access());
    if (!s.ok()) return s;
  }
  return membership_->Check(change);
}

ApplyResult StateMachine::ApplyMemberChange(raftpb::EntryId id,
                                            const internal::MemberChange& change,
                                            const absl::Status& checked,
                                            const raftpb::ConfState& after) {
  ApplyResult result;
  result.request_id = change.request_id();
  if (!Begin(id)) {
    result.skipped = true;
    return result;
  }
  result.status = checked;
  if (checked.ok()) membership_->Apply(change);
  conf_state_ = after;
  backend_->SetConfState(after);
  End(id);
  result.revision = store_->revision();
  return result;
}

ApplyResult StateMachine::ApplyConfState(raftpb::EntryId id, const raftpb::ConfState& after) {
  ApplyResult result;
  if (!Begin(id)) {
    result.skipped = true;
    return result;
  }
  conf_state_ = after;
  backend_->SetConfState(after);
  End(id);
  result.revision = store_->revision();
  return result;
}

// --- Comparing -----------------------------------------------------------------------------------

absl::StatusOr<uint64_t> StateMachine::StateHash() {
  if (absl::Status s = backend_->Commit(); !s.ok()) return s;
  const absl::StatusOr<Store::Hash> keys = store_->HashKv(0);
  if (!keys.ok()) return keys.status();
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  auto add_number = [&](uint64_t n) { XXH3_64bits_update(state, &n, sizeof(n)); };
  auto add = [&](absl::string_view bytes) {
    add_number(bytes.size());
    XXH3_64bits_update(state, bytes.data(), bytes.size());
  };
  add_number(keys->hash);
  add_number(keys->compacted);
  add_number(keys->revision);
  add_number(applied_.index);
  absl::Status s;
  for (Bucket bucket : {Bucket::kLeases, Bucket::kAlarms, Bucket::kAuth, Bucket::kUsers,
                        Bucket::kRoles, Bucket::kMembers, Bucket::kRemovedMembers}) {
    add(BucketName(bucket));
    absl::Status scanned =
        backend_->ScanCommitted(bucket, [&](absl::string_view key, absl::string_view value) {
          add(key);
          add(value);
          return true;
        });
    if (!scanned.ok()) s = scanned;
  }
  add(membership_->cluster_version());
  add(membership_->downgrade().SerializeAsString());
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  if (!s.ok()) return s;
  return hash;
}

}  // namespace raftexample
