#include "rafttest/key_value_model.h"

#include <vector>

namespace rafttest {

// "put" of a value is the state afterwards; absence has a text that no value has.
bool KeyValueModel::Apply(const Operation& operation, std::string& state) const {
  const std::vector<std::string>& arguments = operation.arguments;
  const bool known = operation.returned.has_value();
  if (operation.action == "get") return !known || QuotedResult(operation.result) == state;
  if (operation.action == "put" && arguments.size() == 1) {
    state = Quoted(arguments[0]);
    return true;
  }
  if (operation.action == "delete") {
    state = Initial();
    return true;
  }
  if (operation.action == "cas" && !arguments.empty()) {
    const bool equal = state == (arguments.size() == 1 ? Initial() : Quoted(arguments[0]));
    if (known && (operation.result == "true") != equal) return false;
    if (equal) state = Quoted(arguments.back());
    return true;
  }
  return !known;  // Not an operation that anybody can have seen the result of.
}

bool KeyValueModel::OnlyReads(const Operation& operation) const {
  const bool failed = operation.returned && operation.result != "true";
  return operation.action == "get" || (operation.action == "cas" && failed);
}

bool KeyValueModel::Overwrites(const Operation& operation) const {
  return operation.action == "put" || operation.action == "delete";
}

}  // namespace rafttest
