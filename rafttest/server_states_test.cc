// What the exhaustive search takes for granted about the table in which its servers move.
#include "rafttest/server_states.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "rafttest/random.h"

namespace rafttest {
namespace {

// Runs of three servers in which anything may happen, step by step.
class AnyRun {
 public:
  explicit AnyRun(uint64_t seed) : random_(seed) {
    for (raft::NodeId id = 1; id <= kSmallCluster; ++id) {
      servers_.push_back(states_.Founding(id));
    }
  }

  struct Taken {
    StateId from = 0;
    Input input;
    ServerStates::Step step;
  };
  Taken Next() {
    size_t server = random_.Below(kSmallCluster);
    Input input = {.kind = Input::Kind::kCampaign};
    const ServerFacts& facts = states_.facts(servers_[server]);
    if (!sent_.empty() && random_.Chance(0.9)) {
      input = {
          .kind = Input::Kind::kMessage,
          .detail = sent_[sent_.size() - 1 - random_.Below(std::min<size_t>(sent_.size(), 6))]};
      server = states_.message(input.detail).to - 1;
    } else if (facts.role == raft::Role::kLeader) {
      input = {.kind = Input::Kind::kPropose,
               .detail = static_cast<uint32_t>(facts.log.size() + 1)};
    } else if (random_.Chance(0.5)) {
      input = {.kind = Input::Kind::kRestart};
    }
    const StateId from = servers_[server];
    const ServerStates::Step& step = states_.After(from, input);
    servers_[server] = step.to;
    sent_.insert(sent_.end(), step.sent.begin(), step.sent.end());
    return {from, input, step};
  }

  ServerStates& states() { return states_; }

 private:
  Random random_;
  ServerStates states_{{.slow_disk = false}};
  std::vector<StateId> servers_;
  std::vector<MessageId> sent_;
};

// The same input under other names makes the same of the same state under other names.
TEST(ServerStates, AreAlikeUnderOtherNames) {
  uint64_t entries = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    AnyRun run(seed);
    ServerStates& states = run.states();
    for (int i = 0; i < 60; ++i) {
      const AnyRun::Taken taken = run.Next();
      entries = std::max<uint64_t>(entries, states.facts(taken.step.to).committed);
      for (size_t renaming = 0; renaming < kRenamings.size(); ++renaming) {
        Input input = taken.input;
        if (input.kind == Input::Kind::kMessage) {
          input.detail = states.RenamedMessage(input.detail, renaming);
        }
        const ServerStates::Step renamed =
            states.After(states.Renamed(taken.from, renaming), input);
        ASSERT_EQ(renamed.to, states.Renamed(taken.step.to, renaming)) << states.Describe(input);
        std::vector<MessageId> sent;
        for (MessageId id : taken.step.sent) sent.push_back(states.RenamedMessage(id, renaming));
        std::sort(sent.begin(), sent.end());
        std::vector<MessageId> sent_renamed = renamed.sent;
        std::sort(sent_renamed.begin(), sent_renamed.end());
        ASSERT_EQ(sent_renamed, sent) << states.Describe(input);
      }
    }
  }
  EXPECT_GE(entries, ServerStates::kFirstIndex + 1);  // The runs came somewhere.
}

}  // namespace
}  // namespace rafttest
