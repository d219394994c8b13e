#include "examples/raftexample/api/maintenance_service.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace raftexample {

using etcdserverpb::AlarmRequest;
using etcdserverpb::AlarmResponse;
using etcdserverpb::DefragmentRequest;
using etcdserverpb::DefragmentResponse;
using etcdserverpb::DowngradeRequest;
using etcdserverpb::DowngradeResponse;
using etcdserverpb::HashKVRequest;
using etcdserverpb::HashKVResponse;
using etcdserverpb::HashRequest;
using etcdserverpb::HashResponse;
using etcdserverpb::MoveLeaderRequest;
using etcdserverpb::MoveLeaderResponse;
using etcdserverpb::SnapshotRequest;
using etcdserverpb::SnapshotResponse;
using etcdserverpb::StatusRequest;
using etcdserverpb::StatusResponse;
using internal::Command;

namespace {

constexpr size_t kBlobBytes = 32 * 1024;
constexpr size_t kPaddedTo = 512;  // etcdctl insists on a multiple of it, and the hash behind.

// SHA-256 of everything that goes by.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(const std::string& bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  std::string Take() {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    digest.resize(size);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// A copy of the store in blobs, and its hash. Copied on the executor, read as fast as the client
// takes it.
class SnapshotHandler final : public rpc::StreamHandler<SnapshotRequest, SnapshotResponse> {
 public:
  explicit SnapshotHandler(const ApiContext& api) : api_(api) {}

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo&) override {
    copy_->control = std::move(control);
  }

  void OnRequest(SnapshotRequest&) override {
    api_.server->Post([server = api_.server, copy = copy_] {
      // What is only in memory would not be in the copy.
      absl::StatusOr<std::unique_ptr<SnapshotFile>> file = server->SnapshotOfNow();
      if (!file.ok()) return copy->control->End(file.status());
      {
        absl::MutexLock lock(&copy->mutex);
        copy->file = *std::move(file);
      }
      copy->control->Wake();
    });
  }

  void OnRequestsDone() override {}

  absl::optional<SnapshotResponse> NextResponse() override {
    {
      absl::MutexLock lock(&copy_->mutex);
      if (copy_->file == nullptr) return absl::nullopt;
    }
    const size_t padded = (copy_->file->size() + kPaddedTo - 1) / kPaddedTo * kPaddedTo;
    SnapshotResponse response;
    if (sent_ == padded) {
      if (std::exchange(hash_sent_, true)) {
        copy_->control->End(absl::OkStatus());
        return absl::nullopt;
      }
      response.set_blob(hash_.Take());
      return response;
    }
    absl::StatusOr<std::string> blob = copy_->file->Read(sent_, kBlobBytes);
    if (!blob.ok()) {
      copy_->control->End(blob.status());
      return absl::nullopt;
    }
    blob->resize(std::min(kBlobBytes, padded - sent_), '\0');
    sent_ += blob->size();
    hash_.Add(*blob);
    response.set_remaining_bytes(padded - sent_);
    response.set_blob(*std::move(blob));
    return response;
  }

 private:
  struct Copy {
    std::shared_ptr<rpc::StreamControl> control;
    absl::Mutex mutex;  // Until the file is there.
    std::unique_ptr<SnapshotFile> file;
  };

  const ApiContext api_;
  const std::shared_ptr<Copy> copy_ = std::make_shared<Copy>();
  size_t sent_ = 0;
  Sha256 hash_;
  bool hash_sent_ = false;
};

const char* AlarmName(etcdserverpb::AlarmType alarm) {
  return etcdserverpb::AlarmType_Name(alarm).c_str();
}

}  // namespace

void MaintenanceService::AddTo(rpc::Server& server) {
  using Service = etcdserverpb::Maintenance::AsyncService;
  server.AddService(&service_);
  server.Handle(
      rpc::UnaryMethod<Service, StatusRequest, StatusResponse>{
          "/etcdserverpb.Maintenance/Status", &service_, &Service::RequestStatus,
          [this](StatusCall* call) { Status(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, AlarmRequest, AlarmResponse>{
          "/etcdserverpb.Maintenance/Alarm", &service_, &Service::RequestAlarm,
          [this](AlarmCall* call) { Alarm(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, DefragmentRequest, DefragmentResponse>{
          "/etcdserverpb.Maintenance/Defragment", &service_, &Service::RequestDefragment,
          [this](DefragmentCall* call) { Defragment(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, HashRequest, HashResponse>{"/etcdserverpb.Maintenance/Hash",
                                                           &service_, &Service::RequestHash,
                                                           [this](HashCall* call) { Hash(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, HashKVRequest, HashKVResponse>{
          "/etcdserverpb.Maintenance/HashKV", &service_, &Service::RequestHashKV,
          [this](HashKVCall* call) { HashKV(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, MoveLeaderRequest, MoveLeaderResponse>{
          "/etcdserverpb.Maintenance/MoveLeader", &service_, &Service::RequestMoveLeader,
          [this](MoveLeaderCall* call) { MoveLeader(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, DowngradeRequest, DowngradeResponse>{
          "/etcdserverpb.Maintenance/Downgrade", &service_, &Service::RequestDowngrade,
          [this](DowngradeCall* call) { Downgrade(call); }},
      api_.gate);
  server.HandleStream(
      rpc::ServerStreamMethod<Service, SnapshotRequest, SnapshotResponse>{
          "/etcdserverpb.Maintenance/Snapshot", &service_, &Service::RequestSnapshot,
          [this](const grpc::ServerContext&) { return std::make_unique<SnapshotHandler>(api_); }},
      api_.gate);
}

void MaintenanceService::Defragment(DefragmentCall* call) {
  api_.server->Post([this, call] {
    const absl::Status done = api_.server->state().backend().Defragment();
    if (done.ok()) FillHeader(*api_.server, call->response().mutable_header());
    call->Finish(done);
  });
}

void MaintenanceService::Hash(HashCall* call) {
  api_.server->Post([this, call] {
    const absl::StatusOr<Store::Hash> hash = api_.server->state().store().HashKv(/*revision=*/0);
    if (!hash.ok()) return call->Finish(hash.status());
    FillHeader(*api_.server, call->response().mutable_header());
    call->response().set_hash(hash->hash);
    call->Reply();
  });
}

void MaintenanceService::HashKV(HashKVCall* call) {
  api_.server->Post([this, call] {
    const absl::StatusOr<Store::Hash> hash =
        api_.server->state().store().HashKv(call->request().revision());
    if (!hash.ok()) return call->Finish(hash.status());
    FillHeader(*api_.server, call->response().mutable_header());
    call->response().set_hash(hash->hash);
    call->response().set_compact_revision(hash->compacted == 0 ? -1 : hash->compacted);
    call->response().set_hash_revision(hash->revision);
    call->Reply();
  });
}

void MaintenanceService::MoveLeader(MoveLeaderCall* call) {
  api_.server->MoveLeader(call->request().targetid(), [this, call](const absl::Status& moved) {
    if (moved.ok()) FillHeader(*api_.server, call->response().mutable_header());
    call->Finish(moved);
  });
}

void MaintenanceService::Status(StatusCall* call) {
  const Server& server = *api_.server;
  const raft::BasicStatus raft = server.status();
  StatusResponse& response = call->response();
  FillHeader(server, response.mutable_header());
  response.set_version(kApiVersion);
  response.set_dbsize(static_cast<int64_t>(api_.server->state().backend().size()));
  response.set_dbsizeinuse(static_cast<int64_t>(api_.server->state().backend().size_in_use()));
  response.set_dbsizequota(server.state().quota().bytes());
  response.set_leader(raft.soft_state.lead);
  response.set_raftindex(raft.hard_state.commit);
  response.set_raftterm(raft.hard_state.term);
  response.set_raftappliedindex(server.state().applied_index());
  response.set_islearner(server.is_learner());
  response.set_storageversion(kClusterVersion);
  for (const etcdserverpb::AlarmMember& alarm : server.state().alarms().Active()) {
    // As Go prints the message, the space at the end included.
    response.add_errors(
        absl::StrCat("memberID:", alarm.memberid(), " alarm:", AlarmName(alarm.alarm()), " "));
  }
  if (raft.soft_state.lead == raft::kNone) response.add_errors(errors::kNoLeader.text);
  call->Reply();
}

void MaintenanceService::Alarm(AlarmCall* call) {
  Command command;
  *command.mutable_alarm() = call->request();
  ProposeAndReply(api_, call, std::move(command),
                  [this](ApplyResult& result, AlarmResponse& response) {
                    response = std::move(std::get<AlarmResponse>(result.response));
                    FillHeader(*api_.server, result.revision, response.mutable_header());
                  });
}

// There is one version of the stored data, and nothing to downgrade to.
void MaintenanceService::Downgrade(DowngradeCall* call) {
  FillHeader(*api_.server, call->response().mutable_header());
  if (call->request().action() == DowngradeRequest::CANCEL) {
    return call->Finish(absl::FailedPreconditionError("etcdserver: no inflight downgrade job"));
  }
  call->Finish(absl::InvalidArgumentError("etcdserver: invalid downgrade target version"));
}

}  // namespace raftexample
