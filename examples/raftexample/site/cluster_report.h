// How every member of the cluster is, as one of them can find out.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SITE_CLUSTER_REPORT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SITE_CLUSTER_REPORT_H_

#include "examples/raftexample/http/web_server.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

// GET /cluster.json: a site.Cluster (cluster.proto). Asks all members at once, over the network
// between members, and waits for them no longer than a second: of those who do not answer it has
// what this member knows about them.
void AnswerClusterReport(Server* server, http::Answer answer);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SITE_CLUSTER_REPORT_H_
