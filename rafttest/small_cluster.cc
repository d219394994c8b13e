#include "rafttest/small_cluster.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

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
absl::optional<Violation> RememberLeader(const ServerFacts& leader, bool elected,
                                         SmallCluster& cluster) {
  const size_t term = leader.term - kFirstTerm;
  if (cluster.leaders.size() <= term) cluster.leaders.resize(term + 1, raft::kNone);
  NodeId& known = cluster.leaders[term];
  if (known != raft::kNone && known != leader.id) {
    return Violation{"S1",
                     absl::StrCat(leader.id, " leads term ", leader.term, ", and so did ", known)};
  }
  known = leader.id;
  if (!elected) return absl::nullopt;
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

// Drops what no check can need any more, so that states which differ in nothing else are one. No
// term before that of its disk can a server lead, or be elected in.
void ForgetThePast(const View& view, SmallCluster& cluster) {
  for (size_t at = 0; at < cluster.leaders.size(); ++at) {
    const auto cannot_lead = [&](NodeId id) {
      return id == cluster.leaders[at] || view.of(id).durable_term > kFirstTerm + at;
    };
    if (std::all_of(std::begin(kServers), std::end(kServers), cannot_lead)) {
      cluster.leaders[at] = raft::kNone;
    }
  }
  Term earliest = view.of(1).durable_term;
  for (NodeId id : kServers) earliest = std::min(earliest, view.of(id).durable_term);
  for (SmallCluster::Committed& each : cluster.committed) {
    if (each.in_term < earliest) each.in_term = 0;
  }
}

// Whether a message that does nothing now can never do anything: it is of a term that the receiver
// has left for good, or, within the term,
bool StaysWithoutEffect(const Message& message, const ServerFacts& receiver) {
  if (message.term < receiver.durable_term) return true;
  if (message.term > receiver.durable_term || message.term != receiver.term) return false;
  switch (message.type) {
    // is an answer that the candidate has counted, or does not wait for any more;
    case MessageType::kVoteResp: return true;
    // or tells what a follower had at a time when it has acknowledged more since;
    case MessageType::kAppResp:
      return receiver.role == Role::kFollower ||
             (receiver.role == Role::kLeader && message.index < receiver.match[message.from - 1]);
    default: return false;
  }
}

// Whether the message can be forgotten.
bool IsPointless(MessageId id, const SmallCluster& cluster, ServerStates& servers) {
  const Message& message = servers.message(id);
  const StateId receiver = cluster.servers[message.to - 1];
  const ServerFacts& facts = servers.facts(receiver);
  // A vote once given elsewhere, the answer is no, now and ever; that it is on its way is enough.
  const bool refused = message.type == MessageType::kVote && message.term == facts.durable_term &&
                       facts.term == message.term && facts.durable_vote != raft::kNone &&
                       facts.durable_vote != message.from;
  if (!refused && !StaysWithoutEffect(message, facts)) return false;
  const ServerStates::Step& step =
      servers.After(receiver, {.kind = Input::Kind::kMessage, .detail = id});
  const auto is_sent = [&](MessageId sent) {
    return std::binary_search(cluster.network.begin(), cluster.network.end(), sent) ||
           IsPointless(sent, cluster, servers);
  };
  return step.to == receiver && !step.violation &&
         (refused ? std::all_of(step.sent.begin(), step.sent.end(), is_sent) : step.sent.empty());
}

}  // namespace

namespace {

uint64_t HashUnder(size_t renaming, const SmallCluster& cluster, ServerStates& servers) {
  const Renaming& names = kRenamings[renaming];
  std::array<StateId, kSmallCluster> renamed{};
  for (NodeId id : kServers) {
    renamed[names[id - 1] - 1] = servers.Renamed(cluster.servers[id - 1], renaming);
  }
  uint64_t hash = 0;
  for (StateId server : renamed) hash = Mix(hash, server);
  for (NodeId leader : cluster.leaders) {
    hash = Mix(hash, leader == raft::kNone ? leader : names[leader - 1]);
  }
  for (const SmallCluster::Committed& each : cluster.committed) {
    hash = Mix(Mix(Mix(hash, each.entry.term), each.entry.number), each.in_term);
  }
  return hash;
}

Network NetworkUnder(size_t renaming, const SmallCluster& cluster, ServerStates& servers) {
  Network renamed;
  for (MessageId id : cluster.network) renamed.push_back(servers.RenamedMessage(id, renaming));
  std::sort(renamed.begin(), renamed.end());
  return renamed;
}

}  // namespace

// The least of all hashes; where two servers are alike, the least network of those with that hash.
Nameless WithoutNames(const SmallCluster& cluster, ServerStates& servers) {
  std::array<uint64_t, kRenamings.size()> hashes;
  for (size_t i = 0; i < hashes.size(); ++i) hashes[i] = HashUnder(i, cluster, servers);
  Nameless least = {.hash = *std::min_element(hashes.begin(), hashes.end())};
  bool found = false;
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (hashes[i] != least.hash) continue;
    Network network = NetworkUnder(i, cluster, servers);
    if (!found || network < least.network) least.network = std::move(network);
    found = true;
  }
  return least;
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
    const bool may_lead = facts.term < ServerStates::kFoundingTerm + scope.terms;
    if (facts.role != Role::kLeader && may_lead) add(id, Input::Kind::kCampaign);
    if (facts.role == Role::kLeader && cluster.proposals < scope.proposals &&
        facts.log.size() < static_cast<size_t>(scope.entries)) {
      add(id, Input::Kind::kPropose, static_cast<uint32_t>(facts.log.size() + 1));
    }
    if (cluster.crashes < scope.crashes) add(id, Input::Kind::kRestart);
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
  Network useful;
  std::copy_if(network.begin(), network.end(), std::back_inserter(useful),
               [&](MessageId id) { return !IsPointless(id, cluster, servers); });
  network = std::move(useful);

  const ServerFacts& after = servers.facts(step.to);
  if (after.role == Role::kLeader) {
    const bool elected = before.role != Role::kLeader || before.term != after.term;
    if (auto violation = RememberLeader(after, elected, cluster)) return violation;
    if (after.committed > before.committed) {
      if (auto violation = CheckLeaderCommit({cluster, servers}, after)) return violation;
    }
  }
  if (auto violation = RememberCommitted(after, cluster)) return violation;
  ForgetThePast({cluster, servers}, cluster);
  return absl::nullopt;
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
