#include "rafttest/recording.h"

#include <utility>

#include "raftpb/describe.h"

namespace rafttest {

using raft::NodeId;

void Recording::Server(SimTime now, NodeId server, const ServerView& view) {
  if (latest_.size() < server) latest_.resize(server);
  absl::optional<ServerView>& latest = latest_[server - 1];
  if (latest == view) return;
  latest = view;
  changes_.push_back({now, server, view});
}

void Recording::Message(SimTime now, const raftpb::Message& message,
                        absl::Span<const SimTime> delays) {
  Flight flight = {.sent = now,
                   .arrives = absl::nullopt,
                   .from = message.from,
                   .to = message.to,
                   .type = message.type,
                   .text = raftpb::Describe(message)};
  for (SimTime delay : delays) {
    flight.arrives = now + delay;
    Add(flight);
  }
  if (delays.empty()) Add(std::move(flight));
}

void Recording::Add(Flight flight) {
  flights_.push_back(std::move(flight));
  if (flights_.size() <= max_flights_) return;
  flights_.pop_front();
  ++forgotten_;
}

void Recording::Event(SimTime now, NodeId server, std::string text) {
  notes_.push_back({now, server, std::move(text)});
}

void Recording::End(SimTime now, const absl::optional<Violation>& violation) {
  end_ = now;
  violation_ = violation;
}

}  // namespace rafttest
