#include "examples/raftexample/mvcc/txn.h"

#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/mvcc/txn_check.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/testing/model_store.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

std::string Text(const google::protobuf::Message& message) { return message.ShortDebugString(); }

TxnRequest Parse(const std::string& text) {
  TxnRequest txn;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &txn)) << text;
  return txn;
}

class TxnTest : public testing::Test {
 protected:
  TxnTest() {
    backend_ = *Backend::Open({dir_ / "db", 64 << 20, /*sync=*/false});
    store_ = *Store::Open(backend_.get(), &leases_);
  }

  absl::Status Execute(const TxnRequest& txn, TxnResponse* response) {
    Store::Write write(store_.get());
    absl::Status s = ExecuteTxn(txn, leases_, write, response);
    EXPECT_TRUE(s.ok() || write.changes().empty()) << "half of a refused transaction";
    write.Finish();
    return s;
  }
  absl::Status Execute(const std::string& text) {
    TxnResponse response;
    return Execute(Parse(text), &response);
  }
  TxnResponse Ok(const std::string& text) {
    TxnResponse response;
    absl::Status s = Execute(Parse(text), &response);
    EXPECT_TRUE(s.ok()) << s;
    return response;
  }
  std::string ValueOf(const std::string& key) {
    auto kv = store_->Get(key, store_->revision());
    return kv.ok() ? kv->value() : "(none)";
  }

  TempDirectory dir_;
  ModelLeases leases_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

TEST_F(TxnTest, AllChangesShareARevision) {
  const TxnResponse response = Ok(R"(
      success { request_range { key: "a" } }
      success { request_put { key: "a" value: "1" } }
      success { request_range { key: "a" } }
      success { request_delete_range { key: "none" } }
      success { request_txn { success { request_put { key: "b" value: "2" } } } })");
  EXPECT_EQ(response.header().revision(), 2);
  EXPECT_EQ(store_->revision(), 2);
  EXPECT_EQ(response.responses(0).response_range().header().revision(), 1) << "before the put";
  EXPECT_EQ(response.responses(0).response_range().count(), 0);
  EXPECT_EQ(response.responses(1).response_put().header().revision(), 2);
  EXPECT_EQ(response.responses(2).response_range().header().revision(), 2);
  EXPECT_EQ(response.responses(2).response_range().kvs(0).value(), "1");
  EXPECT_EQ(response.responses(3).response_delete_range().header().revision(), 2);
  EXPECT_TRUE(response.responses(4).response_txn().has_header());
  EXPECT_EQ(Text(response.responses(4).response_txn().header()), "");
}

TEST_F(TxnTest, ATransactionThatChangesNothingMakesNoRevision) {
  EXPECT_EQ(Ok(R"(success { request_delete_range { key: "none" } })").header().revision(), 1);
  EXPECT_EQ(store_->revision(), 1);
}

TEST_F(TxnTest, ComparisonsSeeTheStateBeforeTheTransaction) {
  const TxnResponse response = Ok(R"(
      success { request_put { key: "a" value: "1" } }
      success { request_txn {
        compare { key: "a" target: VERSION result: EQUAL version: 1 }
        success { request_put { key: "b" value: "seen" } }
        failure { request_put { key: "b" value: "not seen" } } } })");
  EXPECT_FALSE(response.responses(1).response_txn().succeeded());
  EXPECT_EQ(ValueOf("b"), "not seen");
}

TEST_F(TxnTest, WhatAMissingKeyComparesAs) {
  Ok(R"(success { request_put { key: "a" value: "v" } })");
  const struct {
    const char* compare;
    bool succeeded;
  } cases[] = {
      {R"(key: "x" target: VERSION result: EQUAL version: 0)", true},
      {R"(key: "x" target: CREATE result: EQUAL create_revision: 0)", true},
      {R"(key: "x" target: MOD result: LESS mod_revision: 1)", true},
      {R"(key: "x" target: LEASE result: EQUAL lease: 0)", true},
      {R"(key: "x" target: VALUE result: EQUAL value: "")", false},
      {R"(key: "x" target: VALUE result: NOT_EQUAL value: "v")", false},
      {R"(key: "x" range_end: "z" target: VALUE result: NOT_EQUAL value: "v")", false},
      {R"(key: "x" range_end: "z" target: VERSION result: LESS version: 1)", true},
      {R"(key: "a" range_end: "z" target: VALUE result: EQUAL value: "v")", true},
      {R"(key: "a" target: VALUE result: GREATER value: "u")", true},
      {R"(key: "a" target: VALUE result: LESS value: "u")", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Ok(absl::StrCat("compare {", c.compare, "}")).succeeded(), c.succeeded) << c.compare;
  }
}

TEST_F(TxnTest, ARefusedTransactionHasDoneNothing) {
  Ok(R"(success { request_put { key: "a" value: "1" } })");  // Revision 2.
  Ok(R"(success { request_put { key: "a" value: "2" } })");  // 3
  ASSERT_TRUE(store_->Compact(3).ok());
  const struct {
    const char* name;
    const char* op;
    errors::ApiError expected;
  } cases[] = {
      {"a read of what is compacted", R"(request_range { key: "a" revision: 2 })",
       errors::kCompacted},
      {"a read of the future", R"(request_range { key: "a" revision: 9 })",
       errors::kFutureRevision},
      {"a read of the revision that would be made", R"(request_range { key: "a" revision: 4 })",
       errors::kFutureRevision},
      {"a negative revision, which is past", R"(request_range { key: "a" revision: -1 })",
       errors::kCompacted},
      {"an unknown lease", R"(request_put { key: "c" lease: 5 })", errors::kLeaseNotFound},
      {"no value to keep", R"(request_put { key: "c" ignore_value: true })", errors::kKeyNotFound},
      {"no lease to keep", R"(request_put { key: "c" ignore_lease: true })", errors::kKeyNotFound},
      {"any of it inside", R"(request_txn { success { request_range { key: "a" revision: 2 } } })",
       errors::kCompacted},
  };
  for (const auto& c : cases) {
    const std::string text =
        absl::StrCat(R"(success { request_put { key: "b" value: "x" } } success {)", c.op, "}");
    EXPECT_TRUE(c.expected.Is(Execute(text))) << c.name << ": " << Execute(text);
    EXPECT_EQ(store_->revision(), 3) << c.name;
    EXPECT_EQ(ValueOf("b"), "(none)") << c.name;
    // Only the branch taken matters.
    EXPECT_TRUE(Execute(absl::StrCat("failure {", c.op, "}")).ok()) << c.name;
  }
}

// What a member does that has to answer, and one that only follows, must be the same: the defect of
// a server whose members checked reads only when somebody waited for them.
TEST_F(TxnTest, TheFateOfATransactionDoesNotDependOnWhoAsks) {
  const TxnRequest bad = Parse(R"(success { request_put { key: "b" value: "x" } }
                                  success { request_range { key: "a" revision: 9 } })");
  TxnResponse response;
  EXPECT_EQ(Execute(bad, &response), Execute(bad, nullptr));
  EXPECT_EQ(store_->revision(), 1);
  const TxnRequest good = Parse(R"(success { request_put { key: "b" value: "x" prev_kv: true } }
                                   success { request_range { key: "a" } }
                                   success { request_delete_range { key: "c" prev_kv: true } })");
  EXPECT_TRUE(Execute(good, nullptr).ok());
  EXPECT_EQ(store_->revision(), 2);
}

// --- Beside the model ----------------------------------------------------------------------------

class RandomTxns {
 public:
  explicit RandomTxns(int seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % n); }

  TxnRequest Txn(int64_t revision, int depth) {
    TxnRequest txn;
    for (int n = Below(3); n > 0; --n) *txn.add_compare() = MakeCompare(revision);
    for (int n = Below(4); n > 0; --n) *txn.add_success() = Op(revision, depth);
    for (int n = Below(4); n > 0; --n) *txn.add_failure() = Op(revision, depth);
    return txn;
  }

 private:
  std::string Key() { return std::string(1, static_cast<char>('a' + Below(8))); }
  std::string End() { return Below(2) == 0 ? "" : Below(3) == 0 ? std::string(1, '\0') : Key(); }

  Compare MakeCompare(int64_t revision) {
    Compare c;
    c.set_key(Key());
    c.set_range_end(End());
    c.set_target(static_cast<Compare::CompareTarget>(Below(5)));
    c.set_result(static_cast<Compare::CompareResult>(Below(4)));
    switch (c.target()) {
      case Compare::VERSION: c.set_version(Below(3)); break;
      case Compare::CREATE: c.set_create_revision(Below(static_cast<int>(revision) + 1)); break;
      case Compare::MOD: c.set_mod_revision(Below(static_cast<int>(revision) + 1)); break;
      case Compare::LEASE: c.set_lease(Below(3)); break;
      default: c.set_value(absl::StrCat(Below(4)));
    }
    return c;
  }
  RequestOp Op(int64_t revision, int depth) {
    RequestOp op;
    switch (Below(depth < 3 ? 8 : 7)) {
      case 0:
      case 1: {
        RangeRequest& range = *op.mutable_request_range();
        range.set_key(Key());
        range.set_range_end(End());
        if (Below(8) == 0) range.set_revision(Below(static_cast<int>(revision) + 3));
        break;
      }
      case 2: {
        op.mutable_request_delete_range()->set_key(Key());
        op.mutable_request_delete_range()->set_range_end(End());
        op.mutable_request_delete_range()->set_prev_kv(Below(2) == 0);
        break;
      }
      case 7: *op.mutable_request_txn() = Txn(revision, depth + 1); break;
      default: {
        etcdserverpb::PutRequest& put = *op.mutable_request_put();
        put.set_key(Key());
        put.set_ignore_value(Below(8) == 0);
        put.set_ignore_lease(Below(8) == 0);
        if (!put.ignore_value()) put.set_value(absl::StrCat(Below(4)));
        if (!put.ignore_lease()) put.set_lease(Below(12) == 0 ? 9 : Below(3));
        put.set_prev_kv(Below(2) == 0);
      }
    }
    return op;
  }

  std::mt19937 random_;
};

TEST_F(TxnTest, DoesWhatTheModelDoes) {
  leases_.existing = {1, 2};
  ModelStore model;
  RandomTxns random(20);
  int done = 0, refused = 0, read_only = 0;
  for (int step = 0; step < 6000; ++step) {
    const TxnRequest txn = random.Txn(model.revision(), 1);
    if (!CheckTxn(txn, 128).ok()) continue;
    TxnResponse expected, response;
    const absl::Status status = model.Txn(txn, leases_, &expected);
    if (IsReadOnly(txn)) {
      ++read_only;
      EXPECT_EQ(ReadTxn(txn, *store_, &response), status);
    } else {
      EXPECT_EQ(Execute(txn, &response), status) << txn.DebugString();
    }
    if (status.ok()) {
      ++done;
      EXPECT_EQ(Text(response), Text(expected)) << txn.DebugString();
    } else {
      ++refused;
    }
    if (random.Below(40) == 0) {
      const int64_t at = random.Below(static_cast<int>(model.revision()) + 1);
      EXPECT_EQ(store_->Compact(at), model.Compact(at));
    }
    if (random.Below(20) == 0) {
      ASSERT_TRUE(backend_->Commit().ok());
    }
    if (random.Below(10) == 0) {
      ASSERT_TRUE(store_->CompactSome().ok());
    }
    ASSERT_EQ(store_->revision(), model.revision());
    if (HasFailure()) break;
  }
  // The dice must have shown everything.
  EXPECT_GT(done, 1000);
  EXPECT_GT(refused, 100);
  EXPECT_GT(read_only, 100);
}

}  // namespace
}  // namespace raftexample
