#include "examples/raftexample/site/cluster_report.h"

#include <google/protobuf/util/json_util.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/site/cluster.pb.h"

namespace raftexample {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);

std::string Hex(uint64_t id) { return absl::StrCat(absl::Hex(id)); }

// Gathers the reports, in any order and on any threads, and answers with the last one.
class Gathering {
 public:
  Gathering(site::Cluster cluster, http::Answer answer)
      : answer_(std::move(answer)),
        cluster_(std::move(cluster)),
        missing_(cluster_.members_size()) {}

  void Add(int position, absl::StatusOr<peer::MemberReport> report) {
    {
      absl::MutexLock lock(&mutex_);
      site::Member& member = *cluster_.mutable_members(position);
      if (report.ok()) {
        *member.mutable_report() = *std::move(report);
      } else {
        member.set_error(std::string(report.status().message()));
      }
      if (--missing_ > 0) return;
    }
    Finish();
  }

 private:
  void Finish() {
    absl::MutexLock lock(&mutex_);
    http::Response response = {.content_type = "application/json",
                               .headers = {{"Cache-Control", "no-store"}}};
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    if (!google::protobuf::util::MessageToJsonString(cluster_, &response.body, options).ok()) {
      response = {.status = 500, .body = "a report that is no text\n"};
    }
    answer_(std::move(response));
  }

  const http::Answer answer_;
  absl::Mutex mutex_;
  site::Cluster cluster_ ABSL_GUARDED_BY(mutex_);
  int missing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void AnswerClusterReport(Server* server, http::Answer answer) {
  site::Cluster cluster;
  cluster.set_id(Hex(server->cluster_id()));
  cluster.set_self(Hex(server->member_id()));
  std::vector<uint64_t> ids;
  for (const etcdserverpb::Member& known : server->KnownMembers()) {
    site::Member& member = *cluster.add_members();
    member.set_id(Hex(known.id()));
    member.set_name(known.name());
    *member.mutable_client_urls() = known.clienturls();
    *member.mutable_peer_urls() = known.peerurls();
    member.set_learner(known.islearner());
    member.set_leader(known.id() == server->leader());
    ids.push_back(known.id());
  }
  if (ids.empty()) return answer({.status = 503, .body = "no member is known yet\n"});
  const auto gathering = std::make_shared<Gathering>(std::move(cluster), std::move(answer));
  for (size_t i = 0; i < ids.size(); ++i) {
    server->Describe(ids[i], absl::Now() + kPatience,
                     [gathering, i](absl::StatusOr<peer::MemberReport> report) {
                       gathering->Add(static_cast<int>(i), std::move(report));
                     });
  }
}

}  // namespace raftexample
