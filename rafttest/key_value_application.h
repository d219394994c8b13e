// A small key-value store with put, get, delete and compare-and-set.
#ifndef RAFT_RAFTTEST_KEY_VALUE_APPLICATION_H_
#define RAFT_RAFTTEST_KEY_VALUE_APPLICATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rafttest/application.h"

namespace rafttest {

class KeyValueApplication : public Application {
 public:
  // The fewer keys, the more the clients are in each other's way.
  explicit KeyValueApplication(size_t keys = 5) : keys_(keys) {}

  std::unique_ptr<StateMachine> NewStateMachine() const override;
  Request NextRequest(uint64_t number, Random& random) const override;
  const SequentialModel& model() const override { return model_; }
  void OnAnswer(absl::string_view answer, Operation& operation) const override;

 private:
  size_t keys_;
  KeyValueModel model_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_KEY_VALUE_APPLICATION_H_
