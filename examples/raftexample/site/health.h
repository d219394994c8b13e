// Whether a member is well, for those who start and stop it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SITE_HEALTH_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SITE_HEALTH_H_

#include "examples/raftexample/http/web_server.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

// GET /health: 200 {"health":"true"}, or 503 {"health":"false","reason":"..."}: an alarm is active,
// no leader is known, or a read does not come back within a second. `exclude=NOSPACE` overlooks an
// alarm; `serializable=true` asks for this member alone, not for a quorum.
void AnswerHealth(Server* server, const http::Request& request, http::Answer answer);

// GET /livez, GET /readyz: "ok", or 503 with the check that failed. A member that is not live
// should be started again; one that is not ready should get no clients. `exclude=` leaves a check
// out, `verbose` lists all of them.
void AnswerLivez(Server* server, const http::Request& request, http::Answer answer);
void AnswerReadyz(Server* server, const http::Request& request, http::Answer answer);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SITE_HEALTH_H_
