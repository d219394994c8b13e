// A state machine of an embedder, run by whole simulated clusters (docs/testing.md).
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rafttest/simulation.h"

namespace {

// Named counters that start at 0. Adding answers with the new value.
class Counters : public rafttest::StateMachine {
 public:
  std::string Apply(absl::string_view name) override {
    return absl::StrCat(++values_[std::string(name)]);
  }

  std::string Query(absl::string_view name) const override {
    const auto value = values_.find(std::string(name));
    return absl::StrCat(value == values_.end() ? 0 : value->second);
  }

  std::string Save() const override {
    std::string saved;
    for (const auto& [name, value] : values_) absl::StrAppend(&saved, name, "=", value, "\n");
    return saved;
  }

  void Load(absl::string_view saved) override {
    values_.clear();
    for (absl::string_view line : absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
      const std::pair<std::string, std::string> pair = absl::StrSplit(line, '=');
      if (!absl::SimpleAtoi(pair.second, &values_[pair.first])) std::abort();
    }
  }

 private:
  std::map<std::string, int> values_;  // Not a hash map: Save must be the same everywhere.
};

// What one counter may do, as simply as possible.
class CounterModel : public rafttest::SequentialModel {
 public:
  std::string Initial() const override { return "0"; }

  bool Apply(const rafttest::Operation& operation, std::string& state) const override {
    int value = 0;
    if (!absl::SimpleAtoi(state, &value)) return false;
    if (operation.action == "add") state = absl::StrCat(value + 1);
    return !operation.returned || operation.result == state;
  }

  bool OnlyReads(const rafttest::Operation& operation) const override {
    return operation.action == "get";
  }
};

class CounterApplication : public rafttest::Application {
 public:
  std::unique_ptr<rafttest::StateMachine> NewStateMachine() const override {
    return std::make_unique<Counters>();
  }

  // What a client does next: a command for Apply, or a question for Query.
  rafttest::Request NextRequest(uint64_t, rafttest::Random& random) const override {
    rafttest::Request request;
    request.text = random.Chance(0.5) ? "apples" : "pears";
    request.only_reads = random.Chance(0.5);
    request.operation.key = request.text;
    request.operation.action = request.only_reads ? "get" : "add";
    return request;
  }

  const rafttest::SequentialModel& model() const override { return model_; }

 private:
  CounterModel model_;
};

}  // namespace

int main() {
  const CounterApplication application;
  uint64_t answered = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    rafttest::SimulationOptions options;
    options.seed = seed;
    options.application = &application;
    options.wal = true;  // On the real log, on files that fail.
    const rafttest::SimulationResult result = rafttest::Simulation(options).Run();
    answered += result.coverage[rafttest::Seen::kOperations];
    if (!result.violation) continue;
    std::fprintf(stderr, "seed %d violates %s: %s\n", static_cast<int>(seed),
                 result.violation->invariant.c_str(), result.violation->what.c_str());
    return 1;
  }
  std::printf("%d requests answered, all as by one machine\n", static_cast<int>(answered));
  return answered > 100 ? 0 : 1;
}
