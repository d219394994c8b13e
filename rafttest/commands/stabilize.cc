// stabilize [<node>...] [log-level=<level>]: lets the nodes (all, if none is named) do what there
// is to do, round by round, until nothing is left. What is on its way to others stays on its way.
#include <vector>

#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/on_each_node.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

// One kind of work of a round.
struct Work {
  absl::string_view heading;
  bool (*waits)(InteractionEnv&, const ScriptNode&);
  absl::Status (*perform)(InteractionEnv&, ScriptNode&);
};

// In the order of a round. All nodes are visited for one kind before the next kind begins; work
// that comes up for a node already visited waits for the next round.
constexpr Work kRound[] = {
    {"handling Ready",
     [](InteractionEnv&, const ScriptNode& node) { return node.core().HasReady(); },
     [](InteractionEnv& env, ScriptNode& node) {
       return node.ProcessReady(env.output(), env.network());
     }},
    {"receiving messages",
     [](InteractionEnv& env, const ScriptNode& node) {
       return env.network().Has({.to = node.id()});
     },
     [](InteractionEnv& env, ScriptNode& node) {
       env.Deliver(node, {.to = node.id()});
       return absl::OkStatus();
     }},
    {"processing append thread",
     [](InteractionEnv&, const ScriptNode& node) { return node.HasAppendWork(); },
     [](InteractionEnv& env, ScriptNode& node) {
       absl::Status done;
       while (done.ok() && node.HasAppendWork()) {
         done = node.ProcessAppendWork(env.output(), env.network());
       }
       return done;
     }},
    {"processing apply thread",
     [](InteractionEnv&, const ScriptNode& node) { return node.HasApplyWork(); },
     [](InteractionEnv& env, ScriptNode& node) {
       absl::Status done;
       while (done.ok() && node.HasApplyWork()) {
         done = node.ProcessApplyWork(env.output(), env.network());
       }
       return done;
     }},
};

absl::Status DoAllThereIs(InteractionEnv& env, const std::vector<ScriptNode*>& nodes) {
  for (bool busy = true; busy;) {
    busy = false;
    for (const Work& work : kRound) {
      for (ScriptNode* node : nodes) {
        if (!work.waits(env, *node)) continue;
        busy = true;
        RAFTTEST_RETURN_IF_ERROR(UnderHeading(
            env, *node, work.heading, [&](ScriptNode& each) { return work.perform(env, each); }));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Stabilize(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(std::vector<ScriptNode*> nodes, NamedNodes(env, directive));
  if (nodes.empty()) {
    for (const auto& node : env.nodes()) nodes.push_back(node.get());
  }
  const Argument* const level = directive.Find("log-level");
  if (level == nullptr || level->values.empty()) return DoAllThereIs(env, nodes);
  RAFTTEST_ASSIGN_OR_RETURN(const Verbosity verbosity, ParseVerbosity(level->values.back()));
  const Verbosity usual = env.output().verbosity();
  env.output().set_verbosity(verbosity);
  const absl::Status done = DoAllThereIs(env, nodes);
  env.output().set_verbosity(usual);
  return done;
}

}  // namespace rafttest
