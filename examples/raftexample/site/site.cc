#include "examples/raftexample/site/site.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/site/cluster_report.h"
#include "examples/raftexample/site/health.h"
#include "examples/raftexample/site/page.h"
#include "prometheus/text_serializer.h"

namespace raftexample {

void Site::Serve(const http::Request& request, http::Answer answer) {
  const std::string& path = request.path;
  const bool known = path == "/" || path == "/cluster.json" || path == "/health" ||
                     path == "/livez" || path == "/readyz" || path == "/version" ||
                     path == "/metrics";
  if (!known) return answer({.status = 404, .body = "404 page not found\n"});
  if (request.method != "GET") {
    return answer({.status = 405, .body = "Method Not Allowed\n", .headers = {{"Allow", "GET"}}});
  }
  if (path == "/health") return AnswerHealth(server_, request, std::move(answer));
  if (path == "/livez") return AnswerLivez(server_, request, std::move(answer));
  if (path == "/readyz") return AnswerReadyz(server_, request, std::move(answer));
  if (path == "/cluster.json") return AnswerClusterReport(server_, std::move(answer));
  if (path == "/version") return answer(Version());
  if (path == "/metrics") return answer(Metrics());
  answer({.content_type = "text/html; charset=utf-8", .body = std::string(kPage)});
}

http::Response Site::Version() const {
  std::string cluster = server_->state().membership().cluster_version();
  if (cluster.empty()) cluster = "not_decided";
  return {.content_type = "application/json",
          .body = absl::StrCat("{\"etcdserver\":\"", kApiVersion, "\",\"etcdcluster\":\"", cluster,
                               "\"}\n")};
}

http::Response Site::Metrics() const {
  Families all = server_->meters().registry.Collect();
  for (const prometheus::Collectable* more :
       {static_cast<const prometheus::Collectable*>(&member_metrics_),
        static_cast<const prometheus::Collectable*>(&process_metrics_)}) {
    Families families = more->Collect();
    std::move(families.begin(), families.end(), std::back_inserter(all));
  }
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = prometheus::TextSerializer().Serialize(all)};
}

}  // namespace raftexample
