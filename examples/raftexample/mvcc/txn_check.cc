#include "examples/raftexample/mvcc/txn_check.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/string_view.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {
namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using Ops = google::protobuf::RepeatedPtrField<RequestOp>;

// Nesting beyond one level of full branches is no longer a transaction but a program.
constexpr size_t kTreeFactor = 4;

size_t LargestList(const TxnRequest& txn) {
  return std::max({txn.compare_size(), txn.success_size(), txn.failure_size()});
}

// What is left to spend while a tree is checked.
struct Budget {
  size_t tree;
  int depth;
};

absl::Status CheckOps(const TxnRequest& txn, size_t max_ops, Budget& budget);

absl::Status CheckOp(const RequestOp& op, size_t max_ops, Budget& budget) {
  switch (op.request_case()) {
    case RequestOp::kRequestRange: return CheckRange(op.request_range());
    case RequestOp::kRequestPut: return CheckPut(op.request_put());
    case RequestOp::kRequestDeleteRange: return CheckDeleteRange(op.request_delete_range());
    case RequestOp::kRequestTxn: return CheckOps(op.request_txn(), max_ops, budget);
    case RequestOp::REQUEST_NOT_SET: return errors::kKeyNotFound;
  }
  return errors::kKeyNotFound;
}

absl::Status CheckOps(const TxnRequest& txn, size_t max_ops, Budget& budget) {
  const size_t largest = LargestList(txn);
  const size_t all = txn.compare_size() + txn.success_size() + txn.failure_size();
  if (largest > max_ops || all > budget.tree || budget.depth == 0) return errors::kTooManyOps;
  budget.tree -= all;
  --budget.depth;
  for (const etcdserverpb::Compare& compare : txn.compare()) {
    if (compare.key().empty()) return errors::kEmptyKey;
  }
  for (const Ops* branch : {&txn.success(), &txn.failure()}) {
    for (const RequestOp& op : *branch) {
      if (absl::Status s = CheckOp(op, max_ops - largest, budget); !s.ok()) return s;
    }
  }
  ++budget.depth;
  return absl::OkStatus();
}

// What some operations change, which all may be carried out together.
class Changes {
 public:
  // Both, unless `other` puts a key that is put or deleted here. To delete twice is harmless.
  bool Add(const Changes& other) {
    for (absl::string_view key : other.puts_) {
      if (puts_.count(key) > 0) return false;
    }
    if (Clash(other.puts_, deletes_)) return false;
    Join(other);
    return true;
  }
  // Either the one or the other.
  void Join(const Changes& other) {
    puts_.insert(other.puts_.begin(), other.puts_.end());
    deletes_.insert(deletes_.end(), other.deletes_.begin(), other.deletes_.end());
  }
  static Changes Put(absl::string_view key) {
    Changes changes;
    changes.puts_.insert(key);
    return changes;
  }
  static Changes Delete(KeyRange range) {
    Changes changes;
    changes.deletes_.push_back(range);
    return changes;
  }

 private:
  using Keys = std::set<absl::string_view>;
  static bool Clash(const Keys& puts, const std::vector<KeyRange>& deletes) {
    return std::any_of(deletes.begin(), deletes.end(), [&](const KeyRange& range) {
      auto first = puts.lower_bound(range.key);
      return first != puts.end() && range.EndsAfter(*first);
    });
  }

  Keys puts_;
  std::vector<KeyRange> deletes_;
};

bool Collect(const Ops& branch, Changes& changes);

bool CollectTxn(const TxnRequest& txn, Changes& changes) {
  Changes failure;
  if (!Collect(txn.success(), changes) || !Collect(txn.failure(), failure)) return false;
  changes.Join(failure);
  return true;
}

// A delete is first and a put last, so that either finds the other wherever they stand. Only what
// one nested transaction deletes is not held against what an earlier one puts: it is in order, and
// etcd takes it.
bool Collect(const Ops& branch, Changes& changes) {
  for (const RequestOp& op : branch) {
    const auto& range = op.request_delete_range();
    if (op.has_request_delete_range()) {
      changes.Join(Changes::Delete({range.key(), range.range_end()}));
    }
  }
  for (const RequestOp& op : branch) {
    Changes nested;
    if (op.has_request_txn() && !CollectTxn(op.request_txn(), nested)) return false;
    if (!changes.Add(nested)) return false;
  }
  for (const RequestOp& op : branch) {
    if (op.has_request_put() && !changes.Add(Changes::Put(op.request_put().key()))) return false;
  }
  return true;
}

template <typename Predicate>
bool AllOps(const TxnRequest& txn, Predicate holds) {
  for (const Ops* branch : {&txn.success(), &txn.failure()}) {
    for (const RequestOp& op : *branch) {
      if (op.has_request_txn() ? !AllOps(op.request_txn(), holds) : !holds(op)) return false;
    }
  }
  return true;
}

}  // namespace

absl::Status CheckRange(const etcdserverpb::RangeRequest& request) {
  if (request.key().empty()) return errors::kEmptyKey;
  return absl::OkStatus();
}

absl::Status CheckPut(const etcdserverpb::PutRequest& request) {
  if (request.key().empty()) return errors::kEmptyKey;
  if (request.ignore_value() && !request.value().empty()) return errors::kValueProvided;
  if (request.ignore_lease() && request.lease() != 0) return errors::kLeaseProvided;
  return absl::OkStatus();
}

absl::Status CheckDeleteRange(const etcdserverpb::DeleteRangeRequest& request) {
  if (request.key().empty()) return errors::kEmptyKey;
  return absl::OkStatus();
}

absl::Status CheckTxn(const TxnRequest& request, size_t max_ops) {
  Budget budget{max_ops * kTreeFactor, kMaxTxnDepth};
  if (absl::Status s = CheckOps(request, max_ops, budget); !s.ok()) return s;
  for (const Ops* branch : {&request.success(), &request.failure()}) {
    Changes changes;
    if (!Collect(*branch, changes)) return errors::kDuplicateKey;
  }
  return absl::OkStatus();
}

bool IsReadOnly(const TxnRequest& request) {
  return AllOps(request, [](const RequestOp& op) { return op.has_request_range(); });
}

bool IsSerializable(const TxnRequest& request) {
  return AllOps(request, [](const RequestOp& op) {
    return !op.has_request_range() || op.request_range().serializable();
  });
}

bool HasPut(const TxnRequest& request) {
  return !AllOps(request, [](const RequestOp& op) { return !op.has_request_put(); });
}

}  // namespace raftexample
