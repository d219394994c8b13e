#include "examples/raftexample/site/health.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);

// Whether a read of this member alone works, as a client's would.
absl::Status SerializableRead(Server* server) {
  etcdserverpb::RangeRequest request;
  request.set_key("health");
  request.set_serializable(true);
  etcdserverpb::RangeResponse response;
  return server->state().store().Range(request, &response);
}

// --- /health ---

http::Response Healthy() {
  return {.content_type = "application/json", .body = "{\"health\":\"true\"}\n"};
}

// Reasons are texts of ours, without quotes in them.
http::Response Unhealthy(absl::string_view reason) {
  return {.status = 503,
          .content_type = "application/json",
          .body = absl::StrCat("{\"health\":\"false\",\"reason\":\"", reason, "\"}\n")};
}

// --- /livez and /readyz ---

// The outcome of one check.
struct Check {
  std::string name;
  absl::Status status;
};

http::Response Verdict(const char* path, const http::Request& request,
                       const std::vector<Check>& checks) {
  bool well = true;
  std::string lines;
  for (const Check& check : checks) {
    if (request.Has("exclude", check.name)) continue;
    if (check.status.ok()) {
      absl::StrAppend(&lines, "[+]", check.name, " ok\n");
    } else {
      well = false;
      absl::StrAppend(&lines, "[-]", check.name, " failed: ", check.status.message(), "\n");
    }
  }
  if (!well) return {.status = 503, .body = absl::StrCat(lines, path, " check failed\n")};
  return {.body = request.query.count("verbose") > 0 ? lines + "ok\n" : "ok\n"};
}

absl::Status NoCorruption(Server* server) {
  return server->state().alarms().IsActive(etcdserverpb::CORRUPT)
             ? absl::DataLossError("alarm CORRUPT is active")
             : absl::OkStatus();
}

}  // namespace

void AnswerHealth(Server* server, const http::Request& request, http::Answer answer) {
  for (const etcdserverpb::AlarmMember& active : server->state().alarms().Active()) {
    const std::string& kind = etcdserverpb::AlarmType_Name(active.alarm());
    if (!request.Has("exclude", kind)) return answer(Unhealthy(absl::StrCat("ALARM ", kind)));
  }
  if (request.Has("serializable", "true")) {
    const absl::Status read = SerializableRead(server);
    return answer(read.ok() ? Healthy() : Unhealthy("SERIALIZABLE READ FAILED"));
  }
  if (server->leader() == raft::kNone) return answer(Unhealthy("RAFT NO LEADER"));
  server->LinearizableRead(absl::Now() + kPatience, [answer](const absl::Status& read) {
    answer(read.ok() ? Healthy() : Unhealthy("LINEARIZABLE READ FAILED"));
  });
}

void AnswerLivez(Server* server, const http::Request& request, http::Answer answer) {
  answer(Verdict("livez", request, {{"serializable_read", SerializableRead(server)}}));
}

void AnswerReadyz(Server* server, const http::Request& request, http::Answer answer) {
  std::vector<Check> checks = {{"data_corruption", NoCorruption(server)},
                               {"serializable_read", SerializableRead(server)}};
  if (request.Has("exclude", "linearizable_read")) {
    return answer(Verdict("readyz", request, checks));
  }
  if (server->leader() == raft::kNone) {
    checks.push_back({"linearizable_read", errors::kNoLeader});
    return answer(Verdict("readyz", request, checks));
  }
  server->LinearizableRead(absl::Now() + kPatience, [request, answer, checks = std::move(checks)](
                                                        const absl::Status& read) mutable {
    checks.push_back({"linearizable_read", read});
    answer(Verdict("readyz", request, checks));
  });
}

}  // namespace raftexample
