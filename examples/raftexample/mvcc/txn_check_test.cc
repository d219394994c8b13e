#include "examples/raftexample/mvcc/txn_check.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;

constexpr size_t kMaxOps = 128;

// Short hands for the operations of a transaction.
RequestOp Put(const std::string& key) {
  RequestOp op;
  op.mutable_request_put()->set_key(key);
  return op;
}
RequestOp Get(const std::string& key, bool serializable = false) {
  RequestOp op;
  op.mutable_request_range()->set_key(key);
  op.mutable_request_range()->set_serializable(serializable);
  return op;
}
RequestOp Del(const std::string& key, const std::string& end = "") {
  RequestOp op;
  op.mutable_request_delete_range()->set_key(key);
  op.mutable_request_delete_range()->set_range_end(end);
  return op;
}
using Ops = std::vector<RequestOp>;
TxnRequest Txn(const Ops& success, const Ops& failure = {}) {
  TxnRequest txn;
  txn.mutable_success()->Add(success.begin(), success.end());
  txn.mutable_failure()->Add(failure.begin(), failure.end());
  return txn;
}
RequestOp Nested(const Ops& success, const Ops& failure = {}) {
  RequestOp op;
  *op.mutable_request_txn() = Txn(success, failure);
  return op;
}
Ops Gets(size_t count) { return Ops(count, Get("k")); }
Ops Puts(size_t count, const std::string& prefix = "k") {
  Ops ops;
  for (size_t i = 0; i < count; ++i) ops.push_back(Put(absl::StrCat(prefix, i)));
  return ops;
}
Ops operator+(Ops a, const RequestOp& b) {
  a.push_back(b);
  return a;
}

const std::string kZero(1, '\0');

TEST(CheckTxn, SaysWhyATransactionCannotBe) {
  RequestOp flags = Put("k");
  flags.mutable_request_put()->set_ignore_value(true);
  flags.mutable_request_put()->set_value("v");
  RequestOp lease = Put("k");
  lease.mutable_request_put()->set_ignore_lease(true);
  lease.mutable_request_put()->set_lease(1);
  const absl::Status ok;
  const struct {
    const char* name;
    TxnRequest txn;
    absl::Status expected;
  } cases[] = {
      {"nothing", Txn({}), ok},
      {"128 operations", Txn(Puts(128), Puts(128)), ok},
      {"129 for success", Txn(Gets(129)), errors::kTooManyOps},
      {"129 for failure", Txn({}, Gets(129)), errors::kTooManyOps},
      {"one operation leaves 127 to a transaction inside", Txn({Nested(Gets(127))}), ok},
      {"and no more", Txn({Nested(Gets(128))}), errors::kTooManyOps},
      {"the largest list counts, not the own", Txn({Nested(Gets(1))}, Gets(128)),
       errors::kTooManyOps},
      {"empty key", Txn({Put("")}), errors::kEmptyKey},
      {"empty key to read", Txn({Get("")}), errors::kEmptyKey},
      {"empty key to delete", Txn({}, {Del("")}), errors::kEmptyKey},
      {"empty key inside", Txn({Nested({}, {Put("")})}), errors::kEmptyKey},
      {"value given and to be kept", Txn({flags}), errors::kValueProvided},
      {"lease given and to be kept", Txn({lease}), errors::kLeaseProvided},
      {"an operation without content", Txn({RequestOp()}), errors::kKeyNotFound},
      {"counts before keys", Txn(Gets(129) + Put("")), errors::kTooManyOps},
      {"keys before duplicates", Txn({Put("k"), Put("k")}, {Put("")}), errors::kEmptyKey},

      {"put twice", Txn({Put("k"), Put("k")}), errors::kDuplicateKey},
      {"put twice on failure", Txn({}, {Put("k"), Put("k")}), errors::kDuplicateKey},
      {"put on either branch", Txn({Put("k")}, {Put("k")}), ok},
      {"put and delete", Txn({Put("k"), Del("k")}), errors::kDuplicateKey},
      {"delete and put", Txn({Del("k"), Put("k")}), errors::kDuplicateKey},
      {"put in a deleted range", Txn({Del("a", "z"), Put("k")}), errors::kDuplicateKey},
      {"put at the end of a deleted range", Txn({Del("a", "k"), Put("k")}), ok},
      {"put in a range deleted to the end of all keys", Txn({Put("k"), Del("a", kZero)}),
       errors::kDuplicateKey},
      {"put before such a range", Txn({Put("a"), Del("b", kZero)}), ok},
      {"delete twice", Txn({Del("a", "z"), Del("b", "c"), Del("b")}), ok},
      {"read what is put", Txn({Get("k"), Put("k"), Get("k")}), ok},
      {"put outside and inside", Txn({Put("k"), Nested({Put("k")})}), errors::kDuplicateKey},
      {"put inside and outside", Txn({Nested({}, {Put("k")}), Put("k")}), errors::kDuplicateKey},
      {"put on either branch inside", Txn({Nested({Put("k")}, {Put("k")})}), ok},
      {"deleted on one branch inside, put on the other", Txn({Nested({Del("k")}, {Put("k")})}), ok},
      {"put in two transactions inside", Txn({Nested({Put("k")}), Nested({}, {Put("k")})}),
       errors::kDuplicateKey},
      {"put inside, deleted by a later transaction inside",
       Txn({Nested({Put("k")}), Nested({Del("a", kZero)})}), ok},
      {"deleted inside, put by a later one", Txn({Nested({Del("k")}), Nested({}, {Put("k")})}),
       errors::kDuplicateKey},
      {"deleted inside, put outside", Txn({Nested({Nested({Del("a", kZero)})}), Put("k")}),
       errors::kDuplicateKey},
  };
  for (const auto& c : cases) EXPECT_EQ(CheckTxn(c.txn, kMaxOps), c.expected) << c.name;
}

TEST(CheckTxn, ComparisonsCountAndNeedKeys) {
  TxnRequest txn;
  for (int i = 0; i < 128; ++i) txn.add_compare()->set_key("k");
  EXPECT_TRUE(CheckTxn(txn, kMaxOps).ok());
  txn.mutable_compare(5)->clear_key();
  EXPECT_TRUE(errors::kEmptyKey.Is(CheckTxn(txn, kMaxOps)));
  txn.add_compare()->set_key("k");
  EXPECT_TRUE(errors::kTooManyOps.Is(CheckTxn(txn, kMaxOps)));
}

// A server that only counts level by level lets a small request do unbounded work.
TEST(CheckTxn, TheWholeTreeIsBounded) {
  TxnRequest deep = Txn({Get("k")});
  for (int depth = 1; depth < kMaxTxnDepth; ++depth) {
    EXPECT_TRUE(CheckTxn(deep, kMaxOps).ok()) << depth;
    TxnRequest outer;
    *outer.add_success()->mutable_request_txn() = deep;
    deep = outer;
  }
  EXPECT_TRUE(CheckTxn(deep, kMaxOps).ok());
  TxnRequest deeper;
  *deeper.add_success()->mutable_request_txn() = deep;
  EXPECT_TRUE(errors::kTooManyOps.Is(CheckTxn(deeper, kMaxOps)));

  TxnRequest wide;
  for (int i = 0; i < 20; ++i) wide.mutable_success()->Add(Nested(Gets(100)));
  EXPECT_TRUE(errors::kTooManyOps.Is(CheckTxn(wide, kMaxOps)));
}

// --- Beside an oracle ----------------------------------------------------------------------------

// A change somewhere in a tree of transactions, and which branches lead there.
struct Leaf {
  const RequestOp* op;
  std::vector<std::pair<const TxnRequest*, bool>> path;
};

void FindLeaves(const TxnRequest& txn, const std::vector<std::pair<const TxnRequest*, bool>>& path,
                std::vector<Leaf>* leaves) {
  for (const bool success : {true, false}) {
    auto below = path;
    below.emplace_back(&txn, success);
    for (const RequestOp& op : success ? txn.success() : txn.failure()) {
      if (op.has_request_txn()) {
        FindLeaves(op.request_txn(), below, leaves);
      } else {
        leaves->push_back({&op, below});
      }
    }
  }
}

// Two changes never happen together if some transaction would have to take both its branches.
bool MayHappenTogether(const Leaf& a, const Leaf& b) {
  for (const auto& [txn, success] : a.path) {
    for (const auto& [other, other_success] : b.path) {
      if (txn == other && success != other_success) return false;
    }
  }
  return true;
}

bool Clash(const RequestOp& a, const RequestOp& b) {
  auto contains = [](const RequestOp& del, const RequestOp& put) {
    const auto& range = del.request_delete_range();
    const std::string& key = put.request_put().key();
    if (range.range_end().empty()) return key == range.key();
    return key >= range.key() && (range.range_end() == kZero || key < range.range_end());
  };
  if (a.has_request_put() && b.has_request_put()) {
    return a.request_put().key() == b.request_put().key();
  }
  if (a.has_request_put() && b.has_request_delete_range()) return contains(b, a);
  if (b.has_request_put() && a.has_request_delete_range()) return contains(a, b);
  return false;
}

// Two changes in different transactions of one branch, none of them in the branch itself.
bool InSiblings(const Leaf& a, const Leaf& b) {
  const size_t shorter = std::min(a.path.size(), b.path.size());
  size_t common = 0;
  while (common < shorter && a.path[common] == b.path[common]) ++common;
  return common < shorter;
}

bool HasDuplicates(const TxnRequest& txn) {
  std::vector<Leaf> leaves;
  FindLeaves(txn, {}, &leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool put_before_delete = leaves[j].op->has_request_put() &&
                                     leaves[i].op->has_request_delete_range() &&
                                     InSiblings(leaves[i], leaves[j]);
      if (put_before_delete || !MayHappenTogether(leaves[i], leaves[j])) continue;
      if (Clash(*leaves[i].op, *leaves[j].op)) return true;
    }
  }
  return false;
}

TEST(CheckTxn, FindsTheDuplicatesThatThereAre) {
  std::mt19937 random(17);
  auto key = [&] { return std::string(1, static_cast<char>('a' + random() % 12)); };
  std::function<TxnRequest(int)> draw = [&](int depth) {
    TxnRequest txn;
    for (auto* branch : {txn.mutable_success(), txn.mutable_failure()}) {
      for (int n = static_cast<int>(random() % 4); n > 0; --n) {
        const uint32_t kind = random() % (depth < 4 ? 6 : 4);
        if (kind > 3) {
          *branch->Add()->mutable_request_txn() = draw(depth + 1);
        } else if (kind == 0) {
          *branch->Add() = Del(key(), random() % 2 == 0 ? "" : random() % 4 == 0 ? kZero : key());
        } else {
          *branch->Add() = kind == 1 ? Get(key()) : Put(key());
        }
      }
    }
    return txn;
  };
  int duplicates = 0, fine = 0;
  for (int round = 0; round < 5000; ++round) {
    const TxnRequest txn = draw(1);
    const absl::Status status = CheckTxn(txn, kMaxOps);
    const bool expected = HasDuplicates(txn);
    ASSERT_EQ(errors::kDuplicateKey.Is(status), expected) << status << txn.DebugString();
    ++(expected ? duplicates : fine);
  }
  EXPECT_GT(duplicates, 500);
  EXPECT_GT(fine, 500);
}

TEST(Txn, IsReadOnlyIfNoBranchWrites) {
  EXPECT_TRUE(IsReadOnly(Txn({Get("a"), Nested({Get("b")})}, {Get("c")})));
  EXPECT_FALSE(IsReadOnly(Txn({Get("a")}, {Nested({}, {Del("b")})})));
  EXPECT_FALSE(IsReadOnly(Txn({Put("a")})));
  EXPECT_TRUE(IsSerializable(Txn({Get("a", true)}, {Nested({Get("b", true)})})));
  EXPECT_FALSE(IsSerializable(Txn({Get("a", true)}, {Nested({Get("b", false)})})));
  EXPECT_TRUE(HasPut(Txn({}, {Nested({}, {Put("a")})})));
  EXPECT_FALSE(HasPut(Txn({Del("a")}, {Get("b")})));
}

}  // namespace
}  // namespace raftexample
