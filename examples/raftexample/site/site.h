// What a member shows to web clients: its health, its metrics, and a page for people.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SITE_SITE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SITE_SITE_H_

#include "examples/raftexample/http/web_server.h"
#include "examples/raftexample/metrics/member_metrics.h"
#include "examples/raftexample/metrics/process_metrics.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

//   /               a page about the cluster, that keeps itself up to date
//   /cluster.json   what the page shows
//   /health         for load balancers and operators          (health.h)
//   /livez /readyz  for Kubernetes
//   /version        {"etcdserver":"3.4.23","etcdcluster":"3.4.0"}
//   /metrics        for Prometheus
//
// Anything else is 404, any method but GET 405. Nothing here changes anything, and nobody is asked
// who he is, as in etcd. Thread-safe. The server outlives it.
class Site {
 public:
  explicit Site(Server* server) : server_(server), member_metrics_(server) {}

  void Serve(const http::Request& request, http::Answer answer);

 private:
  http::Response Version() const;
  http::Response Metrics() const;

  Server* const server_;
  const MemberMetrics member_metrics_;
  const ProcessMetrics process_metrics_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SITE_SITE_H_
