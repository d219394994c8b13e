#include "rafttest/clients.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rafttest/sessions.h"

namespace rafttest {

Clients::Clients(const Application& application, size_t count, SimTime patience, Random random)
    : application_(application), patience_(patience), random_(random), clients_(count) {
  for (Client& client : clients_) client.name = next_name_++;
}

absl::optional<Clients::Attempt> Clients::Act(SimTime now, raft::NodeId at, uint64_t number) {
  const size_t which = random_.Below(clients_.size());
  Client& client = clients_[which];
  if (!client.busy) {
    Begin(now, number, client);
    return Try(now, at, number, which);
  }
  if (now - client.tried < patience_) return absl::nullopt;
  if (random_.Chance(0.7)) return Try(now, at, number, which);
  ++given_up_;
  ForgetAttempts(which);
  client = Client();
  client.name = next_name_++;
  return absl::nullopt;
}

void Clients::Begin(SimTime now, uint64_t number, Client& client) {
  client.busy = true;
  ++client.sequence;
  client.request = application_.NextRequest(number, random_);
  client.taken = 0;
  client.operation = history_.size();
  Operation operation = client.request.operation;
  operation.client = client.name;
  operation.called = now;
  history_.push_back(std::move(operation));
  counts_.push_back(false);
}

Clients::Attempt Clients::Try(SimTime now, raft::NodeId at, uint64_t number, size_t which) {
  Client& client = clients_[which];
  client.tried = now;
  Pending& pending = pending_[number];
  pending.client = which;
  pending.at = at;
  ++client.taken;
  Attempt attempt;
  attempt.read = client.request.only_reads;
  if (!attempt.read) {
    counts_[client.operation] = true;
    attempt.command = EncodeSessionCommand(client.name, client.sequence, client.request.text);
  }
  attempt.describe =
      absl::StrCat("client ", client.name, " asks for ", client.request.operation.key, ".",
                   Describe(history_[client.operation]));
  return attempt;
}

// A proposal that was refused at once never enters a log; but an earlier attempt may have.
void Clients::OnRefused(uint64_t number) {
  const auto found = pending_.find(number);
  if (found == pending_.end()) return;
  Client& client = clients_[found->second.client];
  if (--client.taken == 0) counts_[client.operation] = false;
  pending_.erase(found);
}

void Clients::ForgetAttempts(size_t which) {
  for (auto each = pending_.begin(); each != pending_.end();) {
    each = each->second.client == which ? pending_.erase(each) : std::next(each);
  }
}

void Clients::Answer(SimTime now, size_t which, absl::string_view answer) {
  Client& client = clients_[which];
  Operation& operation = history_[client.operation];
  operation.returned = now;
  application_.OnAnswer(answer, operation);
  counts_[client.operation] = true;
  client.busy = false;
  ++answered_;
  ForgetAttempts(which);
}

void Clients::OnApplied(SimTime now, raft::NodeId at, uint64_t number, absl::string_view answer) {
  const auto found = pending_.find(number);
  if (found != pending_.end() && found->second.at == at) {
    Answer(now, found->second.client, answer);
  }
}

void Clients::OnReadIndex(SimTime now, raft::NodeId at, uint64_t number, raft::Index index,
                          raft::Index applied, const StateMachine& machine) {
  const auto found = pending_.find(number);
  if (found == pending_.end() || found->second.at != at) return;
  found->second.has_index = true;
  found->second.index = index;
  OnProgress(now, at, applied, machine);
}

void Clients::OnProgress(SimTime now, raft::NodeId at, raft::Index applied,
                         const StateMachine& machine) {
  std::vector<size_t> ready;
  for (const auto& [number, pending] : pending_) {
    if (pending.at == at && pending.has_index && pending.index <= applied) {
      ready.push_back(pending.client);
    }
  }
  for (size_t which : ready) {
    if (clients_[which].busy) Answer(now, which, machine.Query(clients_[which].request.text));
  }
}

void Clients::OnCrashed(raft::NodeId at) {
  for (auto each = pending_.begin(); each != pending_.end();) {
    each = each->second.at == at ? pending_.erase(each) : std::next(each);
  }
}

std::vector<Operation> Clients::History() const {
  std::vector<Operation> history;
  for (size_t i = 0; i < history_.size(); ++i) {
    if (counts_[i]) history.push_back(history_[i]);
  }
  return history;
}

}  // namespace rafttest
