#include "examples/raftexample/api/place_in_line.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/lease/lease_id.h"

namespace raftexample {

using etcdserverpb::Compare;
using etcdserverpb::PutRequest;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using internal::Command;

namespace {

constexpr int64_t kOwnLeaseTtl = 60;

void CompareCreated(const std::string& key, int64_t revision, Compare* compare) {
  compare->set_key(key);
  compare->set_target(Compare::CREATE);
  compare->set_result(Compare::EQUAL);
  compare->set_create_revision(revision);
}

}  // namespace

// As etcd's newer clients word it, without a code.
absl::Status SessionExpired() { return absl::UnknownError("mutex: session is expired"); }
bool IsSessionExpired(const absl::Status& status) { return status == SessionExpired(); }

std::shared_ptr<PlaceInLine> PlaceInLine::Create(Server* server, Options options, Propose propose,
                                                 Done done) {
  return std::shared_ptr<PlaceInLine>(
      new PlaceInLine(server, std::move(options), std::move(propose), std::move(done)));
}

void PlaceInLine::Join() {
  if (options_.lease == 0) return GrantLease();
  Enter();
}

void PlaceInLine::Leave() {
  std::shared_ptr<DeletionWait> waiting;
  {
    absl::MutexLock lock(&mutex_);
    left_ = true;  // The step that is under way is the last one.
    waiting.swap(waiting_);
  }
  if (waiting == nullptr) return;
  waiting->Stop();
  GiveUp(absl::CancelledError("the client has gone"));
}

void PlaceInLine::Through(Command command, absl::AnyInvocable<void(ApplyResult&)> then) {
  propose_(std::move(command), [self = shared_from_this(), then = std::move(then)](
                                   absl::StatusOr<ApplyResult> result) mutable {
    if (!result.ok()) return self->GiveUp(result.status());
    then(*result);
  });
}

void PlaceInLine::GrantLease() {
  Command command;
  command.mutable_lease_grant()->set_id(NewLeaseId());
  command.mutable_lease_grant()->set_ttl(server_->state().leases().RaisedTtl(kOwnLeaseTtl));
  options_.lease = command.lease_grant().id();
  Through(std::move(command), [this](ApplyResult&) { Enter(); });
}

void PlaceInLine::Enter() {
  turn_.lease = options_.lease;
  turn_.key = absl::StrCat(options_.name, "/", absl::Hex(options_.lease));
  Command command;
  TxnRequest& txn = *command.mutable_txn();
  CompareCreated(turn_.key, 0, txn.add_compare());
  PutRequest& put = *txn.add_success()->mutable_request_put();
  put.set_key(turn_.key);
  put.set_value(options_.value.value_or(""));
  put.set_lease(turn_.lease);
  txn.add_failure()->mutable_request_range()->set_key(turn_.key);
  Through(std::move(command),
          [this](ApplyResult& result) { OnEntered(std::get<TxnResponse>(result.response)); });
}

void PlaceInLine::OnEntered(const TxnResponse& entered) {
  turn_.revision = entered.header().revision();
  if (entered.succeeded()) {
    turn_.create_revision = turn_.revision;
    return LookAhead();
  }
  const mvccpb::KeyValue& there = entered.responses(0).response_range().kvs(0);
  turn_.create_revision = there.create_revision();
  if (!options_.value.has_value() || *options_.value == there.value()) return LookAhead();
  ChangeValue();
}

void PlaceInLine::ChangeValue() {
  Command command = IfStillHere();
  PutRequest& put = *command.mutable_txn()->add_success()->mutable_request_put();
  put.set_key(turn_.key);
  put.set_value(*options_.value);
  put.set_lease(turn_.lease);
  Through(std::move(command), [this](ApplyResult& result) {
    if (!std::get<TxnResponse>(result.response).succeeded()) return End(SessionExpired());
    LookAhead();
  });
}

// What was put through the log is seen here, so reading here is enough: the place before ours was
// taken earlier.
void PlaceInLine::LookAhead() {
  server_->Post([self = shared_from_this()] {
    RangeRequest before;
    SelectLine(self->options_.name, &before);
    before.set_max_create_revision(self->turn_.create_revision - 1);
    before.set_sort_target(RangeRequest::CREATE);
    before.set_sort_order(RangeRequest::DESCEND);
    before.set_limit(1);
    before.set_keys_only(true);
    RangeResponse found;
    absl::Status read = self->server_->state().store().Range(before, &found);
    if (!read.ok()) return self->GiveUp(read);
    if (found.kvs().empty()) return self->Confirm();
    self->AwaitDeletion(found.kvs(0).key(), found.header().revision() + 1);
  });
}

void PlaceInLine::AwaitDeletion(const std::string& key, int64_t revision) {
  {
    absl::MutexLock lock(&mutex_);
    if (!left_) {
      waiting_ = DeletionWait::Start(server_, key, revision,
                                     [self = shared_from_this()](const absl::Status& over) {
                                       {
                                         absl::MutexLock lock(&self->mutex_);
                                         if (std::exchange(self->waiting_, nullptr) == nullptr)
                                           return;  // Leave has it.
                                       }
                                       if (!over.ok()) return self->GiveUp(over);
                                       self->LookAhead();
                                     });
      return;
    }
  }
  GiveUp(absl::CancelledError("the client has gone"));
}

// The lease may have ended while it waited, and then others are before us who came later.
void PlaceInLine::Confirm() {
  server_->LinearizableRead([self = shared_from_this()](const absl::Status& recent) {
    if (!recent.ok()) return self->GiveUp(recent);
    if (self->HasLeft()) return self->GiveUp(absl::CancelledError("the client has gone"));
    RangeRequest own;
    own.set_key(self->turn_.key);
    own.set_keys_only(true);
    RangeResponse found;
    absl::Status read = self->server_->state().store().Range(own, &found);
    if (!read.ok()) return self->GiveUp(read);
    const bool here =
        !found.kvs().empty() && found.kvs(0).create_revision() == self->turn_.create_revision;
    if (!here) return self->End(SessionExpired());
    self->turn_.revision = found.header().revision();
    self->End(std::move(self->turn_));
  });
}

Command PlaceInLine::IfStillHere() const {
  Command command;
  CompareCreated(turn_.key, turn_.create_revision, command.mutable_txn()->add_compare());
  return command;
}

// Whether or not the key is known to be gone; what became of it does not change the answer.
void PlaceInLine::GiveUp(absl::Status why) {
  if (turn_.create_revision == 0) return End(why);
  Command command = IfStillHere();
  command.mutable_txn()->add_success()->mutable_request_delete_range()->set_key(turn_.key);
  propose_(std::move(command),
           [self = shared_from_this(), why](absl::StatusOr<ApplyResult>) { self->End(why); });
}

void PlaceInLine::End(absl::StatusOr<Turn> turn) { done_(std::move(turn)); }

}  // namespace raftexample
