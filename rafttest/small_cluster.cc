#include "rafttest/small_cluster.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "raft/types.h"
#include "raftpb/message.h"
#include "rafttest/random.h"

namespace rafttest {

using raft::Index;
using raft::NodeId;
using raft::Role;
using raft::Term;
using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr NodeId kServers[] = {1, 2, 3};
constexpr Index kFirst = ServerStates::kFirstIndex;
constexpr Term kFirstTerm = ServerStates::kFoundingTerm + 1;

using Log = std::vector<ServerFacts::Entry>;

// Whether the log has this entry at this place.
bool Has(const Log& log, size_t at, const ServerFacts::Entry& entry) {
  return at < log.size() && log[at] == entry;
}

bool IsQuorum(size_t servers) { return 2 * servers > kSmallCluster; }

std::string Describe(const ServerFacts::Entry& entry, size_t at) {
  return absl::StrCat("entry ", kFirst + at, " of term ", entry.term, " (", entry.number, ")");
}

// What the checks look at.
struct View {
  const SmallCluster& cluster;
  const ServerStates& servers;
  const ServerFacts& of(NodeId id) const { return servers.facts(cluster.servers[id - 1]); }
};

// S9: a leader commits only entries of its own term, which a quorum has durably (§3.6.2).
absl::optional<Violation> CheckLeaderCommit(const View& view, const ServerFacts& leader) {
  const size_t at = leader.committed - kFirst;
  const ServerFacts::Entry& entry = leader.log[at];
  const size_t copies = std::count_if(std::begin(kServers), std::end(kServers), [&](NodeId id) {
    return Has(view.of(id).durable, at, entry);
  });
  if (entry.term == leader.term && IsQuorum(copies)) return absl::nullopt;
  return Violation{"S9", absl::StrCat(leader.id, " leads term ", leader.term, " and commits ",
                                      Describe(entry, at), ", which ", copies, " disks have")};
}

// S7: all servers commit the same entries (§3.6.3). The first to commit one decides.
absl::optional<Violation> RememberCommitted(const ServerFacts& facts, SmallCluster& cluster) {
  for (size_t at = 0; at + kFirst <= facts.committed; ++at) {
    if (at == cluster.committed.size()) cluster.committed.push_back({facts.log[at], facts.term});
    if (cluster.committed[at].entry == facts.log[at]) continue;
    return Violation{
        "S7", absl::StrCat(facts.id, " commits ", Describe(facts.log[at], at), ", somebody else ",
                           Describe(cluster.committed[at].entry, at))};
  }
  return absl::nullopt;
}

// S1: a term has one leader, over all of history (§3.4). S6: it has what was committed in earlier
// terms (§3.6.3).
absl::optional<Violation> RememberLeader(const ServerFacts& leader, SmallCluster& cluster) {
  const size_t term = leader.term - kFirstTerm;
  if (cluster.leaders.size() <= term) cluster.leaders.resize(term + 1, raft::kNone);
  NodeId& known = cluster.leaders[term];
  if (known != raft::kNone && known != leader.id) {
    return Violation{"S1",
                     absl::StrCat(leader.id, " leads term ", leader.term, ", and so did ", known)};
  }
  known = leader.id;
  for (size_t at = 0; at < cluster.committed.size(); ++at) {
    const SmallCluster::Committed& committed = cluster.committed[at];
    if (committed.in_term >= leader.term || Has(leader.log, at, committed.entry)) continue;
    return Violation{"S6", absl::StrCat(leader.id, " leads term ", leader.term, " without ",
                                        Describe(committed.entry, at), ", which is committed")};
  }
  return absl::nullopt;
}

// S5: an index and a term name one entry, and one log before it (§3.5).
absl::optional<Violation> CheckLogsMatch(const ServerFacts& a, const ServerFacts& b) {
  size_t at = std::min(a.log.size(), b.log.size());
  while (at > 0 && a.log[at - 1].term != b.log[at - 1].term) --at;
  for (; at > 0; --at) {
    if (a.log[at - 1] == b.log[at - 1]) continue;
    return Violation{"S5", absl::StrCat(a.id, " has ", Describe(a.log[at - 1], at - 1), ", ", b.id,
                                        " has ", Describe(b.log[at - 1], at - 1))};
  }
  return absl::nullopt;
}

// S10: every quorum has a durable copy of what is committed (§3.6.3).
absl::optional<Violation> CheckNothingIsLost(const View& view) {
  const SmallCluster& cluster = view.cluster;
  for (size_t at = 0; at < cluster.committed.size(); ++at) {
    const auto lacks = [&](NodeId id) {
      return !Has(view.of(id).durable, at, cluster.committed[at].entry);
    };
    if (IsQuorum(std::count_if(std::begin(kServers), std::end(kServers), lacks))) {
      return Violation{"S10",
                       absl::StrCat("a quorum lacks ", Describe(cluster.committed[at].entry, at),
                                    ", which is committed")};
    }
  }
  return absl::nullopt;
}

// S15: a follower has durably what its leader takes it to match (§3.5). A later leader may have
// overwritten that, and this one will never know.
absl::optional<Violation> CheckMatches(const View& view, const ServerFacts& leader) {
  for (NodeId id : kServers) {
    const ServerFacts& peer = view.of(id);
    if (peer.durable_term > leader.term) continue;
    for (size_t at = 0; at + kFirst <= leader.match[id - 1]; ++at) {
      if (at < leader.log.size() && Has(peer.durable, at, leader.log[at])) continue;
      return Violation{
          "S15", absl::StrCat(leader.id, " takes ", id, " to match up to ", leader.match[id - 1],
                              ", whose disk lacks entry ", kFirst + at)};
    }
  }
  return absl::nullopt;
}

// Whether the message can never do anything again: it does nothing now, and is either of a term
// that the receiver has left for good, or answers what the receiver was in a term in which it
// cannot be that again.
bool IsPointless(MessageId id, const SmallCluster& cluster, ServerStates& servers) {
  const Message& message = servers.message(id);
  const StateId receiver = cluster.servers[message.to - 1];
  const ServerFacts& facts = servers.facts(receiver);
  const bool too_old = message.term < facts.durable_term;
  const bool of_lost_role =
      message.term == facts.durable_term && facts.term == message.term &&
      (message.type == MessageType::kVoteResp || message.type == MessageType::kAppResp) &&
      (facts.role == Role::kFollower ||
       (facts.role == Role::kLeader && message.type == MessageType::kVoteResp));
  if (!too_old && !of_lost_role) return false;
  const ServerStates::Step& step =
      servers.After(receiver, {.kind = Input::Kind::kMessage, .detail = id});
  return step.to == receiver && step.sent.empty() && !step.violation;
}

}  // namespace

uint64_t SmallCluster::HashOfServers() const {
  uint64_t hash = Mix(proposals, crashes);
  for (StateId server : servers) hash = Mix(hash, server);
  for (NodeId leader : leaders) hash = Mix(hash, leader);
  for (const Committed& each : committed) {
    hash = Mix(Mix(Mix(hash, each.entry.term), each.entry.number), each.in_term);
  }
  return hash;
}

SmallCluster FoundSmallCluster(ServerStates& servers) {
  SmallCluster cluster;
  for (NodeId id : kServers) cluster.servers[id - 1] = servers.Founding(id);
  return cluster;
}

std::vector<SmallEvent> EventsIn(const SmallCluster& cluster, const SmallScope& scope,
                                 const ServerStates& servers) {
  std::vector<SmallEvent> events;
  const auto add = [&events](NodeId id, Input::Kind kind, uint32_t detail = 0) {
    events.push_back({id, {kind, detail}});
  };
  for (MessageId message : cluster.network) {
    add(servers.message(message).to, Input::Kind::kMessage, message);
  }
  for (NodeId id : kServers) {
    const ServerFacts& facts = servers.facts(cluster.servers[id - 1]);
    if (facts.writing) add(id, Input::Kind::kWritten);
    // The servers are alike: it is enough to look at runs that the first of them begins.
    const bool may_begin = id == 1 || cluster.servers[0] != 0 || cluster.crashes > 0;
    const bool may_lead = facts.term < ServerStates::kFoundingTerm + scope.terms;
    if (facts.role != Role::kLeader && may_begin && may_lead) add(id, Input::Kind::kCampaign);
    if (facts.role == Role::kLeader && cluster.proposals < scope.proposals &&
        facts.log.size() < static_cast<size_t>(scope.entries)) {
      add(id, Input::Kind::kPropose, cluster.proposals + 1);
    }
    if (may_begin && cluster.crashes < scope.crashes) add(id, Input::Kind::kRestart);
  }
  return events;
}

absl::optional<Violation> Happen(const SmallEvent& event, ServerStates& servers,
                                 SmallCluster& cluster) {
  StateId& state = cluster.servers[event.server - 1];
  const ServerFacts& before = servers.facts(state);
  const ServerStates::Step& step = servers.After(state, event.input);
  if (step.violation) return step.violation;
  state = step.to;
  if (event.input.kind == Input::Kind::kPropose) ++cluster.proposals;
  if (event.input.kind == Input::Kind::kRestart) ++cluster.crashes;
  Network& network = cluster.network;
  network.insert(network.end(), step.sent.begin(), step.sent.end());
  std::sort(network.begin(), network.end());
  network.erase(std::unique(network.begin(), network.end()), network.end());
  const auto pointless = [&](MessageId id) { return IsPointless(id, cluster, servers); };
  network.erase(std::remove_if(network.begin(), network.end(), pointless), network.end());

  const ServerFacts& after = servers.facts(step.to);
  if (after.role == Role::kLeader) {
    if (auto violation = RememberLeader(after, cluster)) return violation;
    if (after.committed > before.committed) {
      if (auto violation = CheckLeaderCommit({cluster, servers}, after)) return violation;
    }
  }
  return RememberCommitted(after, cluster);
}

bool ChangesNothing(const SmallEvent& event, ServerStates& servers, const SmallCluster& cluster) {
  if (event.input.kind != Input::Kind::kMessage) return false;
  const StateId state = cluster.servers[event.server - 1];
  const ServerStates::Step& step = servers.After(state, event.input);
  const auto is_sent = [&](MessageId id) {
    return std::binary_search(cluster.network.begin(), cluster.network.end(), id);
  };
  return step.to == state && !step.violation &&
         std::all_of(step.sent.begin(), step.sent.end(), is_sent);
}

absl::optional<Violation> CheckState(const SmallCluster& cluster, const ServerStates& servers) {
  const View view = {cluster, servers};
  if (auto violation = CheckNothingIsLost(view)) return violation;
  for (NodeId id : kServers) {
    const ServerFacts& facts = view.of(id);
    for (NodeId other = id + 1; other <= kSmallCluster; ++other) {
      if (auto violation = CheckLogsMatch(facts, view.of(other))) return violation;
    }
    if (facts.role != Role::kLeader) continue;
    if (auto violation = CheckMatches(view, facts)) return violation;
  }
  return absl::nullopt;
}

}  // namespace rafttest
