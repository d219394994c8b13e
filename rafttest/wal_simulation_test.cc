// Clusters with the real log below and a real state machine above: that correct ones survive, and
// that state machines with mistakes in them do not.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rafttest/key_value_application.h"
#include "rafttest/simulation.h"

namespace rafttest {
namespace {

SimulationResult RunSeed(uint64_t seed, const Application& application) {
  SimulationOptions options;
  options.seed = seed;
  options.ticks = 500;
  options.wal = true;
  options.application = &application;
  return Simulation(options).Run();
}

TEST(WalSimulation, CorrectServersSurviveEveryFault) {
  const KeyValueApplication application;
  Coverage seen;
  DiskCoverage disks;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    const SimulationResult result = RunSeed(seed, application);
    ASSERT_FALSE(result.violation.has_value())
        << "seed " << seed << ": " << result.violation->invariant << ", " << result.violation->what;
    seen.Add(result.coverage);
    disks.Add(result.disk);
  }
  EXPECT_GT(seen[Seen::kOperations], 500u);
  EXPECT_GT(seen[Seen::kGivenUp], 10u);
  EXPECT_EQ(seen[Seen::kHistoriesTooHard], 0u);
  EXPECT_GT(disks.power_cuts, 20u);
  EXPECT_GT(disks.process_deaths, 20u);
  EXPECT_GT(disks.cuts_while_recovering, 10u);
  EXPECT_GT(disks.io_errors, 0u);
  EXPECT_GT(disks.sync_failures, 0u);
  EXPECT_GT(disks.short_operations, 100u);
  EXPECT_GT(disks.rot_refused, 2u);
  EXPECT_GT(seen[Seen::kDiskFailures], 5u);
}

TEST(WalSimulation, TheSameSeedIsTheSameRun) {
  const KeyValueApplication application;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(RunSeed(seed, application).trace_hash, RunSeed(seed, application).trace_hash);
  }
}

// Which invariant the first of a hundred seeds violates; empty if none does.
std::string WhatFires(const Application& application) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const SimulationResult result = RunSeed(seed, application);
    if (result.violation) return result.violation->invariant;
  }
  return "";
}

// A state machine around the correct one.
class Wrong : public StateMachine {
 public:
  Wrong() : right_(KeyValueApplication().NewStateMachine()) {}
  std::string Apply(absl::string_view command) override { return right_->Apply(command); }
  std::string Query(absl::string_view query) const override { return right_->Query(query); }
  std::string Save() const override { return right_->Save(); }
  void Load(absl::string_view saved) override { right_->Load(saved); }

 protected:
  StateMachine& right() { return *right_; }

 private:
  std::unique_ptr<StateMachine> right_;
};

template <typename Machine>
class WrongApplication : public KeyValueApplication {
 public:
  std::unique_ptr<StateMachine> NewStateMachine() const override {
    return std::make_unique<Machine>();
  }
};

// Answers each query with what was true before the last command.
class Stale : public Wrong {
 public:
  std::string Apply(absl::string_view command) override {
    before_ = Save();
    return Wrong::Apply(command);
  }
  std::string Query(absl::string_view query) const override {
    Wrong old;
    old.Load(before_);
    return old.Query(query);
  }

 private:
  std::string before_;
};

TEST(WalSimulation, AStaleReadIsFound) { EXPECT_EQ(WhatFires(WrongApplication<Stale>()), "E1"); }

// Counts what this process has done, which is not a function of the log.
class Local : public Wrong {
 public:
  std::string Apply(absl::string_view command) override {
    ++applied_;
    return Wrong::Apply(command);
  }
  std::string Save() const override {
    const std::string right = Wrong::Save();
    return absl::StrCat(right, right.empty() ? "" : "\n", "applied=", applied_);
  }

 private:
  int applied_ = 0;
};

TEST(WalSimulation, AStateThatDependsOnTheServerIsFound) {
  EXPECT_EQ(WhatFires(WrongApplication<Local>()), "S7");
}

// Says yes to whoever compares and sets.
class Agreeable : public Wrong {
 public:
  std::string Apply(absl::string_view command) override {
    const std::string answer = Wrong::Apply(command);
    return answer == "=false" ? "=true" : answer;
  }
};

TEST(WalSimulation, AWrongAnswerIsFound) {
  EXPECT_EQ(WhatFires(WrongApplication<Agreeable>()), "E1");
}

// A snapshot without one key.
class Forgetful : public Wrong {
 public:
  void Load(absl::string_view saved) override {
    Wrong::Load(saved);
    right().Apply("delete k0");
  }
};

TEST(WalSimulation, AnIncompleteSnapshotIsFound) {
  EXPECT_EQ(WhatFires(WrongApplication<Forgetful>()), "S7");
}

}  // namespace
}  // namespace rafttest
