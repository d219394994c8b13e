// Requests to change who takes part in a group (thesis §4), the payload of entries of type
// kConfChange and kConfChangeV2.
#ifndef RAFT_RAFTPB_CONF_CHANGE_H_
#define RAFT_RAFTPB_CONF_CHANGE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/cord.h"
#include "raftpb/ids.h"

namespace raftpb {

// Numbers that are not listed can arrive from a newer peer and are kept.
enum class ConfChangeType : int32_t {
  kAddNode = 0,         // Add a voter, or promote a learner.
  kRemoveNode = 1,      // Remove a voter or a learner.
  kUpdateNode = 2,      // Changes nothing in the group; carries news for the application.
  kAddLearnerNode = 3,  // Add a learner, or demote a voter.
};

// How a ConfChangeV2 enters and leaves the joint configuration (§4.3).
enum class ConfChangeTransition : int32_t {
  kAuto = 0,           // Joint only if more than one change needs it; left automatically.
  kJointImplicit = 1,  // Always joint; left automatically.
  kJointExplicit = 2,  // Always joint; stays until an empty change is proposed.
};

struct ConfChangeSingle {
  ConfChangeType type = ConfChangeType::kAddNode;
  NodeId node_id = kNone;  // kNone: the operation does nothing.

  friend bool operator==(const ConfChangeSingle&, const ConfChangeSingle&) = default;
};

// Any number of operations at once. With kAuto and no operation it asks to leave a joint
// configuration.
struct ConfChangeV2 {
  ConfChangeTransition transition = ConfChangeTransition::kAuto;
  std::vector<ConfChangeSingle> changes;
  absl::Cord context;  // For the application; the group never looks inside.

  bool LeavesJoint() const { return transition == ConfChangeTransition::kAuto && changes.empty(); }
  // Whether applying it has to go through a joint configuration.
  bool EntersJoint() const {
    return transition != ConfChangeTransition::kAuto || changes.size() > 1;
  }
  // Whether a joint configuration entered by it is left without being asked.
  bool AutoLeaves() const { return transition != ConfChangeTransition::kJointExplicit; }

  friend bool operator==(const ConfChangeV2&, const ConfChangeV2&) = default;
};

// One operation, in the older format.
struct ConfChange {
  uint64_t id = 0;  // Chosen by the proposer, for its own use.
  ConfChangeType type = ConfChangeType::kAddNode;
  NodeId node_id = kNone;
  absl::Cord context;

  ConfChangeV2 AsV2() const {
    return {.transition = ConfChangeTransition::kAuto,
            .changes = {{type, node_id}},
            .context = context};
  }
  friend bool operator==(const ConfChange&, const ConfChange&) = default;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_CONF_CHANGE_H_
