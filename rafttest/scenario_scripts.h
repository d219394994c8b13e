// What happens in the scenarios that follow a script (scenario.h).
#ifndef RAFT_RAFTTEST_SCENARIO_SCRIPTS_H_
#define RAFT_RAFTTEST_SCENARIO_SCRIPTS_H_

#include <memory>

#include "rafttest/stage.h"

namespace rafttest {

std::unique_ptr<Script> Bridge();
std::unique_ptr<Script> SwizzleClog();
std::unique_ptr<Script> OneWayLinks();
std::unique_ptr<Script> FlappingLeader();
std::unique_ptr<Script> LeaderRemovedInJoint();
std::unique_ptr<Script> ReadsInJoint();
std::unique_ptr<Script> RollingRestarts();
std::unique_ptr<Script> CrashLoop();
std::unique_ptr<Script> ShrinkAndGrow();
std::unique_ptr<Script> ContestedLog();

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SCENARIO_SCRIPTS_H_
