#include "rafttest/exhaustive.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "absl/strings/str_cat.h"
#include "rafttest/small_cluster.h"

namespace rafttest {
namespace {

constexpr uint64_t kProgressEvery = 1 << 20;

// Depth first: the way to the state at hand is on the stack.
class Search {
 public:
  Search(const SmallScope& scope, ExhaustiveProgress progress)
      : scope_(scope), progress_(progress), servers_(scope.servers) {}

  ExhaustiveResult Run() {
    Enter(FoundSmallCluster(servers_));
    while (!stack_.empty() && !result_.violation && !HadEnough()) {
      Level& level = stack_.back();
      if (level.next == level.events.size()) {
        stack_.pop_back();
      } else {
        Follow(level.cluster, level.events[level.next++]);
      }
    }
    result_.complete = stack_.empty();
    for (const Level& level : stack_) {
      if (level.next == 0) continue;
      const SmallEvent& event = level.events[level.next - 1];
      result_.way.push_back(absl::StrCat(event.server, " ", servers_.Describe(event.input)));
    }
    result_.without_network = seen_.size();
    result_.server_states = servers_.size();
    result_.server_steps = servers_.steps();
    result_.messages = servers_.messages();
    return std::move(result_);
  }

 private:
  struct Level {
    SmallCluster cluster;
    std::vector<SmallEvent> events;
    size_t next = 0;
  };

  bool HadEnough() const { return scope_.most_states != 0 && result_.states >= scope_.most_states; }

  // What differs between clusters with the same servers. The networks of many are the same.
  struct Rest {
    uint32_t network = 0;  // In networks_.
    uint8_t proposals = 0;
    uint8_t crashes = 0;
  };

  // Whether a cluster with the same servers can do all that the other can.
  bool CanDoAll(const Rest& more, const Rest& less) const {
    if (more.proposals > less.proposals || more.crashes > less.crashes) return false;
    if (more.network == less.network) return true;
    const Network& all = *networks_[more.network];
    const Network& some = *networks_[less.network];
    return all.size() > some.size() &&
           std::includes(all.begin(), all.end(), some.begin(), some.end());
  }

  Rest RestOf(const SmallCluster& cluster, const Network& network) {
    const auto [it, is_new] =
        network_ids_.emplace(network, static_cast<uint32_t>(networks_.size()));
    if (is_new) networks_.push_back(&it->first);
    return {it->second, cluster.proposals, cluster.crashes};
  }

  void Follow(const SmallCluster& from, const SmallEvent& event) {
    ++result_.edges;
    if (ChangesNothing(event, servers_, from)) return;
    SmallCluster to = from;
    result_.violation = Happen(event, servers_, to);
    if (result_.violation) return;
    const auto& log_before = servers_.facts(from.servers[event.server - 1]).log;
    const auto& log_after = servers_.facts(to.servers[event.server - 1]).log;
    const bool extends = log_after.size() >= log_before.size() &&
                         std::equal(log_before.begin(), log_before.end(), log_after.begin());
    if (!extends && event.input.kind == Input::Kind::kMessage) ++result_.rewritten;
    Enter(std::move(to));
  }

  // Unless it is known, or one with the same servers that can do all that this one can.
  void Enter(SmallCluster cluster) {
    const Nameless nameless = WithoutNames(cluster, servers_);
    const Rest rest = RestOf(cluster, nameless.network);
    absl::InlinedVector<Rest, 2>& known = seen_[nameless.hash];
    for (const Rest& each : known) {
      if (CanDoAll(each, rest)) return;
    }
    known.erase(std::remove_if(known.begin(), known.end(),
                               [&](const Rest& each) { return CanDoAll(rest, each); }),
                known.end());
    known.push_back(rest);
    Count(cluster);
    result_.violation = CheckState(cluster, servers_);
    std::vector<SmallEvent> events = EventsIn(cluster, scope_, servers_);
    stack_.push_back({std::move(cluster), std::move(events)});
    result_.deepest = std::max<uint64_t>(result_.deepest, stack_.size());
  }

  void Count(const SmallCluster& cluster) {
    ++result_.states;
    if (result_.states % kProgressEvery == 0) progress_(result_.states, result_.edges);
    const auto leads = [&](StateId state) {
      return servers_.facts(state).role == raft::Role::kLeader;
    };
    if (std::count_if(cluster.servers.begin(), cluster.servers.end(), leads) > 1) {
      ++result_.two_leaders;
    }
    if (cluster.crashes > 0) ++result_.crashed;
    ++result_.by_committed[std::min(cluster.committed.size(), result_.by_committed.size() - 1)];
  }

  const SmallScope scope_;
  const ExhaustiveProgress progress_;
  ServerStates servers_;
  absl::node_hash_map<Network, uint32_t> network_ids_;
  std::vector<const Network*> networks_;
  absl::flat_hash_map<uint64_t, absl::InlinedVector<Rest, 2>> seen_;  // By Nameless::hash.
  std::vector<Level> stack_;
  ExhaustiveResult result_;
};

}  // namespace

ExhaustiveResult SearchExhaustively(const SmallScope& scope, ExhaustiveProgress progress) {
  return std::make_unique<Search>(scope, progress)->Run();
}

std::string Describe(const ExhaustiveResult& result) {
  std::string text = absl::StrCat(
      result.complete ? "complete: " : "incomplete: ", result.states, " states, ", result.edges,
      " edges, ", result.without_network, " states if messages do not count, the longest way ",
      result.deepest, "\nmade of ", result.server_states, " states of servers, ",
      result.server_steps, " steps of the core, ", result.messages, " messages\nwith two leaders ",
      result.two_leaders, ", after a crash ", result.crashed, ", logs rewritten ", result.rewritten,
      "; by entries committed:");
  for (size_t i = 0; i < result.by_committed.size(); ++i) {
    absl::StrAppend(&text, " ", i, ": ", result.by_committed[i]);
  }
  if (!result.violation) return text;
  for (const std::string& event : result.way) absl::StrAppend(&text, "\n", event);
  return absl::StrCat(text, "\nviolates ", result.violation->invariant, ": ",
                      result.violation->what);
}

}  // namespace rafttest
