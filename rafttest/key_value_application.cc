#include "rafttest/key_value_application.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace rafttest {
namespace {

// Commands are words: "put key value", "delete key", "cas key from to", "create key value".
// Answers begin with '=' if there is a value.
class KeyValueMachine : public StateMachine {
 public:
  std::string Apply(absl::string_view command) override {
    const std::vector<std::string> words = absl::StrSplit(command, ' ');
    const std::string& action = words[0];
    if (action == "put") values_[words[1]] = words[2];
    if (action == "delete") values_.erase(words[1]);
    if (action == "create") return Swap(words[1], values_.count(words[1]) == 0, words[2]);
    if (action == "cas") {
      const auto value = values_.find(words[1]);
      return Swap(words[1], value != values_.end() && value->second == words[2], words[3]);
    }
    return "=ok";
  }

  std::string Query(absl::string_view key) const override {
    const auto value = values_.find(std::string(key));
    return value == values_.end() ? "" : absl::StrCat("=", value->second);
  }

  std::string Save() const override {
    return absl::StrJoin(values_, "\n", absl::PairFormatter("="));
  }

  void Load(absl::string_view saved) override {
    values_.clear();
    for (absl::string_view line : absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
      values_.insert(absl::StrSplit(line, absl::MaxSplits('=', 1)));
    }
  }

 private:
  std::string Swap(const std::string& key, bool expected, const std::string& value) {
    if (expected) values_[key] = value;
    return expected ? "=true" : "=false";
  }

  std::map<std::string, std::string> values_;
};

}  // namespace

std::unique_ptr<StateMachine> KeyValueApplication::NewStateMachine() const {
  return std::make_unique<KeyValueMachine>();
}

Request KeyValueApplication::NextRequest(uint64_t number, Random& random) const {
  Request request;
  Operation& operation = request.operation;
  operation.key = absl::StrCat("k", random.Below(keys_));
  const std::string value = absl::StrCat(number);
  const uint64_t kind = random.Below(10);
  if (kind < 4) {
    request.only_reads = true;
    request.text = operation.key;
    operation.action = "get";
    return request;
  }
  if (kind < 7) {
    operation.action = "put";
    operation.arguments = {value};
    request.text = absl::StrCat("put ", operation.key, " ", value);
  } else if (kind < 9) {
    // Of a value that somebody may have written a while ago.
    const std::string from = absl::StrCat(number - std::min<uint64_t>(number, random.Below(20)));
    operation.action = "cas";
    const bool creates = random.Chance(0.3);
    operation.arguments =
        creates ? std::vector<std::string>{value} : std::vector<std::string>{from, value};
    request.text = creates ? absl::StrCat("create ", operation.key, " ", value)
                           : absl::StrCat("cas ", operation.key, " ", from, " ", value);
  } else {
    operation.action = "delete";
    request.text = absl::StrCat("delete ", operation.key);
  }
  return request;
}

void KeyValueApplication::OnAnswer(absl::string_view answer, Operation& operation) const {
  if (!answer.empty()) operation.result = std::string(answer.substr(1));
}

}  // namespace rafttest
