#include "rafttest/linearizability.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "rafttest/random.h"
#include "rafttest/testing/register_history.h"

namespace rafttest {
namespace {

using Verdict = LinearizabilityResult::Verdict;

constexpr uint64_t kUnknown = ~uint64_t{0};

Operation Op(uint64_t called, uint64_t returned, std::string action,
             std::vector<std::string> arguments, absl::optional<std::string> result = {},
             std::string key = "k") {
  Operation operation;
  operation.key = std::move(key);
  operation.action = std::move(action);
  operation.arguments = std::move(arguments);
  operation.called = called;
  if (returned != kUnknown) operation.returned = returned;
  operation.result = std::move(result);
  return operation;
}

Operation Put(uint64_t called, uint64_t returned, std::string value) {
  return Op(called, returned, "put", {std::move(value)});
}
Operation Get(uint64_t called, uint64_t returned, absl::optional<std::string> result) {
  return Op(called, returned, "get", {}, std::move(result));
}
Operation Cas(uint64_t called, uint64_t returned, std::string from, std::string to,
              std::string result) {
  return Op(called, returned, "cas", {std::move(from), std::move(to)}, std::move(result));
}

std::string Describe(const std::vector<Operation>& history) {
  const auto line = [](std::string* out, const Operation& operation) {
    absl::StrAppend(out, operation.key, ": ", rafttest::Describe(operation));
  };
  return absl::StrJoin(history, "\n", line);
}

TEST(Linearizability, RulesOfOneRegister) {
  struct {
    const char* name;
    std::vector<Operation> history;
    bool linearizable;
  } cases[] = {
      {"nothing happened", {}, true},
      {"a read of what was written", {Put(0, 1, "a"), Get(2, 3, "a")}, true},
      {"a read of what nobody wrote", {Put(0, 1, "a"), Get(2, 3, "b")}, false},
      {"a write is lost", {Put(0, 1, "a"), Get(2, 3, absl::nullopt)}, false},
      {"a stale read", {Put(0, 1, "a"), Put(2, 3, "b"), Get(4, 5, "a")}, false},
      {"a stale read, but it began before", {Put(0, 1, "a"), Put(2, 3, "b"), Get(3, 5, "a")}, true},
      {"new, then old", {Put(0, 9, "a"), Get(1, 2, "a"), Get(3, 4, absl::nullopt)}, false},
      {"old, then new", {Put(0, 9, "a"), Get(1, 2, absl::nullopt), Get(3, 4, "a")}, true},
      {"a write of unknown outcome is seen", {Put(0, kUnknown, "a"), Get(1, 2, "a")}, true},
      {"or is not", {Put(0, kUnknown, "a"), Get(1, 2, absl::nullopt)}, true},
      {"or is seen late",
       {Put(0, kUnknown, "a"), Put(1, 2, "b"), Get(3, 4, "b"), Get(5, 6, "a")},
       true},
      {"but not before it was called", {Get(0, 1, "a"), Put(2, kUnknown, "a")}, false},
      {"nor twice",
       {Put(0, kUnknown, "a"), Get(1, 2, "a"), Put(3, 4, "b"), Get(5, 6, "b"), Get(7, 8, "a")},
       false},
      {"a deletion is seen",
       {Put(0, 1, "a"), Op(2, 3, "delete", {}), Get(4, 5, absl::nullopt)},
       true},
      {"an empty value is a value", {Put(0, 1, ""), Get(2, 3, absl::nullopt)}, false},
      {"one of two rivals wins",
       {Put(0, 1, "a"), Cas(2, 5, "a", "b", "true"), Cas(2, 5, "a", "c", "false")},
       true},
      {"both win",
       {Put(0, 1, "a"), Cas(2, 5, "a", "b", "true"), Cas(2, 5, "a", "c", "true")},
       false},
      {"both lose",
       {Put(0, 1, "a"), Cas(2, 5, "a", "b", "false"), Cas(2, 5, "a", "c", "false")},
       false},
      {"creation of what is not there", {Op(0, 1, "cas", {"a"}, "true"), Get(2, 3, "a")}, true},
      {"a chain of unknown outcomes",
       {Put(0, kUnknown, "a"), Cas(1, kUnknown, "a", "b", ""), Cas(2, kUnknown, "b", "c", ""),
        Get(3, 4, "c")},
       true},
      {"an action that the model does not know", {Op(0, 1, "append", {"a"}, "ok")}, false},
  };
  for (const auto& c : cases) {
    const LinearizabilityResult result = CheckLinearizability(c.history);
    EXPECT_EQ(result.linearizable(), c.linearizable) << c.name << "\n" << result.explanation;
  }
}

TEST(Linearizability, KeysAreApart) {
  const std::vector<Operation> history = {
      Op(0, 1, "put", {"a"}, {}, "x"),
      Op(2, 3, "get", {}, absl::nullopt, "y"),
      Op(4, 5, "get", {}, "b", "x"),
  };
  const LinearizabilityResult result = CheckLinearizability(history);
  EXPECT_EQ(result.verdict, Verdict::kNotLinearizable);
  EXPECT_EQ(result.key, "x");
  EXPECT_EQ(result.contradiction, std::vector<size_t>({2}));
}

// Two hundred operations of others do not hide the two that matter: whoever wrote "first", it is
// not there any more.
TEST(Linearizability, AContradictionIsShownAlone) {
  Random random(1);
  std::vector<Operation> history = testing::RegisterHistory(200, 5, 0.1, random);
  const uint64_t end = 1'000'000;
  const size_t own = history.size();
  history.push_back(Put(end, end + 10, "first"));
  history.push_back(Put(end + 20, end + 30, "second"));
  history.push_back(Get(end + 40, end + 50, "first"));
  const LinearizabilityResult result = CheckLinearizability(history);
  EXPECT_EQ(result.verdict, Verdict::kNotLinearizable);
  EXPECT_EQ(result.contradiction, std::vector<size_t>({own + 1, own + 2}));
  EXPECT_EQ(result.explanation,
            R"(key "k": no order explains these, whichever of the 201 other operations happened:
    put("second") = nothing [1000020, 1000030] by 0
    get() = "first" [1000040, 1000050] by 0
The best order found ends
    put("second") = nothing [1000020, 1000030] by 0
then the state is "second", and what must follow is
    get() = "first" [1000040, 1000050] by 0)");
}

TEST(Linearizability, GivesUpWhereItWasToldTo) {
  Random random(1);
  const std::vector<Operation> history = testing::RegisterHistory(200, 5, 0.1, random);
  const LinearizabilityResult result =
      CheckLinearizability(history, KeyValueModel(), {.max_configurations = 100});
  EXPECT_EQ(result.verdict, Verdict::kGaveUp);
  EXPECT_EQ(result.key, "k");
}

// --- Against brute force -------------------------------------------------------------------------

// Every order of every choice of the optional operations, among which are those of unknown outcome.
// `done` and `optional` are sets of positions.
bool SomeOrderExplains(const std::vector<Operation>& history, uint64_t optional, uint64_t done = 0,
                       const std::string& state = KeyValueModel().Initial()) {
  const KeyValueModel model;
  const auto is_in = [](uint64_t set, size_t i) { return (set >> i & 1) != 0; };
  bool complete = true;
  for (size_t i = 0; i < history.size(); ++i) {
    if (is_in(done, i)) continue;
    if (!is_in(optional, i) && history[i].returned) complete = false;
    bool may_be_next = true;
    for (size_t j = 0; j < history.size(); ++j) {
      const bool awaited = !is_in(done, j) && !is_in(optional, j);
      if (awaited && history[j].returned && *history[j].returned < history[i].called) {
        may_be_next = false;
      }
      if (is_in(done, j) && history[i].returned && *history[i].returned < history[j].called) {
        may_be_next = false;
      }
    }
    std::string after = state;
    if (!may_be_next || !model.Apply(history[i], after)) continue;
    if (SomeOrderExplains(history, optional, done | uint64_t{1} << i, after)) return true;
  }
  return complete;
}

std::vector<Operation> AnyHistory(Random& random) {
  std::vector<Operation> history;
  const uint64_t size = random.Between(1, 6);
  const double unknown = random.Chance(0.5) ? 0.3 : 0;
  const auto value = [&] { return std::string(1, static_cast<char>('a' + random.Below(3))); };
  for (uint64_t i = 0; i < size; ++i) {
    const uint64_t called = random.Below(12);
    const uint64_t returned = random.Chance(unknown) ? kUnknown : called + random.Below(6);
    switch (random.Below(4)) {
      case 0: history.push_back(Put(called, returned, value())); break;
      case 1:
        history.push_back(random.Chance(0.2) ? Get(called, returned, absl::nullopt)
                                             : Get(called, returned, value()));
        break;
      case 2:
        history.push_back(
            Cas(called, returned, value(), value(), random.Chance(0.5) ? "true" : "false"));
        break;
      default:
        history.push_back(random.Chance(0.5)
                              ? Op(called, returned, "delete", {})
                              : Op(called, returned, "cas", {value()},
                                   std::string(random.Chance(0.5) ? "true" : "false")));
    }
  }
  return history;
}

TEST(Linearizability, AgreesWithBruteForce) {
  Random random(2);
  int of_each[2] = {0, 0};
  for (int i = 0; i < 30000; ++i) {
    const std::vector<Operation> history = AnyHistory(random);
    const bool expected = SomeOrderExplains(history, 0);
    const LinearizabilityResult result = CheckLinearizability(history);
    ASSERT_EQ(result.linearizable(), expected) << Describe(history);
    ++of_each[expected ? 1 : 0];
    if (expected) continue;
    // What is shown as a contradiction is one, and none of it could be left out.
    uint64_t others = (uint64_t{1} << history.size()) - 1;
    for (size_t shown : result.contradiction) others &= ~(uint64_t{1} << shown);
    ASSERT_FALSE(SomeOrderExplains(history, others)) << Describe(history) << "\n"
                                                     << result.explanation;
    for (size_t shown : result.contradiction) {
      ASSERT_TRUE(SomeOrderExplains(history, others | uint64_t{1} << shown))
          << Describe(history) << "\n"
          << result.explanation;
    }
  }
  EXPECT_GT(of_each[0], 5000);
  EXPECT_GT(of_each[1], 5000);
}

// --- Histories as they come from clusters --------------------------------------------------------

TEST(Linearizability, ARegisterIsLinearizable) {
  Random random(3);
  for (int i = 0; i < 50; ++i) {
    const std::vector<Operation> history =
        testing::RegisterHistory(300, random.Between(1, 12), 0.1 * random.Unit(), random);
    const LinearizabilityResult result = CheckLinearizability(history);
    ASSERT_TRUE(result.linearizable()) << result.explanation;
  }
}

// One read, changed to a value that was overwritten before it began, is found among the others.
TEST(Linearizability, OneStaleReadIsFound) {
  Random random(4);
  int changed = 0;
  for (int i = 0; i < 20; ++i) {
    std::vector<Operation> history = testing::RegisterHistory(300, 6, 0.05, random);
    // With one value for good before and after, whatever the others do.
    for (Operation& operation : history) operation.called += 100;
    for (Operation& operation : history) {
      if (operation.returned) *operation.returned += 100;
    }
    history.push_back(Put(0, 10, "before all"));
    const size_t victim = random.Between(100, 299);
    if (history[victim].action != "get" || !history[victim].returned) continue;
    ++changed;
    history[victim].result = "before all";
    const bool overwritten =
        std::any_of(history.begin(), history.end() - 1, [&](const Operation& operation) {
          return operation.action == "put" && operation.returned &&
                 *operation.returned < history[victim].called;
        });
    ASSERT_TRUE(overwritten);
    const LinearizabilityResult result = CheckLinearizability(history);
    ASSERT_EQ(result.verdict, Verdict::kNotLinearizable);
    EXPECT_LE(result.contradiction.size(), 4u) << result.explanation;
  }
  EXPECT_GT(changed, 3);
}

}  // namespace
}  // namespace rafttest
