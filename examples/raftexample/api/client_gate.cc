#include "examples/raftexample/api/client_gate.h"

#include <grpc/grpc_security_constants.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "examples/raftexample/auth/access.h"
#include "examples/raftexample/auth/token_table.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {
namespace {

constexpr std::chrono::milliseconds kSlowCall{300};

absl::string_view TokenIn(const grpc::ServerContext& context) {
  return rpc::MetadataOf(context, "token");
}

// Of the certificate that the client showed, which has been verified.
std::string CommonNameIn(const grpc::ServerContext& context) {
  const std::vector<grpc::string_ref> names =
      context.auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
  return names.empty() ? "" : std::string(names.front().data(), names.front().size());
}

}  // namespace

// A login is an entry of the log, and its token names the entry: a member that has not applied it
// yet waits for it, whichever member the client logged in at.
bool ClientGate::MustWait(const grpc::ServerContext& context, std::function<void()> again) {
  if (!server_->state().auth().enabled()) return false;
  const absl::optional<uint64_t> index = TokenTable::IndexOf(TokenIn(context));
  if (!index.has_value() || *index <= server_->state().applied_index()) return false;
  if (*index > server_->status().hard_state.commit + 1'000'000) return false;  // Never ours.
  server_->WhenApplied(*index, [again = std::move(again)](const absl::Status&) { again(); });
  return true;
}

absl::Status ClientGate::Admit(const grpc::ServerContext& context,
                               const google::protobuf::Message* request, rpc::CallInfo& call) {
  server_->meters().calls.Started(call.method);
  if (server_->is_learner()) {
    if (absl::Status allowed = CheckLearner(call.method, request); !allowed.ok()) return allowed;
  }
  if (server_->leader() == raft::kNone && RequiresLeader(context)) return errors::kNoLeader;
  if (request == nullptr) return absl::OkStatus();  // Its requests will be looked at one by one.
  if (!server_->state().auth().enabled()) return absl::OkStatus();
  return Recheck(context, *request, call);
}

absl::Status ClientGate::Recheck(const grpc::ServerContext& context,
                                 const google::protobuf::Message& request,
                                 rpc::CallInfo& call) const {
  auto lease_keys = [this](int64_t lease) { return server_->state().leases().Keys(lease); };
  const Access access = AccessOf(call.method, request, lease_keys);
  // What anyone may do needs no good token either: a client asks it to find out where to log in.
  if (access.who == Access::Who::kAnyone) return absl::OkStatus();
  absl::StatusOr<Caller> caller = CallerOf(context);
  if (!caller.ok()) return caller.status();
  call.user = caller->user;
  call.auth_revision = caller->auth_revision;
  return server_->state().auth().Authorize(*caller, access);
}

// A token counts before a certificate; and a certificate only where everybody must have one.
absl::StatusOr<Caller> ClientGate::CallerOf(const grpc::ServerContext& context) const {
  AuthStore& auth = server_->state().auth();
  const absl::string_view token = TokenIn(context);
  if (token.empty() && server_->config().client_tls.require_client_certificate) {
    return auth.CallerOfCertificate(CommonNameIn(context));
  }
  return auth.CallerOf(token, std::chrono::steady_clock::now());
}

bool ClientGate::RequiresLeader(const grpc::ServerContext& context) {
  return rpc::MetadataOf(context, "hasleader") == "true";
}

// A learner answers for itself only.
absl::Status ClientGate::CheckLearner(const char* method,
                                      const google::protobuf::Message* request) const {
  const absl::string_view name = method;
  if (name == "/etcdserverpb.Maintenance/Status" || name == "/grpc.health.v1.Health/Check") {
    return absl::OkStatus();
  }
  const auto* range = dynamic_cast<const etcdserverpb::RangeRequest*>(request);
  if (range != nullptr && range->serializable()) return absl::OkStatus();
  return errors::kNotSupportedForLearner;
}

void ClientGate::Finished(const rpc::CallInfo& call, const absl::Status& status) {
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - call.start;
  Meters& meters = server_->meters();
  meters.calls.Finished(call.method, status.code(), took);
  if (took < kSlowCall || !CallMeter::IsUnary(call.method)) return;
  meters.slow_calls.Increment();
  server_->slow_log().Tell(absl::StrCat("answering ", call.method), absl::FromChrono(took),
                           status.ok() ? "" : status.ToString());
}

}  // namespace raftexample
