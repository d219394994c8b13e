// How a member is, in one message: for the page that shows the cluster.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_REPORT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_REPORT_H_

#include "examples/raftexample/transport/peer.pb.h"

namespace raftexample {

class Server;

// A leader's report says how far the others are, for which it waits for the node's thread: only on
// the executor.
peer::MemberReport ReportOf(Server& server);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_REPORT_H_
