#include "examples/raftexample/mvcc/txn.h"

#include <vector>

#include "absl/strings/string_view.h"
#include "examples/raftexample/proto/errors.h"
#include "raft/check.h"

namespace raftexample {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::ResponseOp;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using Ops = google::protobuf::RepeatedPtrField<RequestOp>;

// Which branch each transaction of the tree takes.
struct Path {
  bool success = true;
  std::vector<Path> inner;  // Of the transactions in that branch, in their order.
};

const Ops& TakenBranch(const TxnRequest& txn, const Path& path) {
  return path.success ? txn.success() : txn.failure();
}

// --- Comparisons ---------------------------------------------------------------------------------

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// How what the key has stands to what the comparison gives.
int OrderOf(const Compare& compare, const Record& record, int64_t mod_revision) {
  switch (compare.target()) {
    case Compare::VERSION: return Order(record.version, compare.version());
    case Compare::CREATE: return Order(record.create_revision, compare.create_revision());
    case Compare::MOD: return Order(mod_revision, compare.mod_revision());
    case Compare::LEASE: return Order(record.lease, compare.lease());
    default: return Order(record.value, absl::string_view(compare.value()));
  }
}

bool Holds(const Compare& compare, const Record& record, int64_t mod_revision) {
  const int order = OrderOf(compare, record, mod_revision);
  switch (compare.result()) {
    case Compare::EQUAL: return order == 0;
    case Compare::NOT_EQUAL: return order != 0;
    case Compare::GREATER: return order > 0;
    case Compare::LESS: return order < 0;
    default: return true;  // A relation that we do not know forbids nothing.
  }
}

// Every key of the range must comply. If there is none, all its numbers are 0, and its value is not
// even different from anything.
absl::StatusOr<bool> Holds(const Compare& compare, const Store::Reads& reads) {
  bool holds = true;
  bool found = false;
  absl::Status s = reads.Visit({compare.key(), compare.range_end()},
                               [&](const Record& record, int64_t mod_revision) {
                                 found = true;
                                 holds = Holds(compare, record, mod_revision);
                                 return holds;
                               });
  if (!s.ok()) return s;
  if (!found) return compare.target() != Compare::VALUE && Holds(compare, Record{}, 0);
  return holds;
}

absl::StatusOr<Path> Choose(const TxnRequest& txn, const Store::Reads& reads) {
  Path path;
  for (const Compare& compare : txn.compare()) {
    const absl::StatusOr<bool> holds = Holds(compare, reads);
    if (!holds.ok()) return holds.status();
    if (*holds) continue;
    path.success = false;
    break;
  }
  for (const RequestOp& op : TakenBranch(txn, path)) {
    if (!op.has_request_txn()) continue;
    absl::StatusOr<Path> inner = Choose(op.request_txn(), reads);
    if (!inner.ok()) return inner.status();
    path.inner.push_back(*std::move(inner));
  }
  return path;
}

// --- What could fail -----------------------------------------------------------------------------

template <typename Check>
absl::Status CheckTaken(const TxnRequest& txn, const Path& path, const Check& check) {
  size_t inner = 0;
  for (const RequestOp& op : TakenBranch(txn, path)) {
    absl::Status s =
        op.has_request_txn() ? CheckTaken(op.request_txn(), path.inner[inner++], check) : check(op);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status CheckPutNow(const etcdserverpb::PutRequest& put, const KeyLeases& leases,
                         const Store::Reads& reads) {
  if (put.ignore_value() || put.ignore_lease()) {
    bool found = false;
    absl::Status s = reads.Visit({put.key(), ""}, [&](const Record&, int64_t) {
      found = true;
      return false;
    });
    if (!s.ok()) return s;
    if (!found) return errors::kKeyNotFound;
  }
  if (put.lease() != kNoLease && !leases.Exists(put.lease())) return errors::kLeaseNotFound;
  return absl::OkStatus();
}

// A negative revision, which by itself means now, is one of the past in here, as it is in etcd:
// only -1 is not before a store that was never compacted.
absl::Status CheckRangeNow(const etcdserverpb::RangeRequest& range, int64_t revision,
                           int64_t compacted) {
  const int64_t oldest = compacted == 0 ? -1 : compacted;
  if (range.revision() > revision) return errors::kFutureRevision;
  if (range.revision() != 0 && range.revision() < oldest) return errors::kCompacted;
  return absl::OkStatus();
}

// --- Carrying out --------------------------------------------------------------------------------

ResponseOp* AddResponse(TxnResponse* response) {
  return response == nullptr ? nullptr : response->add_responses();
}

void Execute(const TxnRequest& txn, const Path& path, Store::Write& write, TxnResponse* response) {
  if (response != nullptr) response->set_succeeded(path.success);
  size_t inner = 0;
  for (const RequestOp& op : TakenBranch(txn, path)) {
    ResponseOp* answer = AddResponse(response);
    switch (op.request_case()) {
      case RequestOp::kRequestRange: {
        if (answer == nullptr) break;
        absl::Status s = write.reads().Range(op.request_range(), answer->mutable_response_range());
        RAFT_CHECK(s.ok()) << "while applying: " << s.ToString();
        break;
      }
      case RequestOp::kRequestPut:
        write.Put(op.request_put(), answer ? answer->mutable_response_put() : nullptr);
        break;
      case RequestOp::kRequestDeleteRange:
        write.DeleteRange(op.request_delete_range(),
                          answer ? answer->mutable_response_delete_range() : nullptr);
        break;
      case RequestOp::kRequestTxn: {
        TxnResponse* inner_response = answer ? answer->mutable_response_txn() : nullptr;
        if (inner_response != nullptr) inner_response->mutable_header();
        Execute(op.request_txn(), path.inner[inner++], write, inner_response);
        break;
      }
      case RequestOp::REQUEST_NOT_SET: break;
    }
  }
}

// The same for a transaction that writes nothing.
absl::Status ExecuteReads(const TxnRequest& txn, const Path& path, const Store::Reads& reads,
                          TxnResponse* response) {
  response->set_succeeded(path.success);
  size_t inner = 0;
  for (const RequestOp& op : TakenBranch(txn, path)) {
    ResponseOp* answer = response->add_responses();
    absl::Status s;
    if (op.has_request_range()) {
      s = reads.Range(op.request_range(), answer->mutable_response_range());
    } else if (op.has_request_txn()) {
      answer->mutable_response_txn()->mutable_header();
      s = ExecuteReads(op.request_txn(), path.inner[inner++], reads,
                       answer->mutable_response_txn());
    }
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status CheckRanges(const TxnRequest& request, const Path& path, int64_t revision,
                         int64_t compacted) {
  return CheckTaken(request, path, [&](const RequestOp& op) -> absl::Status {
    if (!op.has_request_range()) return absl::OkStatus();
    return CheckRangeNow(op.request_range(), revision, compacted);
  });
}

absl::Status TryReadTxn(const TxnRequest& request, const Store& store, const Store::Reads& reads,
                        TxnResponse* response) {
  absl::StatusOr<Path> path = Choose(request, reads);
  if (!path.ok()) return path.status();
  absl::Status fits = CheckRanges(request, *path, reads.revision(), store.compacted());
  if (!fits.ok()) return fits;
  response->mutable_header()->set_revision(reads.revision());
  return ExecuteReads(request, *path, reads, response);
}

}  // namespace

absl::Status ExecuteTxn(const TxnRequest& request, const KeyLeases& leases, Store::Write& write,
                        TxnResponse* response) {
  const Store::Reads before = write.reads();
  const absl::StatusOr<Path> path = Choose(request, before);
  RAFT_CHECK(path.ok()) << "while applying: " << path.status().ToString();
  absl::Status s = CheckTaken(request, *path, [&](const RequestOp& op) -> absl::Status {
    if (!op.has_request_put()) return absl::OkStatus();
    return CheckPutNow(op.request_put(), leases, before);
  });
  if (!s.ok()) return s;
  s = CheckRanges(request, *path, before.revision(), write.compacted());
  if (!s.ok()) return s;
  Execute(request, *path, write, response);
  if (response != nullptr) response->mutable_header()->set_revision(write.revision());
  return absl::OkStatus();
}

absl::Status ReadTxn(const TxnRequest& request, const Store& store, TxnResponse* response) {
  while (true) {
    const Store::Reads reads = store.Now();
    absl::Status s = TryReadTxn(request, store, reads, response);
    // Unless a compaction has overtaken us, the fault is in the request.
    if (!errors::kCompacted.Is(s) || store.compacted() <= reads.revision()) return s;
    response->Clear();
  }
}

}  // namespace raftexample
