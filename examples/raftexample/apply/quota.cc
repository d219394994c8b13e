#include "examples/raftexample/apply/quota.h"

#include <algorithm>

namespace raftexample {
namespace {

constexpr int64_t kDefaultBytes = int64_t{2} << 30;

// What a key costs besides key and value: its revision, its record's numbers, its share of pages
// that are not full.
constexpr size_t kPutOverhead = 256;
constexpr size_t kLeaseOverhead = 64;

size_t CostOf(const etcdserverpb::PutRequest& put) {
  return kPutOverhead + put.key().size() + put.value().size();
}

size_t CostOf(const etcdserverpb::TxnRequest& txn) {
  auto branch_cost = [](const auto& branch) {
    size_t cost = 0;
    for (const etcdserverpb::RequestOp& op : branch) {
      if (op.has_request_put()) cost += CostOf(op.request_put());
      if (op.has_request_txn()) cost += CostOf(op.request_txn());
    }
    return cost;
  };
  return std::max(branch_cost(txn.success()), branch_cost(txn.failure()));
}

}  // namespace

Quota::Quota(const Backend* backend, int64_t bytes)
    : backend_(backend), limit_(bytes == 0 ? kDefaultBytes : bytes) {}

size_t Quota::Cost(const internal::Command& command) {
  switch (command.op_case()) {
    case internal::Command::kPut: return CostOf(command.put());
    case internal::Command::kTxn: return CostOf(command.txn());
    case internal::Command::kLeaseGrant: return kLeaseOverhead;
    default: return 0;
  }
}

bool Quota::Allows(size_t cost) const {
  if (limit_ < 0) return true;
  return backend_->size() + backend_->pending_bytes() + cost <= static_cast<size_t>(limit_);
}

}  // namespace raftexample
