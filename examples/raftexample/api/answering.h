// What the handlers of all services have in common.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_ANSWERING_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_ANSWERING_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "examples/raftexample/api/client_gate.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/rpc/unary_call.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

// What a service works with. Outlives every call.
struct ApiContext {
  Server* server;
  ClientGate* gate;
};

// Everything but the revision.
inline void FillIds(const Server& server, etcdserverpb::ResponseHeader* header) {
  header->set_cluster_id(server.cluster_id());
  header->set_member_id(server.member_id());
  header->set_raft_term(server.status().hard_state.term);
}

inline void FillHeader(const Server& server, int64_t revision,
                       etcdserverpb::ResponseHeader* header) {
  FillIds(server, header);
  header->set_revision(revision);
}

// As of now, at this member.
inline void FillHeader(const Server& server, etcdserverpb::ResponseHeader* header) {
  FillHeader(server, server.state().store().revision(), header);
}

// A command that the rules of authentication overtook is checked again and proposed again.
inline constexpr int kAttempts = 5;

// Puts a command through the log on behalf of the caller: `info`, not the call's own, says who that
// is. `done` gets the result, or an error, also when it was the applying that refused.
template <typename Call>
void ProposeFor(const ApiContext& api, Call* call, internal::Command command, rpc::CallInfo info,
                Server::Done done, int attempts = kAttempts) {
  command.mutable_header()->set_user(info.user);
  command.mutable_header()->set_auth_revision(info.auth_revision);
  const bool may_repeat = info.auth_revision != 0 && attempts > 1;
  internal::Command again;
  if (may_repeat) again = command;
  api.server->Propose(
      std::move(command),
      [api, call, done = std::move(done), info = std::move(info), again = std::move(again),
       may_repeat, attempts](absl::StatusOr<ApplyResult> result) mutable {
        if (!result.ok()) return done(result.status());
        if (result->status.ok()) return done(*std::move(result));
        if (!may_repeat || !errors::kAuthOldRevision.Is(result->status))
          return done(result->status);
        absl::Status allowed = api.gate->Recheck(call->context(), call->request(), info);
        if (!allowed.ok()) return done(allowed);
        ProposeFor(api, call, std::move(again), std::move(info), std::move(done), attempts - 1);
      });
}

// The same, and answers with what `fill` makes of the result: fill(ApplyResult&, Response&).
template <typename Call, typename Fill>
void ProposeAndReply(const ApiContext& api, Call* call, internal::Command command, Fill fill,
                     rpc::CallInfo info, int attempts = kAttempts) {
  ProposeFor(
      api, call, std::move(command), std::move(info),
      [call, fill = std::move(fill)](absl::StatusOr<ApplyResult> result) mutable {
        if (result.ok()) fill(*result, call->response());
        call->Finish(result.status());
      },
      attempts);
}

template <typename Call, typename Fill>
void ProposeAndReply(const ApiContext& api, Call* call, internal::Command command, Fill fill) {
  ProposeAndReply(api, call, std::move(command), std::move(fill), call->info());
}

// The same for commands whose answer is a header.
template <typename Call>
void ProposeAndReply(const ApiContext& api, Call* call, internal::Command command) {
  ProposeAndReply(api, call, std::move(command),
                  [server = api.server](const ApplyResult& result, auto& response) {
                    FillHeader(*server, result.revision, response.mutable_header());
                  });
}

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_ANSWERING_H_
