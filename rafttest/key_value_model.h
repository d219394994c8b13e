// What clients of a key-value store may see.
#ifndef RAFT_RAFTTEST_KEY_VALUE_MODEL_H_
#define RAFT_RAFTTEST_KEY_VALUE_MODEL_H_

#include <string>

#include "rafttest/operation.h"

namespace rafttest {

// A key of a key-value store. An absent result or argument is "no such key".
//   put(v)      result not looked at
//   get()       result: the value
//   delete()    result not looked at
//   cas(a, b)   result "true" if the value was a, and is b now, else "false"; cas(b) expects that
//               there is no such key
class KeyValueModel : public SequentialModel {
 public:
  std::string Initial() const override { return "nothing"; }
  bool Apply(const Operation& operation, std::string& state) const override;
  bool OnlyReads(const Operation& operation) const override;
  bool Overwrites(const Operation& operation) const override;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_KEY_VALUE_MODEL_H_
