#include "rafttest/sessions.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "raft/check.h"

namespace rafttest {
namespace {

constexpr char kCommand = 'c';

void AppendNumber(std::string& out, uint64_t number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out.append(bytes, sizeof(number));
}

uint64_t TakeNumber(absl::string_view& in) {
  uint64_t number = 0;
  RAFT_CHECK(in.size() >= sizeof(number)) << "a saved state ends early";
  std::memcpy(&number, in.data(), sizeof(number));
  in.remove_prefix(sizeof(number));
  return number;
}

}  // namespace

std::string EncodeSessionCommand(uint64_t client, uint64_t sequence, absl::string_view command) {
  std::string text(1, kCommand);
  AppendNumber(text, client);
  AppendNumber(text, sequence);
  return absl::StrCat(text, command);
}

std::string Sessions::Apply(absl::string_view command) {
  if (command.size() < 1 + 2 * sizeof(uint64_t) || command[0] != kCommand) return "";
  command.remove_prefix(1);
  const uint64_t client = TakeNumber(command);
  const uint64_t sequence = TakeNumber(command);
  Last& last = clients_[client];
  if (sequence == last.sequence) return last.answer;
  if (sequence < last.sequence) return "";  // Its client waits no more.
  last = {sequence, machine_->Apply(command)};
  return last.answer;
}

std::string Sessions::Save() const {
  std::string saved;
  AppendNumber(saved, clients_.size());
  for (const auto& [client, last] : clients_) {
    AppendNumber(saved, client);
    AppendNumber(saved, last.sequence);
    AppendNumber(saved, last.answer.size());
    saved.append(last.answer);
  }
  return saved.append(machine_->Save());
}

void Sessions::Load(absl::string_view saved) {
  clients_.clear();
  for (uint64_t count = TakeNumber(saved); count > 0; --count) {
    const uint64_t client = TakeNumber(saved);
    Last& last = clients_[client];
    last.sequence = TakeNumber(saved);
    const uint64_t size = TakeNumber(saved);
    last.answer = std::string(saved.substr(0, size));
    saved.remove_prefix(last.answer.size());
  }
  machine_->Load(saved);
}

}  // namespace rafttest
