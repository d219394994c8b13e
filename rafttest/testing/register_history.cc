#include "rafttest/testing/register_history.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rafttest::testing {

std::vector<Operation> RegisterHistory(size_t size, size_t clients, double unknown,
                                       Random& random) {
  std::vector<Operation> history(size);
  std::vector<uint64_t> free_at(clients, 0);
  std::vector<std::pair<uint64_t, size_t>> effects;  // When, and of which operation.
  for (size_t i = 0; i < size; ++i) {
    const size_t client = random.Below(clients);
    Operation& operation = history[i];
    operation.client = client + 1;
    operation.key = "k";
    operation.called = free_at[client] + random.Below(20);
    const uint64_t returned = operation.called + 1 + random.Below(100);
    uint64_t effect = random.Between(operation.called, returned);
    free_at[client] = returned + 1;
    if (random.Chance(unknown)) {
      effect += random.Below(1000);
    } else {
      operation.returned = returned;
    }
    if (operation.returned || random.Chance(0.5)) effects.emplace_back(effect, i);
    const uint64_t kind = random.Below(4);
    operation.action = kind == 0 ? "cas" : kind == 1 ? "put" : "get";
  }
  std::sort(effects.begin(), effects.end());
  absl::optional<std::string> value;
  for (const auto& [when, i] : effects) {
    Operation& operation = history[i];
    const std::string own = absl::StrCat(i);
    if (operation.action == "get") {
      operation.result = value;
    } else if (operation.action == "put") {
      operation.arguments = {own};
      value = own;
    } else {
      const bool expects = value && random.Chance(0.7);
      operation.arguments = {expects ? *value : "none", own};
      operation.result = expects ? "true" : "false";
      if (expects) value = own;
    }
  }
  for (size_t i = 0; i < size; ++i) {  // Those that never took effect.
    const bool without = history[i].arguments.empty();
    if (without && history[i].action == "put") history[i].arguments = {absl::StrCat(i)};
    if (without && history[i].action == "cas") history[i].arguments = {"none", absl::StrCat(i)};
  }
  return history;
}

}  // namespace rafttest::testing
